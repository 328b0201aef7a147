/**
 * The state of a task as users know it. Derived, never stored: replicas that agree on the record agree on it.
 */
import { startTimeOf } from './times.ts'
import { isSettled, isStarted, type TaskRecord } from './record.ts'

export type TaskState =
  | 'waiting'
  | 'delayed'
  | 'queued'
  | 'running'
  | 'completed'
  | 'failed'
  | 'cancelled'

/** @param ready whether all its dependencies have completed */
export function stateOf(record: TaskRecord, ready: boolean, now: number): TaskState {
  if (isSettled(record)) return record.outcome!.status
  if (isStarted(record)) return 'running'
  if (!ready) return 'waiting'
  return startTimeOf(record) > now ? 'delayed' : 'queued'
}
