/**
 * The wait between taking a task over and starting it.
 *
 * The gone holder may have granted the task to somebody just before it died, and that grant may not have reached us. So a
 * reclaimer asks everybody who may still be alive: each confirms that it has merged the reclaim, and says with the same
 * breath how much it had written itself by then. Once all have confirmed, and everything they had written is merged here,
 * no grant can be hidden any more: whoever ran the task would have written so before. Nor can a completion that only some
 * have heard of: each also says how far it has heard of the gone holder, and that has to be merged here, too.
 *
 * For a task that may run at most once, a start must not be hidden either, which its holder has shown to somebody. So
 * everybody is asked who has not left, the crashed and the unreachable too, once they are back.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { reachIn } from '../base/vector.ts'
import type { Member } from '../members/members.ts'
import type { VersionVector } from '../message.ts'

type Settlement = {
  /** Our write that holds the reclaims. */
  readonly seq: number
  /** Task -> the epoch of its reclaim. */
  readonly entries: ReadonlyMap<Entry, number>
}

/** What a boot has confirmed. */
type Confirmed = {
  /** Up to which of our writes, and with it all that it had written by then is merged here. */
  upTo: number
  /** Later ones, oldest first: what it had of itself and of gone holders by then is still on its way. */
  readonly pending: { upTo: number; need: VersionVector }[]
}

/** Confirmations of one member that are kept apart. Guess: far more than come while a stretch of log is fetched. */
const PENDING_MAX = 64

export class Settlements {
  /**
   * Who of those that cannot be asked need not confirm, or null if only who can be asked has to -> reclaims in the order of
   * our writes. Whoever has confirmed one has confirmed all before it, so they settle in this order.
   */
  readonly #open = new Map<NodeId | null, Settlement[]>()
  readonly #settling = new Map<Entry, number>()
  readonly #confirmed = new Map<BootId, Confirmed>()
  /** Who held what is settling. */
  readonly #former = new Set<BootId>()

  /**
   * These were reclaimed by writes of ours, the last of which is `seq`.
   *
   * @param except null: who can be asked has to confirm; otherwise everybody but this node, and has to have told all that
   *   it knows
   * @param former who held them before, if anybody did
   */
  add(
    seq: number,
    entries: readonly Entry[],
    except: NodeId | null = null,
    former: ReadonlySet<BootId> = new Set()
  ): void {
    if (entries.length === 0) return
    for (const boot of former) this.#former.add(boot)
    const epochs = new Map(entries.map(entry => [entry, entry.record.claim.epoch]))
    for (const [entry, epoch] of epochs) this.#settling.set(entry, epoch)
    const list = this.#open.get(except)
    if (list === undefined) this.#open.set(except, [{ seq, entries: epochs }])
    else list.push({ seq, entries: epochs })
  }

  /** Whether the task may not be started yet. */
  isSettling(entry: Entry): boolean {
    return this.#settling.get(entry) === entry.record.claim.epoch
  }

  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  /**
   * Returns the tasks whose reclaim has settled.
   *
   * @param self this boot, and up to which of its writes it has them on disk: where nobody is asked, a reclaim that was
   *   started before it was on disk would be forgotten by a crash, and its epoch given to a second run
   * @param alive the members that can be asked
   * @param all ... and those that cannot, but have not left
   * @param ask called with members who know more of a gone holder than we do, as long as that is waited for
   */
  settle(
    self: Readonly<{ boot: BootId; upTo: number }>,
    alive: readonly Member[],
    merged: (origin: BootId) => number,
    all: readonly Member[] = alive,
    ask: (node: NodeId) => void = () => {}
  ): readonly Entry[] {
    const done: Entry[] = []
    for (const [except, open] of this.#open) {
      const asked = except === null ? alive : all.filter(({ node }) => node !== except)
      if (except !== null && !asked.every(({ vector }) => isMerged(vector, merged))) continue
      const confirmed = asked.map(member => this.#confirmedBy(member, self.boot, merged, ask))
      const upTo = Math.min(self.upTo, ...confirmed)
      const end = open.findIndex(({ seq }) => seq > upTo)
      for (const settlement of open.splice(0, end < 0 ? open.length : end)) {
        this.#settled(settlement, done)
      }
      if (open.length === 0) this.#open.delete(except)
    }
    if (this.isEmpty) {
      this.#confirmed.clear()
      this.#former.clear()
    }
    return done
  }

  #settled({ entries }: Settlement, done: Entry[]): void {
    for (const [entry, epoch] of entries) {
      // It may have been reclaimed once more since, which has to settle by itself.
      if (this.#settling.get(entry) === epoch) this.#settling.delete(entry)
      done.push(entry)
    }
  }

  /** Up to which of our writes a member has confirmed, with all merged that it had written by then. */
  #confirmedBy(
    { node, heartbeat: { boot }, vector }: Member,
    self: BootId,
    merged: (origin: BootId) => number,
    ask: (node: NodeId) => void
  ): number {
    let confirmed = this.#confirmed.get(boot)
    if (confirmed === undefined) {
      confirmed = { upTo: 0, pending: [] }
      this.#confirmed.set(boot, confirmed)
    }
    const { pending } = confirmed
    const upTo = vector.get(self) ?? 0
    if (upTo > (pending.at(-1)?.upTo ?? confirmed.upTo) && pending.length < PENDING_MAX) {
      const reach = reachIn(vector)
      const need = [boot, ...this.#former].map(origin => [origin, reach(origin)] as const)
      pending.push({ upTo, need: new Map(need) })
    }
    while (pending.length > 0 && isMerged(pending[0]!.need, merged)) {
      confirmed.upTo = pending.shift()!.upTo
    }
    // The living say by themselves what they know. Of the gone, gossip says no more.
    const need = pending[0]?.need ?? new Map<BootId, number>()
    if ([...need].some(([origin, seq]) => origin !== boot && merged(origin) < seq)) ask(node)
    return confirmed.upTo
  }
}

function isMerged(vector: VersionVector, merged: (origin: BootId) => number): boolean {
  return [...vector].every(([origin, upTo]) => merged(origin) >= upTo)
}
