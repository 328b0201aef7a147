/**
 * How long to wait before another attempt: exponentially longer, and a little differently for every task, so that tasks
 * that failed together do not come back together.
 *
 * The difference comes from the task's id and the number of the attempt, so it is the same wherever it is computed.
 */
import { hash32, type TaskId } from '../base/ids.ts'
import type { Backoff } from './spec.ts'

/** @param attempt the one that has failed, from 1 */
export function backoffMs(backoff: Backoff, id: TaskId, attempt: number): number {
  const { delayMs, factor, maxDelayMs, jitter } = backoff
  // Beyond any number the factor is infinite, and no delay at all times that is no number.
  const growth = Math.min(factor ** (attempt - 1), Number.MAX_VALUE)
  const wait = Math.min(maxDelayMs, delayMs * growth)
  // From -1 to 1.
  const deviation = (hash32(`${id} ${attempt}`) / 2 ** 32) * 2 - 1
  return Math.min(maxDelayMs, wait * (1 + jitter * deviation))
}
