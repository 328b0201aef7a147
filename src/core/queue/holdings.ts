/**
 * Which tasks every boot holds: those that have not settled, whether they wait, are ready or run.
 */
import type { BootId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled } from '../task/record.ts'

export class Holdings {
  readonly #held = new Map<BootId, Set<Entry>>()

  /** The task has changed, or has come. */
  update(entry: Entry): void {
    this.#move(entry, isSettled(entry.record) ? null : entry.record.claim.holder)
  }

  /** The task has been pruned. */
  remove(entry: Entry): void {
    this.#move(entry, null)
  }

  /** Boots that hold anything. */
  holders(): BootId[] {
    return [...this.#held.keys()]
  }

  of(boot: BootId): Entry[] {
    return [...(this.#held.get(boot) ?? [])]
  }

  #move(entry: Entry, holder: BootId | null): void {
    const before = entry.heldBy
    if (before === holder) return
    entry.heldBy = holder
    if (before !== null) {
      const held = this.#held.get(before)!
      held.delete(entry)
      if (held.size === 0) this.#held.delete(before)
    }
    if (holder === null) return
    const held = this.#held.get(holder)
    if (held === undefined) this.#held.set(holder, new Set([entry]))
    else held.add(entry)
  }
}
