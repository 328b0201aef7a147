/**
 * Which tasks every boot holds: those that have not settled, whether they wait, are ready or run.
 */
import type { BootId, TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled } from '../task/record.ts'

export class Holdings {
  readonly #held = new Map<BootId, Set<Entry>>()
  readonly #holders = new Map<TaskId, BootId>()

  /** The task has changed, or has come. */
  update(entry: Entry): void {
    this.#move(entry, isSettled(entry.record) ? undefined : entry.record.claim.holder)
  }

  /** The task has been pruned. */
  remove(entry: Entry): void {
    this.#move(entry, undefined)
  }

  /** Boots that hold anything. */
  holders(): BootId[] {
    return [...this.#held.keys()]
  }

  of(boot: BootId): Entry[] {
    return [...(this.#held.get(boot) ?? [])]
  }

  #move(entry: Entry, holder: BootId | undefined): void {
    const before = this.#holders.get(entry.id)
    if (before === holder) return
    if (before !== undefined) {
      const held = this.#held.get(before)!
      held.delete(entry)
      if (held.size === 0) this.#held.delete(before)
      this.#holders.delete(entry.id)
    }
    if (holder === undefined) return
    this.#holders.set(entry.id, holder)
    const held = this.#held.get(holder)
    if (held === undefined) this.#held.set(holder, new Set([entry]))
    else held.add(entry)
  }
}
