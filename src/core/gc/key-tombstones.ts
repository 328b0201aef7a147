/**
 * Keys whose tasks have been pruned before their time: there were too many settled ones.
 *
 * A file of a hundred thousand tasks is submitted, ten thousand of them are still kept when the last has settled, and
 * then the file is sent again to be on the safe side. Without this, nine tenths of it would run twice. So what is
 * pruned too early leaves its id behind, which its key leads to, for as long as the task itself would have been kept.
 *
 * That is a trace, and pruning leaves none otherwise. It needs no agreement: all who have had the task note it
 * themselves when they prune it, and a node that has not noted it has either still got the task, or never had it and
 * asks (scheduling/first-use.ts).
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import { TASK_LIMITS } from '../options.ts'

/**
 * Some 25 MB of memory. Guess: twice the largest file that anybody wants to send again. Beyond it, the oldest go.
 */
export const KEY_TOMBSTONES_MAX = 200_000

export class KeyTombstones {
  /** Until when, in ms, in the order of pruning, which is about the order in which they end. */
  readonly #ends = new Map<TaskId, number>()
  #changed = new Map<TaskId, number>()

  /** The key of a task is taken until `end`, in ms. */
  note(id: TaskId, end: number): void {
    this.#ends.delete(id)
    this.#ends.set(id, end)
    this.#changed.set(id, end)
    for (const oldest of this.#ends.keys()) {
      if (this.#ends.size <= KEY_TOMBSTONES_MAX) return
      this.#letGo(oldest)
    }
  }

  has(id: TaskId, now: number): boolean {
    return now < (this.#ends.get(id) ?? 0)
  }

  /** Lets go of those whose time is over. */
  tidy(now: number): void {
    for (const [id, end] of this.#ends) {
      if (now < end) return
      this.#letGo(id)
    }
  }

  /** Takes back what was on disk. */
  restore(ends: Iterable<readonly [TaskId, number]>): void {
    for (const [id, end] of [...ends].sort(([, x], [, y]) => x - y)) this.#ends.set(id, end)
  }

  /** No key is taken for longer than a task can be kept, whatever its disk or a stamp says. */
  reconsider(now: number): void {
    for (const [id, end] of this.#ends) {
      if (end > now + TASK_LIMITS.retentionMsMax) this.#letGo(id)
    }
  }

  /** Those that have come, and with 0 those that have gone, since this was last asked. */
  takeChanged(): ReadonlyMap<TaskId, number> {
    const changed = this.#changed
    this.#changed = new Map()
    return changed
  }

  assertInvariants(): void {
    assert(this.#ends.size <= KEY_TOMBSTONES_MAX, 'key tombstones have a bound')
    for (const [id, end] of this.#changed) {
      const isSame = (this.#ends.get(id) ?? 0) === end
      assert(isSame, 'what goes to disk of a key is what is known of it', id)
    }
  }

  #letGo(id: TaskId): void {
    this.#ends.delete(id)
    this.#changed.set(id, 0)
  }
}
