/**
 * The state of a task as users know it. Derived, never stored: replicas that agree on the record agree on it.
 */
export type TaskState =
  | 'waiting'
  | 'delayed'
  | 'queued'
  | 'running'
  | 'completed'
  | 'failed'
  | 'cancelled'
