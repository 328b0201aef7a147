/**
 * The wait between taking a task over and starting it.
 *
 * The gone holder may have granted the task to another node just before it died, and that grant may not have reached
 * us. So a reclaimer asks all members that may still be alive: each confirms that it has merged the reclaim, and says
 * in the same message how much it had written itself by then. Once all have confirmed, and everything they had written
 * is merged here, no grant can be hidden any more: a node that ran the task would have written so before. Nor can a
 * completion that only some have heard of: each also says how far it has heard of all others, and of those who are gone
 * that has to be merged here, too. The holder is not the only one of them: another node may have taken the task from it
 * before, have run it, and be gone by now, be it an earlier boot of the member that confirms. Who is gone is asked anew
 * each time: a member may go after others have confirmed, and before it has.
 *
 * A member that could not read the reclaim has not confirmed it, though its vector has passed it; and what we could not
 * read of what a member had written may be that grant, so it is not merged.
 *
 * For a task that may run at most once, a start must not be hidden either, which its holder has shown to another node.
 * So all are asked that have not left, the crashed and the unreachable too, once they are back. Only the node that held
 * it is not waited for while it is away. Once it is back it is asked like all others: what is taken over may be older
 * than what it has on its disk, if it came out of a file.
 */
import { assert } from '../base/assert.ts'
import type { BootId, NodeId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { canGive, hasWrite, hasAll, type Coverage, type Standing } from '../base/coverage.ts'
import { Dots } from '../base/dots.ts'
import { missing, RETIRED, reachIn } from '../base/version-vector.ts'
import type { Member } from '../membership/members.ts'

/** A task that was reclaimed. */
type Reclaim = {
  readonly entry: Entry
  readonly epoch: number
  /** Our write that says so. */
  readonly seq: number
}

type ClaimsInOneWrite = {
  /** The last of our writes that hold the reclaims. */
  readonly seq: number
  readonly reclaims: readonly Reclaim[]
}

/** Up to which of our writes a boot has confirmed, and what it had of all boots by then. */
type Confirmation = Readonly<{ upTo: number; has: Coverage }>

/** Confirmations of one member that are kept apart. Guess: far more than come while a stretch of log is fetched. */
const CONFIRMATIONS_MAX = 64

export class ClaimBarrier {
  /**
   * Who need not confirm while it cannot be asked, or null if only members that can be asked have to -> reclaims in the
   * order of our writes. A member that has confirmed one has confirmed all before it, so they are confirmed in this
   * order.
   */
  readonly #open = new Map<NodeId | null, ClaimsInOneWrite[]>()
  readonly #unconfirmed = new Map<Entry, number>()
  /** Boot -> what it has confirmed, oldest first; of those that count already only the last. */
  readonly #confirmed = new Map<BootId, Confirmation[]>()
  /** Who held the tasks whose claims are being confirmed. */
  readonly #former = new Set<BootId>()

  /**
   * These were reclaimed.
   *
   * @param written each with our write that says so, in their order
   * @param except null: members that can be asked have to confirm; otherwise all but this node, also those that cannot
   *   be asked; and each has to have told all that it knows
   * @param former who held them before, if any boot did
   */
  add(
    written: readonly Readonly<{ entry: Entry; seq: number }>[],
    except: NodeId | null = null,
    former: ReadonlySet<BootId> = new Set()
  ): void {
    if (written.length === 0) return
    for (const boot of former) this.#former.add(boot)
    const reclaims = written.map(({ entry, seq }) => {
      const { epoch } = entry.record.claim
      this.#unconfirmed.set(entry, epoch)
      return { entry, epoch, seq }
    })
    const { seq } = reclaims.at(-1)!
    const list = this.#open.get(except)
    if (list === undefined) this.#open.set(except, [{ seq, reclaims }])
    else list.push({ seq, reclaims })
  }

  /** Whether the task may not be started yet. */
  isUnconfirmed(entry: Entry): boolean {
    return this.#unconfirmed.get(entry) === entry.record.claim.epoch
  }

  /** Tasks that may not be started yet. */
  unconfirmed(): Entry[] {
    return [...this.#unconfirmed.keys()].filter(entry => this.isUnconfirmed(entry))
  }

  /** How many tasks may not be started yet. */
  get size(): number {
    return this.#unconfirmed.size
  }

  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  /**
   * Returns the tasks whose reclaim is confirmed.
   *
   * @param self this boot, and up to which of its writes it has them on disk: where nobody is asked, a reclaim that was
   *   started before it was on disk would be forgotten by a crash, and its epoch given to a second run; and what of the
   *   log could not be read here
   * @param alive the members that can be asked
   * @param all these, and those that cannot be asked but have not left
   * @param ask called with members that know more of a gone boot than we do, as long as that is waited for
   */
  confirm(
    self: Readonly<{ boot: BootId; upTo: number; unreadable?: Dots }>,
    alive: readonly Member[],
    merged: (origin: BootId) => number,
    all: readonly Member[] = alive,
    ask: (node: NodeId) => void = () => {}
  ): readonly Entry[] {
    const done: Entry[] = []
    const mine = { reach: merged, unreadable: self.unreadable ?? new Dots() }
    for (const [except, open] of this.#open) {
      const asked = except === null ? alive : all.filter(isAsked(except, alive))
      if (except !== null && !asked.every(member => hasAll(mine, member))) continue
      const living = new Set([self.boot, ...asked.map(({ heartbeat }) => heartbeat.boot)])
      const confirmed = asked.map(member => this.#confirmedBy(member, self.boot, living, mine, ask))
      const upTo = Math.min(self.upTo, ...confirmed)
      const end = open.findIndex(({ seq }) => seq > upTo)
      const left: ClaimsInOneWrite[] = []
      for (const { seq, reclaims } of open.splice(0, end < 0 ? open.length : end)) {
        const isRead = (reclaim: Reclaim): boolean =>
          asked.every(member => hasWrite(member, { origin: self.boot, seq: reclaim.seq }))
        this.#release(reclaims.filter(isRead), done)
        const unread = reclaims.filter(reclaim => !isRead(reclaim))
        if (unread.length > 0) left.push({ seq, reclaims: unread })
      }
      open.unshift(...left)
      if (open.length === 0) this.#open.delete(except)
    }
    if (this.isEmpty) {
      this.#confirmed.clear()
      this.#former.clear()
    }
    return done
  }

  assertInvariants(): void {
    const open = new Set<string>()
    for (const writes of this.#open.values()) {
      assert(writes.length > 0, 'nobody is asked about nothing')
      let last = 0
      for (const { seq, reclaims } of writes) {
        assert(last <= seq && reclaims.length > 0, 'claims are confirmed in their order', seq)
        last = seq
        for (const { entry, epoch } of reclaims) open.add(`${entry.id} ${epoch}`)
      }
    }
    for (const [{ id }, epoch] of this.#unconfirmed) {
      assert(open.has(`${id} ${epoch}`), 'what is unconfirmed is yet to be confirmed', id)
    }
    const isOver = this.#confirmed.size + this.#former.size === 0
    assert(!this.isEmpty || isOver, 'nothing is kept of who has confirmed all')
  }

  #release(reclaims: readonly Reclaim[], done: Entry[]): void {
    for (const { entry, epoch } of reclaims) {
      // It may have been reclaimed once more since, which has to be confirmed by itself.
      if (this.#unconfirmed.get(entry) === epoch) this.#unconfirmed.delete(entry)
      done.push(entry)
    }
  }

  /**
   * Up to which of our writes a member has confirmed, with all merged that it had by then of itself and of all who are
   * gone. The living say by themselves what they know. Of the gone, gossip says no more.
   */
  #confirmedBy(
    member: Member,
    self: BootId,
    living: ReadonlySet<BootId>,
    mine: Standing,
    ask: (node: NodeId) => void
  ): number {
    const { node, heartbeat, vector, unreadable } = member
    const { boot } = heartbeat
    let confirmations = this.#confirmed.get(boot)
    if (confirmations === undefined) this.#confirmed.set(boot, (confirmations = []))
    const upTo = vector.get(self) ?? 0
    const isNews = upTo > (confirmations.at(-1)?.upTo ?? 0)
    if (isNews && confirmations.length < CONFIRMATIONS_MAX) {
      const has = { vector: new Map(vector), unreadable: new Dots(unreadable.all()) }
      confirmations.push({ upTo, has })
    }
    let counting = 0
    // Each has all that those before it have.
    for (const { has } of confirmations) {
      const need = this.#neededOf(has, boot, living)
      if (!hasAll(mine, need)) {
        const lacks = [...missing(mine.reach, need.vector)].some(
          ([origin]) => origin !== boot && canGive(member, origin, mine.reach(origin))
        )
        if (lacks) ask(node)
        break
      }
      counting++
    }
    if (counting === 0) return 0
    confirmations.splice(0, counting - 1)
    return confirmations[0]!.upTo
  }

  /** What of this a boot had is to be here before its word counts. */
  #neededOf({ vector, unreadable }: Coverage, boot: BootId, living: ReadonlySet<BootId>): Coverage {
    const gone = [...vector].filter(([origin, to]) => !living.has(origin) && to !== RETIRED)
    const origins = new Set([boot, ...this.#former, ...gone.map(([origin]) => origin)])
    const reach = reachIn(vector)
    return {
      vector: new Map([...origins].map(origin => [origin, reach(origin)])),
      unreadable: new Dots([...origins].flatMap(origin => unreadable.of(origin)))
    }
  }
}

/** Whether a member has to confirm what may run at most once. @param former the node that held it */
function isAsked(former: NodeId, alive: readonly Member[]): (member: Member) => boolean {
  const isThere = alive.some(({ node }) => node === former)
  return ({ node }) => node !== former || isThere
}
