/**
 * How work changes hands between nodes that live. Each way ends in a grant.
 *
 * - A thief asks, and the holder grants it a share of what is ready (`askForWork`, `answerThief`).
 * - A holder gives unasked: what prefers the labels of an idle member (`placePreferred`), and what becomes ready while
 *   no slot is free here (`placeReady`).
 * - A node that drains hands on what it holds (`handOn`).
 */
import { nodeOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import { canRun, demandKey, demandOf, grantOf, PoolRoom, poolsOf, toHave } from '../claim/claim.ts'
import type { Demand } from '../claim/capability.ts'
import type { Pool } from '../claim/pools.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import { MessageSize } from '../log/log.ts'
import { coveredBy } from '../base/coverage.ts'
import type { Member } from '../membership/members.ts'
import type { Input } from '../input.ts'
import { DEFAULT_POOL, type Grant, type Heartbeat, type StealRequest } from '../message.ts'
import { canIn, type ReadyQueue } from '../queue/queue.ts'
import type { Can } from '../queue/ready-queue.ts'
import type { PendingOf } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import { canReachApart, isAway } from '../replication/replication.ts'
import { giveAway, share } from './victim.ts'
import { Affinity } from './affinity.ts'
import { GRANT_TASKS_MAX } from '../options.ts'
import { DrainPlacement } from './drain-placement.ts'
import { Placement } from './placement.ts'
import { Thief, type Queue } from './thief.ts'
import { unmet } from '../task/labels.ts'
import type { TaskSpec } from '../task/spec.ts'
import { compareUrgency } from '../task/urgency.ts'
import type { TaskRecord, UnaskedGrant } from '../task/record.ts'
import type { Scheduler } from '../scheduling/scheduler.ts'

/** The most that one grant carries, well below the bound of a frame. A thief asks again for the rest. */
const GRANT_BYTES_MAX = 1_048_576
/** Tasks that a leaving node hands on with one flush. Guess: some ten milliseconds. */
const HAND_ON_MAX = 1000

export class WorkStealing {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #scheduler: Scheduler
  readonly #queue: ReadyQueue
  /** Pool -> what asks for work for it. */
  readonly #thieves = new Map<string, Thief>()
  readonly #asked = { count: 0 }
  readonly #affinity = new Affinity()
  readonly #placement: Placement

  constructor(context: Context, groupCommit: GroupCommit, scheduler: Scheduler) {
    this.#context = context
    this.#groupCommit = groupCommit
    this.#scheduler = scheduler
    this.#queue = scheduler.queue
    this.#placement = new Placement(context, scheduler.queue, (boot, pool) =>
      scheduler.runningAt(boot, pool)
    )
  }

  /** Whether a holder has been asked for work, and may still grant some. */
  get isAsking(): boolean {
    const { now } = this.#context
    return [...this.#thieves.values()].some(thief => !thief.mayAsk(now))
  }

  /** For each pool with too little at hand, asks the holder that seems to have most for it. */
  askForWork(): void {
    const { draining, paused, pools } = this.#scheduler
    if (draining || paused) return
    if (this.#thieves.size > pools.length) this.#forgetPools(pools)
    // Every step comes by here, and mostly there is nothing to ask for.
    if (!this.#queue.isElsewhere) return
    for (const pool of pools) this.#askFor(pool)
  }

  #askFor(pool: Pool): void {
    const { self, counters, now, options, emit } = this.#context
    const { name, slots, types: handlers, labels } = pool
    const thief = this.#thiefOf(name)
    const can = canIn([pool])
    if (slots === 0 || !thief.mayAsk(now)) return
    const atHand = this.#scheduler.running(name) + this.#queue.count(self, can)
    // That is enough however short the tasks are. Checked first: it is cheap, and a busy node comes here at every step.
    if (atHand > Math.max(slots, options.stealMax / 2)) return
    const queues = this.#queuesFor(can)
    if (queues.length === 0) return
    const wanted = this.#wanted(
      pool,
      queues.map(({ holder }) => holder)
    )
    if (atHand >= slots && atHand > wanted / 2) return
    const isGivenUp = thief.isWaiting
    const question = thief.ask(now, queues)
    if (isGivenUp) counters.steals.add('thief', 'lost')
    if (question === null) return
    const { request, holder } = question
    const want = Math.min(wanted - atHand, GRANT_TASKS_MAX)
    const named = name === DEFAULT_POOL ? {} : { pool: name }
    emit({
      kind: 'send',
      to: nodeOf(holder),
      message: { kind: 'steal', request, boot: self, want, handlers, labels, ...named }
    })
  }

  #forgetPools(pools: readonly Pool[]): void {
    const names = new Set(pools.map(({ name }) => name))
    for (const name of this.#thieves.keys()) if (!names.has(name)) this.#thieves.delete(name)
  }

  #thiefOf(pool: string): Thief {
    let thief = this.#thieves.get(pool)
    if (thief === undefined) {
      thief = new Thief(this.#context.self, this.#context.options, this.#asked)
      this.#thieves.set(pool, thief)
    }
    return thief
  }

  /** Holders of tasks that a pool could run, and that they do not start themselves. */
  #queuesFor(can: Can): Queue[] {
    const { members, now } = this.#context
    return members.linkedAndAlive(now).flatMap(({ heartbeat }) => {
      const { boot: holder } = heartbeat
      const count = this.#queue.count(holder, can)
      const ready = count > 0 ? count - this.#aboutToStart(heartbeat, can) : 0
      return ready > 0 ? { holder, ready } : []
    })
  }

  /** How many tasks to have at hand for a pool, by what there is of them here and at some holders. */
  #wanted(pool: Pool, holders: readonly BootId[]): number {
    const can = canIn([pool])
    const demands = [this.#context.self, ...holders].flatMap(holder => [
      ...this.#queue.demands(holder, can)
    ])
    const types = new Set(demands.map(({ type }) => type))
    return this.#thiefOf(pool.name).wanted(pool.slots, this.#scheduler.expectedMs(types))
  }

  /** A thief asks for work. What it gets is written down here first; the grant follows when that is on disk. */
  answerThief(from: NodeId, { boot, request, want, handlers, labels }: StealRequest): void {
    const { self, log, members, counters } = this.#context
    if (nodeOf(boot) !== from) return
    const can = canIn([{ slots: 1, types: handlers, labels }])
    const fair = share(this.#queue.count(self, can), want, this.#sharers(can))
    const thief = members.get(from)
    const count = this.#scheduler.paused || !this.#isAlive(thief, boot) ? 0 : fair
    const given = giveAway(this.#queue, can, count, GRANT_BYTES_MAX, entry => {
      if (this.#hasTravelled(entry) || this.#isUnreadable(entry, thief)) return false
      log.write(entry, grantOf(self, entry.record, boot))
      return true
    })
    counters.steals.add('holder', given.length > 0 ? 'granted' : 'refused')
    this.#scheduler.consider(given)
    this.#sendOnceDurable(from, request, given)
  }

  /**
   * Work has come: ours from now on. It is written down here too, with the outcomes that it depends on, so that both
   * survive the giver.
   */
  takeGrant(from: NodeId, { boot, request, records, dependencies }: Grant): void {
    const { counters, now } = this.#context
    if (nodeOf(boot) !== from) return
    const changed: Entry[] = []
    const pruned: TaskRecord[] = []
    for (const record of [...dependencies, ...records]) {
      const entry = this.#groupCommit.take(record)
      if (entry !== undefined) changed.push(entry)
      else pruned.push(record)
    }
    for (const record of pruned) changed.push(...this.#scheduler.carry(record))
    // A submitter that gives a task unasked may wait for a copy of it: it is told as soon as that is on disk here.
    if (request === 0 && records.some(({ spec }) => nodeOf(spec.submittedBy) === from)) {
      this.#groupCommit.onceDurable({ kind: 'taken', from })
    }
    const thieves = [...this.#thieves.values()]
    if (thieves.some(thief => thief.answered(now, boot, request, records.length))) {
      counters.steals.add('thief', records.length > 0 ? 'granted' : 'refused')
    }
    this.#scheduler.consider(changed)
  }

  /** Gives tasks that prefer other labels than ours to members that have these and are idle. */
  placePreferred(): void {
    const { members, now } = this.#context
    const entries =
      this.#scheduler.draining || this.#scheduler.paused
        ? []
        : this.#queue.preferringOthers(spec => this.#hasPreferred(spec))
    if (entries.length === 0) return
    const given = new Map<Member, Entry[]>()
    for (const entry of entries) {
      if (this.#hasTravelled(entry)) continue
      const readers = members.linkedAndAlive(now).filter(each => !this.#isUnreadable(entry, each))
      const member = this.#affinity.place(entry, readers)
      if (member !== undefined) this.#write(entry, member, 'placed', given)
    }
    this.#send(given)
  }

  /**
   * Gives tasks that have become ready, and for which no slot was free here, to members that have one. Not before the
   * turn is over: until all that happened in it has been taken in, the most urgent task is not known.
   *
   * @param after the input of this step
   */
  placeReady(after: Input['kind']): void {
    if (!this.#groupCommit.mayFlush(after)) return
    const arrived = this.#queue.takeArrived()
    if (arrived.length === 0 || this.#scheduler.draining || this.#scheduler.paused) return
    const { members, computer, now } = this.#context
    const rooms = this.#placement.roomsOf(members.linkedAndAlive(now))
    if (rooms.size === 0) return
    const apart = canReachApart(members, computer)
    const given = new Map<Member, Entry[]>()
    /** Demands for which no member has a slot free: a batch of alike tasks is given up with its first. */
    const without = new Set<string>()
    for (const entry of arrived.toSorted(byUrgency)) {
      if (rooms.size === 0) break
      if (!this.#isPlaceable(entry)) continue
      const demand = demandOf(entry.record.spec)
      const key = demandKey(demand)
      if (without.has(key)) continue
      const mayKeep = (member: Member): boolean => !this.#isUnreadable(entry, member)
      const member = this.#placement.memberFor(entry, rooms, mayKeep)
      if (member === undefined) without.add(key)
      else {
        this.#write(entry, member, 'placed', given)
        this.#placement.placed(entry, member)
        // The copy that a caller waits for has to be on another computer, if one is linked.
        if (isAway(member, computer) || !apart) this.#groupCommit.placed(entry)
        this.#scheduler.consider([entry])
        const room = rooms.get(member)!
        room.take(demand)
        if (room.isEmpty) rooms.delete(member)
      }
    }
    this.#send(given)
  }

  /**
   * What was placed with members that are out of reach now, and never acknowledged. The giver may take that back
   * without a majority, unlike anything else: perhaps no other node ever had the task, and a submission on the smaller
   * side of a cut is to be run there.
   */
  unacknowledged(): Entry[] {
    const { members, now } = this.#context
    return this.#placement.unacknowledged(boot => members.isUnreachable(boot, now))
  }

  /**
   * How many tasks that gone boots have left this node has room for. They are taken portion by portion: none for a pool
   * as long as more than half of its last one is at hand.
   */
  roomFor(boots: readonly BootId[]): PoolRoom {
    const { paused, pools } = this.#scheduler
    const taken = paused
      ? []
      : this.#scheduler.unconfirmed().map(({ record }) => demandOf(record.spec))
    return new PoolRoom(
      pools.map(pool => ({ pool, free: paused ? 0 : this.#portionFor(pool, boots, taken) }))
    )
  }

  /** @param taken what has been taken over and is not ready yet */
  #portionFor(pool: Pool, boots: readonly BootId[], taken: readonly Demand[]): number {
    const { self, options } = this.#context
    const { name, slots } = pool
    if (slots === 0) return 0
    const can = canIn([pool])
    // What no pool can run is kept all the same: it counts where it would go if that could.
    const isOurs = (demand: Demand): boolean =>
      canRun(pool, demand) || (name === DEFAULT_POOL && !this.#scheduler.canRun(demand))
    const atHand =
      this.#scheduler.running(name) + this.#queue.count(self, can) + taken.filter(isOurs).length
    const portion = toHave(slots, this.#wanted(pool, boots), options.stealMax)
    return atHand >= slots && atHand > portion / 2 ? 0 : portion - atHand
  }

  /**
   * While draining: gives what this node holds and does not run to others, if there are any. Portion by portion, one
   * with each flush, so that neither a message nor a peer's queue grows with what is held. Returns whether all has
   * gone.
   */
  handOn(): boolean {
    const { log, members, now } = this.#context
    if (log.isFlushing || this.#scheduler.isWaking) return false
    // A claim that is not confirmed cannot be granted: another node may run the task. Others will reclaim it.
    const entries = this.#scheduler
      .idleTasks()
      .filter(entry => !this.#scheduler.isUnconfirmed(entry))
    const placement = new DrainPlacement(members.linkedAndAlive(now))
    const size = new MessageSize()
    const given = new Map<Member, Entry[]>()
    let count = 0
    for (const entry of entries) {
      if (count === HAND_ON_MAX || size.bytes >= GRANT_BYTES_MAX) break
      const member = placement.place(entry, each => !this.#isUnreadable(entry, each))
      if (member === undefined) continue
      // Also one that has moved often enough: this node will not be there to keep it.
      this.#write(entry, member, 'handed-on', given)
      size.add(entry.record)
      count++
    }
    this.#send(given)
    return count === entries.length
  }

  /** What has been given away is on disk. */
  sendGranted({ to, request, taskIds }: PendingOf<'grant'>): void {
    const { log } = this.#context
    // Some may have been pruned since.
    const entries = taskIds
      .flatMap(id => log.get(id) ?? [])
      .filter(({ durable }) => durable !== null)
    let answers = request
    for (const some of entries.length === 0 ? [entries] : grantSized(entries)) {
      this.#emitGrant(to, answers, some)
      // The request is answered by the first grant; further ones come as if unasked.
      answers = 0
    }
  }

  /**
   * How many ready tasks of a holder are not worth asking for, because it is about to start them itself: it has slots
   * free for them, in pools of which its last heartbeat told of no ready task without a slot.
   *
   * @param can what is asked for: other tasks do not count
   */
  #aboutToStart(holder: Heartbeat, can: Can): number {
    const { boot, draining, paused } = holder
    if (draining || paused !== undefined) return 0
    const room = new PoolRoom(
      poolsOf(holder).map(pool => {
        const free = pool.slots - this.#scheduler.runningAt(boot, pool.name)
        return { pool, free: pool.queued > 0 ? 0 : free }
      })
    )
    if (room.isEmpty) return 0
    let count = 0
    for (const [demand, ready] of this.#queue.waiting(boot, can)) count += room.take(demand, ready)
    return count
  }

  /** How many pools could run some of the tasks that a thief's could, those of this node included. @param can the thief's */
  #sharers(can: Can): number {
    const { pools, draining } = this.#scheduler
    const demands = [...this.#queue.demands(this.#context.self, can)]
    const { members, now } = this.#context
    const others = members
      .linkedAndAlive(now)
      .filter(({ heartbeat }) => !heartbeat.draining)
      .flatMap(({ heartbeat }) => poolsOf(heartbeat))
    return [...others, ...(draining ? [] : pools)].filter(pool =>
      demands.some(demand => canRun(pool, demand))
    ).length
  }

  /** Whether a pool that would run the task here has the labels that it prefers; or any, if none would. */
  #hasPreferred(spec: TaskSpec): boolean {
    const { pools } = this.#scheduler
    const able = pools.filter(pool => canRun(pool, demandOf(spec)))
    return (able.length > 0 ? able : pools).some(
      ({ labels }) => unmet(spec.labels.prefer, labels) === undefined
    )
  }

  /** Whether a thief is alive, and still that boot: from any other what it is given would soon be reclaimed. */
  #isAlive(thief: Member | undefined, boot: BootId): boolean {
    const { members, now } = this.#context
    return thief?.heartbeat.boot === boot && members.status(thief, now) === 'alive'
  }

  /** Whether nobody has given or taken the task before: what has moved once stays where it is, until a thief asks. */
  #isPlaceable(entry: Entry): boolean {
    const { cause, holder } = entry.record.claim
    const isFresh = cause !== 'grant' && cause !== 'reclaim'
    const isOwn = holder === this.#context.self && this.#queue.has(entry.id)
    return isFresh && isOwn && !this.#hasTravelled(entry)
  }

  /**
   * Whether the task has moved often enough, and stays. Moves beyond the bound are needed where this node cannot run
   * it: each follows a loss of handlers or labels, so they cannot go on by themselves.
   */
  #hasTravelled({ record }: Entry): boolean {
    const { claim, spec } = record
    return claim.hops >= this.#context.options.hopsMax && this.#scheduler.canRun(demandOf(spec))
  }

  /**
   * Whether a member has said that it cannot read what it was told of the task: it would never know that it holds it.
   */
  #isUnreadable({ writes }: Entry, member: Member | undefined): boolean {
    if (member === undefined || member.unreadable.isEmpty) return false
    return writes.some(dot => member.unreadable.has(dot))
  }

  /** Writes down that the task is the member's from now on. @param given what is to be sent to each member */
  #write(entry: Entry, member: Member, why: UnaskedGrant, given: Map<Member, Entry[]>): void {
    const { self, log } = this.#context
    log.write(entry, grantOf(self, entry.record, member.heartbeat.boot, why))
    const list = given.get(member)
    if (list === undefined) given.set(member, [entry])
    else list.push(entry)
  }

  #send(given: ReadonlyMap<Member, readonly Entry[]>): void {
    for (const [{ node }, list] of given) {
      this.#scheduler.consider(list)
      this.#sendOnceDurable(node, 0, list)
    }
  }

  /** @param request of a thief, that this answers; 0: it did not ask */
  #sendOnceDurable(to: NodeId, request: number, entries: readonly Entry[]): void {
    if (entries.length === 0) return this.#emitGrant(to, request, entries)
    const taskIds = entries.map(({ id }) => id)
    this.#groupCommit.onceDurable({ kind: 'grant', to, request, taskIds })
  }

  #emitGrant(to: NodeId, request: number, entries: readonly Entry[]): void {
    const { self, emit } = this.#context
    const records = entries.map(entry => entry.durable!)
    const dependencies = this.#outcomesFor(to, entries)
    emit({
      kind: 'send',
      to,
      message: { kind: 'grant', request, boot: self, records, dependencies }
    })
  }

  /**
   * The outcomes that these tasks depend on, for the node that is to run them: those that it is not known to have, or
   * may have pruned; within a bound.
   */
  #outcomesFor(node: NodeId, entries: readonly Entry[]): Grant['dependencies'] {
    const { log, members, carried } = this.#context
    const member = members.get(node)
    const has = member === undefined ? null : coveredBy(member)
    const size = new MessageSize()
    const records = new Map<TaskId, Grant['dependencies'][number]>()
    for (const id of new Set(entries.flatMap(entry => entry.record.spec.dependsOn))) {
      const dependency = log.get(id)
      const record = dependency?.durable ?? carried.get(id)
      if (record === undefined) continue
      if (dependency !== undefined && !this.#scheduler.mayBeForgotten(dependency)) {
        if (has?.isWhole([...dependency.lastWrites()], dependency) === true) continue
      }
      size.add(record)
      if (size.bytes > GRANT_BYTES_MAX) break
      records.set(id, record)
    }
    return [...records.values()]
  }
}

function byUrgency(a: Entry, b: Entry): number {
  return compareUrgency(a.record.spec, b.record.spec)
}

/** Cuts the entries into lists that each fit into one grant. */
function* grantSized(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let some: Entry[] = []
  let size = new MessageSize()
  for (const entry of entries) {
    some.push(entry)
    size.add(entry.durable!)
    if (some.length < GRANT_TASKS_MAX && size.bytes < GRANT_BYTES_MAX) continue
    yield some
    some = []
    size = new MessageSize()
  }
  if (some.length > 0) yield some
}
