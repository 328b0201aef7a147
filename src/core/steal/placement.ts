/**
 * Whom a task goes to at once that has become ready where there is no slot for it: a member that has one.
 *
 * To be asked for it would take longer than most tasks run: everybody hears of it, everybody asks, and one gets it. So
 * it is granted in the step that made it ready, with the flush that brings it to disk. Only what nobody has room for
 * waits here to be stolen.
 *
 * How busy a member is, this replica knows: what it gives it counts at once, and how that ended it is told straight. Of
 * what others give it, it hears a little later, and may be wrong: then the task waits there and can be stolen as any
 * other.
 */
import { hasWrite } from '../base/coverage.ts'
import { nodeOf, type BootId } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { canRun, demandOf } from '../claim/claim.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../membership/members.ts'
import type { ReadyQueue } from '../queue/ready-queue.ts'
import { isAway } from '../replication/replication.ts'
import { unmet } from '../task/labels.ts'
import { EPOCH_MAX, isSettled } from '../task/record.ts'

/**
 * A member that has not written down for this long what it was given gets no more. Guess: twenty writes to a slow disk.
 */
const UNHEARD_MS = 500

type Given = Readonly<{
  entry: Entry
  /** Our write that says so. */
  seq: number
  at: number
}>

export class Placement {
  readonly #context: Context
  readonly #queue: ReadyQueue
  readonly #running: (boot: BootId) => number
  /** Boot -> what it was given here and is not known to have, oldest first. */
  readonly #given = new Map<BootId, Given[]>()

  /** @param running how many tasks a boot runs, as far as is known here */
  constructor(context: Context, queue: ReadyQueue, running: (boot: BootId) => number) {
    this.#context = context
    this.#queue = queue
    this.#running = running
  }

  /** Whether a member could start something now, and has said what became of what it was given. */
  hasRoom(member: Member): boolean {
    const { draining, paused, boot } = member.heartbeat
    if (draining || paused !== undefined) return false
    return this.#load(member) < 1 && !this.#isUnheard(boot)
  }

  /**
   * A member that could start the task now: of several the one with least to do per slot, on another computer, in the
   * rendezvous order of the task.
   *
   * @param members that have room, and could be given it
   */
  memberFor(entry: Entry, members: readonly Member[]): Member | undefined {
    const demand = demandOf(entry.record.spec)
    let best: Member | undefined
    for (const member of members) {
      const { heartbeat } = member
      if (!canRun(heartbeat, demand)) continue
      if (this.#queue.peek(other => canRun(heartbeat, other)) !== entry) continue
      if (best === undefined || this.#before(entry, member, best)) best = member
    }
    return best
  }

  /** The task has been granted to this member with the last write of this boot. */
  gave(entry: Entry, { heartbeat: { boot } }: Member): void {
    const { log, now } = this.#context
    const given = { entry, seq: log.nextSeq - 1, at: now }
    const list = this.#given.get(boot)
    if (list === undefined) this.#given.set(boot, [given])
    else list.push(given)
  }

  /**
   * What was given to boots that are out of reach, and that they are not known to have. It may run there all the same,
   * so what may run at most once is not among it.
   *
   * @param isOutOfReach whether a boot has been silent for so long that its work is taken from it
   */
  unanswered(isOutOfReach: (boot: BootId) => boolean): Entry[] {
    const entries: Entry[] = []
    for (const boot of this.#given.keys()) {
      const list = this.#openOf(boot)
      if (!isOutOfReach(boot)) continue
      for (const given of list) {
        if (this.#isOpen(given, boot) && mayReturn(given.entry)) entries.push(given.entry)
      }
    }
    return entries
  }

  #before(entry: Entry, x: Member, y: Member): boolean {
    const { id, record } = entry
    const { computer } = this.#context
    const { prefer } = record.spec.labels
    const order =
      Number(unmet(prefer, x.heartbeat.labels) !== undefined) -
        Number(unmet(prefer, y.heartbeat.labels) !== undefined) ||
      this.#load(x) - this.#load(y) ||
      Number(isAway(y, computer)) - Number(isAway(x, computer)) ||
      rendezvousWeight(id, y.node) - rendezvousWeight(id, x.node)
    return order < 0
  }

  /** Tasks per slot. */
  #load({ heartbeat: { boot, slots } }: Member): number {
    return (this.#running(boot) + this.#queue.total(boot)) / slots
  }

  /** Whether something that the boot was given has not been heard of for too long. */
  #isUnheard(boot: BootId): boolean {
    const [first] = this.#openOf(boot)
    return first !== undefined && this.#context.now - first.at >= UNHEARD_MS
  }

  /** What the boot was given, from the oldest on that it is not known to have. Lets go of what was before that. */
  #openOf(boot: BootId): readonly Given[] {
    const list = this.#given.get(boot) ?? []
    const open = list.findIndex(given => this.#isOpen(given, boot))
    list.splice(0, open < 0 ? list.length : open)
    if (list.length === 0) this.#given.delete(boot)
    return list
  }

  /** Whether a boot still holds a task that it is not known to have. */
  #isOpen({ entry, seq }: Given, boot: BootId): boolean {
    const { self, members } = this.#context
    const { record, removed } = entry
    if (removed || isSettled(record) || record.claim.holder !== boot) return false
    for (const { origin } of entry.lastWrites()) if (origin === boot) return false
    // It may have come there in our log first: then there was nothing to write.
    const member = members.get(nodeOf(boot))
    return member?.heartbeat.boot !== boot || !hasWrite(member, { origin: self, seq })
  }
}

/** Whether a task that nobody is known to have may be taken back. */
function mayReturn({ record: { spec, claim } }: Entry): boolean {
  // No node can claim it any more: one that tried would write the same again and again.
  return spec.delivery === 'at-least-once' && claim.epoch < EPOCH_MAX
}
