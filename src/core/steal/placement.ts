/**
 * Placement: a task that becomes ready at a node without a free slot is granted at once to a member that has one.
 *
 * To wait for a thief would take longer than most tasks run: all members would have to hear of the task, all would ask
 * for it, and one would get it. So the task is granted in the step that made it ready, with the flush that brings it to
 * disk. Only tasks for which no member has a slot wait here to be stolen.
 *
 * How busy a member is follows from this replica. What this node gives counts at once, and it is told straight how that
 * ended. Of what others give to the same member it hears a little later, so a slot may be taken after all: then the
 * task waits there, and can be stolen like any other.
 */
import type { BootId } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { canRun, demandOf } from '../claim/claim.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../membership/members.ts'
import type { ReadyQueue } from '../queue/ready-queue.ts'
import { isAway, PLACEMENT_ACK_MS_MAX } from '../replication/replication.ts'
import { unmet } from '../task/labels.ts'
import { isSettled } from '../task/record.ts'

/** A task that was placed, and when. */
type Placed = Readonly<{ entry: Entry; at: number }>

export class Placement {
  readonly #context: Context
  readonly #queue: ReadyQueue
  readonly #runningAt: (boot: BootId) => number
  /**
   * Boot -> what was placed with it, oldest first. The first of them are dropped once the boot has acknowledged them.
   */
  readonly #placed = new Map<BootId, Placed[]>()

  /** @param runningAt how many tasks a boot runs, as far as is known here */
  constructor(context: Context, queue: ReadyQueue, runningAt: (boot: BootId) => number) {
    this.#context = context
    this.#queue = queue
    this.#runningAt = runningAt
  }

  /**
   * A member that could start the task now, if there is one. Of several it is the one with the labels that the task
   * prefers, then with the least to do per slot, then on another computer, then the first in the rendezvous order of
   * the task.
   *
   * @param members that could be given it
   */
  memberFor(entry: Entry, members: readonly Member[]): Member | undefined {
    let best: Member | undefined
    for (const member of members) {
      if (!this.#hasSlotFor(entry, member)) continue
      if (best === undefined || this.#compare(entry, member, best) < 0) best = member
    }
    return best
  }

  /** The task has been granted to this member. */
  placed(entry: Entry, { heartbeat: { boot } }: Member): void {
    const placed = { entry, at: this.#context.now }
    const list = this.#placed.get(boot)
    if (list === undefined) this.#placed.set(boot, [placed])
    else list.push(placed)
  }

  /**
   * What was placed with boots that are out of reach, and that they have not acknowledged. Such a task may run there
   * all the same, so one that may run at most once is not among them.
   *
   * @param isOutOfReach whether a boot has been silent long enough for its tasks to be reclaimed
   */
  unacknowledged(isOutOfReach: (boot: BootId) => boolean): Entry[] {
    const entries: Entry[] = []
    for (const [boot, list] of this.#placed) {
      if (!isOutOfReach(boot)) continue
      for (const { entry } of list) {
        const { delivery } = entry.record.spec
        if (delivery === 'at-least-once' && isUnacknowledged(entry, boot)) entries.push(entry)
      }
    }
    return entries
  }

  #hasSlotFor(entry: Entry, member: Member): boolean {
    const { heartbeat } = member
    if (heartbeat.draining || heartbeat.paused !== undefined) return false
    if (!canRun(heartbeat, demandOf(entry.record.spec))) return false
    if (this.#load(member) >= 1 || this.#isLate(heartbeat.boot)) return false
    // What the member could run and is more urgent, or older, goes first: no task overtakes it.
    return this.#queue.peek(demand => canRun(heartbeat, demand)) === entry
  }

  /** Below zero: `x` is the better place for the task. */
  #compare({ id, record }: Entry, x: Member, y: Member): number {
    const { computer } = this.#context
    const { prefer } = record.spec.labels
    return (
      Number(unmet(prefer, x.heartbeat.labels) !== undefined) -
        Number(unmet(prefer, y.heartbeat.labels) !== undefined) ||
      this.#load(x) - this.#load(y) ||
      Number(isAway(y, computer)) - Number(isAway(x, computer)) ||
      rendezvousWeight(id, y.node) - rendezvousWeight(id, x.node)
    )
  }

  /** Tasks per slot. */
  #load({ heartbeat: { boot, slots } }: Member): number {
    return (this.#runningAt(boot) + this.#queue.total(boot)) / slots
  }

  /** Whether the boot is late to acknowledge a placement: it gets no further one until it does. */
  #isLate(boot: BootId): boolean {
    const list = this.#placed.get(boot)
    if (list === undefined) return false
    const first = list.findIndex(({ entry }) => isUnacknowledged(entry, boot))
    list.splice(0, first < 0 ? list.length : first)
    if (list.length === 0) this.#placed.delete(boot)
    return list.length > 0 && this.#context.now - list[0]!.at >= PLACEMENT_ACK_MS_MAX
  }
}

/** Whether a boot holds a task that it is not known to have: it acknowledges one by any write about it. */
function isUnacknowledged(entry: Entry, boot: BootId): boolean {
  const { record, removed } = entry
  if (removed || isSettled(record) || record.claim.holder !== boot) return false
  for (const { origin } of entry.lastWrites()) if (origin === boot) return false
  return true
}
