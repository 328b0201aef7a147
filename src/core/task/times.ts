/**
 * Times that a task's record implies, in ms since 1970.
 */
import { hlcMs } from '../base/hlc.ts'
import type { TaskRecord } from './record.ts'

/** The end of the year 9999: what RFC 3339, and every calendar that a user meets, can name. */
export const TIME_MS_MAX = 253_402_300_799_999

/** Before this the task is not started; 0 if it may be at any time. */
export function startTimeOf({ spec, claim }: TaskRecord): number {
  return Math.max(spec.notBefore ?? 0, claim.notBefore ?? 0)
}

/** By this the task has to have settled; without a deadline, `Infinity`. */
export function deadlineOf({ spec }: TaskRecord): number {
  return spec.deadlineMs === null ? Infinity : hlcMs(spec.submittedAt) + spec.deadlineMs
}
