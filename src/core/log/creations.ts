/**
 * By which writes it is told whether a task is new.
 *
 * A task is created once, by the write of its submitter; under a key, by each of those who submit the key. A node that
 * took it in before it had seen that write has written it down as well, and that counts as a creation where the
 * question is whether a task has come everywhere. But it makes no new task of one that is over: a node that was away
 * with such a write, while the others ran the task and pruned it, is told so.
 */
import type { Dot, TaskRecord } from '../task/record.ts'

/** All that have to be over for the task to be. */
export function creationsOf({ spec, created }: TaskRecord): readonly Dot[] {
  if (created.length === 1 || spec.idempotencyKey !== null) return created
  const first = created.filter(({ origin }) => origin === spec.submittedBy)
  return first.length === 0 ? created : first
}
