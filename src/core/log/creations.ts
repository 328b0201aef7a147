/**
 * By which writes it is told whether a task is new.
 *
 * A task is created once, by the write of its submitter; under a key, by each of those who submit the key. Whoever took it in
 * before it had seen that write has written it down as well, and that counts as a creation where somebody asks whether a
 * task has come everywhere. But it makes no new task of one that is over: who was away with such a write, while the others
 * ran the task and forgot it, is told so.
 */
import type { Dot, TaskRecord } from '../task/record.ts'

/** All that have to be over for the task to be. */
export function creationsOf({ spec, created }: TaskRecord): readonly Dot[] {
  if (created.length === 1 || spec.idempotencyKey !== null) return created
  const first = created.filter(({ origin }) => origin === spec.submittedBy)
  return first.length === 0 ? created : first
}
