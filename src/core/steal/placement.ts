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
import { hasWrite } from '../base/coverage.ts'
import { nodeOf, type BootId } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { canRun, demandOf, PoolRoom, poolsOf, typesOf } from '../claim/claim.ts'
import type { Demand } from '../claim/capability.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../membership/members.ts'
import { canIn, type ReadyQueue } from '../queue/queue.ts'
import { isAway, PLACEMENT_ACK_MS_MAX } from '../replication/replication.ts'
import { unmet } from '../task/labels.ts'
import { EPOCH_MAX, isSettled } from '../task/record.ts'

/** A task that was placed. */
type Placed = Readonly<{
  entry: Entry
  /** Our write that says so. */
  seq: number
  at: number
}>

/** How many tasks a boot runs in a pool, as far as is known here. */
type RunningAt = (boot: BootId, pool: string) => number

export class Placement {
  readonly #context: Context
  readonly #queue: ReadyQueue
  readonly #runningAt: RunningAt
  /**
   * Boot -> what was placed with it, oldest first. The first of them are dropped once the boot has acknowledged them.
   */
  readonly #placed = new Map<BootId, Placed[]>()

  constructor(context: Context, queue: ReadyQueue, runningAt: RunningAt) {
    this.#context = context
    this.#queue = queue
    this.#runningAt = runningAt
  }

  /**
   * What each of these members could start now: its pools, less what runs there and what is about to. Left out is who
   * has no room at all, or is late to acknowledge what was placed with it.
   */
  roomsOf(members: readonly Member[]): Map<Member, PoolRoom> {
    const rooms = new Map<Member, PoolRoom>()
    for (const member of members) {
      const { draining, paused, boot } = member.heartbeat
      if (draining || paused !== undefined || this.#isLate(boot)) continue
      const room = this.#roomAt(member)
      if (!room.isEmpty) rooms.set(member, room)
    }
    return rooms
  }

  /**
   * A member that could start the task now, if there is one. Of several it is the one with the labels that the task
   * prefers, then with the least to do per slot, then on another computer, then the first in the rendezvous order of
   * the task.
   *
   * @param rooms of members that could be given it
   * @param mayKeep whether a member can take it at all
   */
  memberFor(
    entry: Entry,
    rooms: ReadonlyMap<Member, PoolRoom>,
    mayKeep: (member: Member) => boolean
  ): Member | undefined {
    const demand = demandOf(entry.record.spec)
    let best: Place | undefined
    for (const [member, room] of rooms) {
      if (!room.has(demand) || !mayKeep(member)) continue
      // What the member could start and is more urgent, or older, goes first: no task overtakes it.
      const types = typesOf(poolsOf(member.heartbeat))
      if (this.#queue.peek({ types, run: other => room.has(other) }) !== entry) continue
      const place = { member, ...sharesOf(entry, demand, member, room) }
      if (best === undefined || this.#compare(entry, place, best) < 0) best = place
    }
    return best?.member
  }

  /** The task has been granted to this member, with the last write of this boot. */
  placed(entry: Entry, { heartbeat: { boot } }: Member): void {
    const { log, now } = this.#context
    const placed = { entry, seq: log.nextSeq - 1, at: now }
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
    for (const boot of this.#placed.keys()) {
      const list = this.#openOf(boot)
      if (!isOutOfReach(boot)) continue
      for (const placed of list) {
        if (this.#isUnacknowledged(placed, boot) && mayReturn(placed.entry))
          entries.push(placed.entry)
      }
    }
    return entries
  }

  /** Below zero: `x` is the better place for the task. */
  #compare({ id }: Entry, x: Place, y: Place): number {
    const { computer } = this.#context
    return (
      Number(y.isPreferred) - Number(x.isPreferred) ||
      y.free - x.free ||
      Number(isAway(y.member, computer)) - Number(isAway(x.member, computer)) ||
      rendezvousWeight(id, y.member.node) - rendezvousWeight(id, x.member.node)
    )
  }

  /** What waits at a member goes to its pools as it will put it there. */
  #roomAt({ heartbeat }: Member): PoolRoom {
    const { boot } = heartbeat
    const pools = poolsOf(heartbeat)
    const room = new PoolRoom(
      pools.map(pool => ({
        pool,
        free: pool.slots - this.#runningAt(boot, pool.name)
      }))
    )
    for (const [demand, count] of this.#queue.waiting(boot, canIn(pools))) room.take(demand, count)
    return room
  }

  /** Whether the boot is late to acknowledge a placement: it gets no further one until it does. */
  #isLate(boot: BootId): boolean {
    const [first] = this.#openOf(boot)
    return first !== undefined && this.#context.now - first.at >= PLACEMENT_ACK_MS_MAX
  }

  /** What was placed with a boot, from the oldest on that it has not acknowledged. Lets go of what was before that. */
  #openOf(boot: BootId): readonly Placed[] {
    const list = this.#placed.get(boot) ?? []
    const first = list.findIndex(placed => this.#isUnacknowledged(placed, boot))
    list.splice(0, first < 0 ? list.length : first)
    if (list.length === 0) this.#placed.delete(boot)
    return list
  }

  /** Whether a boot holds a task that it is not known to have. */
  #isUnacknowledged({ entry, seq }: Placed, boot: BootId): boolean {
    const { self, members } = this.#context
    const { record, removed } = entry
    if (removed || isSettled(record) || record.claim.holder !== boot) return false
    for (const { origin } of entry.lastWrites()) if (origin === boot) return false
    // The task may have come there in our log first: then that boot had nothing to write about it.
    const member = members.get(nodeOf(boot))
    return member?.heartbeat.boot !== boot || !hasWrite(member, { origin: self, seq })
  }
}

/** Whether a task that no other node is known to have may be taken back. */
function mayReturn({ record: { spec, claim } }: Entry): boolean {
  // No node can claim it any more: one that tried would write the same again and again.
  return spec.delivery === 'at-least-once' && claim.epoch < EPOCH_MAX
}

/** A member that could be given a task. */
type Place = Readonly<{
  member: Member
  /** Whether a pool that can run the task has the labels that it prefers. */
  isPreferred: boolean
  /** How much of the pools that can run it is free. */
  free: number
}>

function sharesOf(
  { record }: Entry,
  demand: Demand,
  { heartbeat }: Member,
  room: PoolRoom
): Omit<Place, 'member'> {
  const { prefer } = record.spec.labels
  const able = poolsOf(heartbeat).filter(pool => canRun(pool, demand))
  const slots = able.reduce((sum, pool) => sum + pool.slots, 0)
  const isPreferred = able.some(({ labels }) => unmet(prefer, labels) === undefined)
  return { isPreferred, free: room.for(demand) / slots }
}
