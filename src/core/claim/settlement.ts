/**
 * The wait between taking a task over and starting it.
 *
 * The gone holder may have granted the task to somebody just before it died, and that grant may not have reached us. So a
 * reclaimer asks everybody who may still be alive: each confirms that it has merged the reclaim, and says with the same
 * breath how much it had written itself by then. Once all have confirmed, and everything they had written is merged here,
 * no grant can be hidden any more: whoever ran the task would have written so before.
 *
 * For a task that may run at most once, a start must not be hidden either, which its holder has shown to somebody. So
 * everybody is asked who has not left, the crashed and the unreachable too, once they are back.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../members/members.ts'
import type { VersionVector } from '../message.ts'

type Settlement = {
  /** Our write that holds the reclaims. */
  readonly seq: number
  /** Task -> the epoch of its reclaim. */
  readonly entries: ReadonlyMap<Entry, number>
  /** Who has confirmed, and up to which of its own writes we have to have merged. */
  readonly needs: Map<NodeId, { boot: BootId; seq: number }>
  /** Everybody but this node has to confirm, and to have told all that it knows; null: who can be asked. */
  readonly all: { except: NodeId } | null
}

export class Settlements {
  #open: Settlement[] = []
  readonly #settling = new Map<Entry, number>()

  /** These were reclaimed by writes of ours, the last of which is `seq`. */
  add(seq: number, entries: readonly Entry[], all: Settlement['all'] = null): void {
    if (entries.length === 0) return
    const epochs = new Map(entries.map(entry => [entry, entry.record.claim.epoch]))
    for (const [entry, epoch] of epochs) this.#settling.set(entry, epoch)
    this.#open.push({ seq, entries: epochs, needs: new Map(), all })
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
   * @param self this boot, and up to which of its writes it has them on disk: where nobody is asked, a reclaim that was
   *   started before it was on disk would be forgotten by a crash, and its epoch given to a second run
   * @param alive the members that can be asked
   * @param all ... and those that cannot, but have not left
   */
  settle(
    self: Readonly<{ boot: BootId; upTo: number }>,
    alive: readonly Member[],
    merged: (origin: BootId) => number,
    all: readonly Member[] = alive
  ): readonly Entry[] {
    const done: Entry[] = []
    this.#open = this.#open.filter(settlement => {
      const except = settlement.all?.except
      const asked = except === undefined ? alive : all.filter(({ node }) => node !== except)
      const settled =
        settlement.seq <= self.upTo &&
        asked.every(member => hasConfirmed(settlement, self.boot, member, merged)) &&
        (except === undefined || asked.every(({ vector }) => isMerged(vector, merged)))
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

function isMerged(vector: VersionVector, merged: (origin: BootId) => number): boolean {
  return [...vector].every(([origin, upTo]) => merged(origin) >= upTo)
}
