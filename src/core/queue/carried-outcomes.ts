/**
 * Outcomes that came along with a task that depends on them, and that have been pruned here: the node that gave the
 * task still had them. They count, and are read, as long as the task has not settled. In memory only: a node that takes
 * the task over asks for none.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import { isSettled, type TaskRecord } from '../task/record.ts'

export class Carried {
  readonly #records = new Map<TaskId, TaskRecord>()

  get(id: TaskId): TaskRecord | undefined {
    return this.#records.get(id)
  }

  /** Returns whether it tells how the task ended, which was not known. */
  note(record: TaskRecord): boolean {
    const { id } = record.spec
    if (!isSettled(record) || this.#records.has(id)) return false
    this.#records.set(id, record)
    return true
  }

  /** @param isNamed whether a task that has not settled depends on one */
  assertInvariants(isNamed: (id: TaskId) => boolean): void {
    for (const id of this.#records.keys()) {
      assert(isNamed(id), 'what came along is kept only as long as something depends on it', id)
    }
  }

  /** Nothing depends on it any more. */
  forget(id: TaskId): void {
    this.#records.delete(id)
  }
}
