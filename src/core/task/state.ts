/**
 * The state of a task as users know it. Derived, never stored: replicas that agree on the record agree on it.
 */
import { isSettled, isStarted, type TaskRecord } from './record.ts'

export type TaskState = 'waiting' | 'queued' | 'running' | 'completed' | 'failed' | 'cancelled'

/** @param ready whether all its dependencies have completed */
export function stateOf(record: TaskRecord, ready: boolean): TaskState {
  if (isSettled(record)) return record.outcome!.status
  if (isStarted(record)) return 'running'
  return ready ? 'queued' : 'waiting'
}
