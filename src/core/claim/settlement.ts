/**
 * The wait between taking a task over and starting it.
 *
 * The gone holder may have granted the task to somebody just before it died, and that grant may not have reached us. So a
 * reclaimer asks everybody who may still be alive: each confirms that it has merged the reclaim, and says with the same
 * breath how much it had written itself by then. Once all have confirmed, and everything they had written is merged here,
 * no grant can be hidden any more: whoever ran the task would have written so before.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../members/members.ts'

type Settlement = {
  /** Our write that holds the reclaims. */
  readonly seq: number
  /** Task -> the epoch of its reclaim. */
  readonly entries: ReadonlyMap<Entry, number>
  /** Who has confirmed, and up to which of its own writes we have to have merged. */
  readonly needs: Map<NodeId, { boot: BootId; seq: number }>
}

export class Settlements {
  #open: Settlement[] = []
  readonly #settling = new Map<Entry, number>()

  /** These were reclaimed by writes of ours, the last of which is `seq`. */
  add(seq: number, entries: readonly Entry[]): void {
    const epochs = new Map(entries.map(entry => [entry, entry.record.claim.epoch]))
    for (const [entry, epoch] of epochs) this.#settling.set(entry, epoch)
    this.#open.push({ seq, entries: epochs, needs: new Map() })
  }

  /** Whether the task may not be started yet. */
  isSettling(entry: Entry): boolean {
    return this.#settling.get(entry) === entry.record.claim.epoch
  }

  get isEmpty(): boolean {
    return this.#open.length === 0
  }

  /**
   * Returns the tasks whose reclaim has settled.
   *
   * @param alive the members that are not known to be gone
   */
  settle(
    self: BootId,
    alive: readonly Member[],
    merged: (origin: BootId) => number
  ): readonly Entry[] {
    const done: Entry[] = []
    this.#open = this.#open.filter(settlement => {
      const settled = alive.every(member => hasConfirmed(settlement, self, member, merged))
      if (!settled) return true
      for (const [entry, epoch] of settlement.entries) {
        // It may have been reclaimed once more since, which has to settle by itself.
        if (this.#settling.get(entry) === epoch) this.#settling.delete(entry)
        done.push(entry)
      }
      return false
    })
    return done
  }
}

function hasConfirmed(
  { seq, needs }: Settlement,
  self: BootId,
  { node, heartbeat, vector }: Member,
  merged: (origin: BootId) => number
): boolean {
  const { boot } = heartbeat
  let need = needs.get(node)
  if (need === undefined || need.boot !== boot) {
    if ((vector.get(self) ?? 0) < seq) return false
    need = { boot, seq: vector.get(boot) ?? 0 }
    needs.set(node, need)
  }
  return merged(boot) >= need.seq
}
