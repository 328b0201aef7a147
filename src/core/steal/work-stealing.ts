/**
 * How work changes hands between nodes that live: a thief asks, a holder grants, and a node that stops hands on what is
 * left.
 */
import { nodeOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import { canRun, demandOf, grantOf, toHave } from '../claim/claim.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import { MessageSize } from '../log/log.ts'
import { coveredBy } from '../base/coverage.ts'
import type { Member } from '../membership/members.ts'
import type { Input } from '../input.ts'
import type { Grant, Heartbeat, StealRequest } from '../message.ts'
import type { Can, ReadyQueue } from '../queue/ready-queue.ts'
import type { PendingOf } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import { canReachApart, isAway } from '../replication/replication.ts'
import { giveAway, share } from './victim.ts'
import { Affinity } from './affinity.ts'
import { GRANT_TASKS_MAX } from '../options.ts'
import { DrainPlacement } from './drain-placement.ts'
import { Placement } from './placement.ts'
import { Thief } from './thief.ts'
import { compareUrgency } from '../task/urgency.ts'
import type { TaskRecord } from '../task/record.ts'
import type { Scheduler } from '../scheduling/scheduler.ts'

/** The most that one grant carries, well below the bound of a frame. The rest is asked for again. */
const GRANT_BYTES_MAX = 1_048_576
/** Tasks that a leaving node hands on with one flush. Guess: some ten milliseconds. */
const HAND_ON_MAX = 1000

export class WorkStealing {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #scheduler: Scheduler
  readonly #queue: ReadyQueue
  readonly #thief: Thief
  readonly #affinity = new Affinity()
  readonly #placement: Placement

  constructor(context: Context, groupCommit: GroupCommit, scheduler: Scheduler) {
    this.#context = context
    this.#groupCommit = groupCommit
    this.#scheduler = scheduler
    this.#queue = scheduler.queue
    this.#thief = new Thief(context.self, context.options)
    this.#placement = new Placement(context, scheduler.queue, boot => scheduler.runningAt(boot))
  }

  /** No grant is on its way here that was asked for. */
  get isIdle(): boolean {
    return this.#thief.mayAsk(this.#context.now)
  }

  /** With too little at hand, asks the holder that seems to have most. */
  askForWork(): void {
    const { self, members, counters, now, options, emit } = this.#context
    const { capability, draining, paused, running } = this.#scheduler
    const { slots, handlers, labels } = capability
    const can: Can = demand => canRun(capability, demand)
    if (draining || paused || slots === 0 || !this.#thief.mayAsk(now)) return
    const atHand = running + this.#queue.count(self, can)
    // However short the tasks are. Said first, for a busy node comes by here at every step.
    if (atHand > Math.max(slots, options.stealMax / 2)) return
    const backlogs = members
      .linkedAndAlive(now)
      .map(({ heartbeat }) => ({
        holder: heartbeat.boot,
        ready: this.#queue.count(heartbeat.boot, can) - this.#starting(heartbeat, can)
      }))
      .filter(({ ready }) => ready > 0)
    if (backlogs.length === 0) return
    const holders = [self, ...backlogs.map(({ holder }) => holder)]
    const demands = holders.flatMap(holder => [...this.#queue.demands(holder)].filter(can))
    const types = new Set(demands.map(({ type }) => type))
    const wanted = this.#thief.wanted(slots, this.#scheduler.expectedMs(types))
    if (atHand >= slots && atHand > wanted / 2) return
    const unanswered = this.#thief.isWaiting
    const question = this.#thief.ask(now, backlogs)
    if (unanswered) counters.steals.add('thief', 'lost')
    if (question === null) return
    const { request, holder } = question
    const want = Math.min(wanted - atHand, GRANT_TASKS_MAX)
    emit({
      kind: 'send',
      to: nodeOf(holder),
      message: { kind: 'steal', request, boot: self, want, handlers, labels }
    })
  }

  /**
   * How many of the ready tasks of a holder, of those that this node could run, are about to be started there: it has
   * slots for them, and has not said that it has any left over.
   */
  #starting(holder: Heartbeat, can: Can): number {
    const { boot, slots, queued, draining, paused } = holder
    if (draining || paused !== undefined || queued > 0) return 0
    const free = slots - this.#scheduler.runningAt(boot)
    if (free <= 0) return 0
    return Math.min(
      free,
      this.#queue.count(boot, demand => can(demand) && canRun(holder, demand))
    )
  }

  /** For how many more tasks there is room here that gone boots have left: a new portion, if half of one is used up. */
  spare(boots: readonly BootId[]): number {
    const { self, options } = this.#context
    const { capability, paused, running } = this.#scheduler
    const { slots } = capability
    if (slots === 0 || paused) return 0
    const can: Can = demand => canRun(capability, demand)
    const atHand = running + this.#queue.count(self, can) + this.#scheduler.unconfirmed
    const demands = [self, ...boots].flatMap(boot => [...this.#queue.demands(boot)].filter(can))
    const types = new Set(demands.map(({ type }) => type))
    const wanted = this.#thief.wanted(slots, this.#scheduler.expectedMs(types))
    const portion = toHave(slots, wanted, options.stealMax)
    return atHand >= slots && atHand > portion / 2 ? 0 : portion - atHand
  }

  /** A thief asks. What it gets is written down here first; the answer follows when that is on disk. */
  steal(from: NodeId, { boot, request, want, handlers, labels }: StealRequest): void {
    const { self, log, members, counters } = this.#context
    if (nodeOf(boot) !== from) return
    const can: Can = demand => canRun({ slots: 1, handlers, labels }, demand)
    const fair = share(this.#queue.count(self, can), want, this.#sharers(can))
    const thief = members.get(from)
    const count = this.#scheduler.paused || !this.#isThere(thief, boot) ? 0 : fair
    const given = giveAway(this.#queue, can, count, GRANT_BYTES_MAX, entry => {
      if (this.#hasTravelled(entry) || this.#isUnreadable(entry, thief)) return false
      log.write(entry, grantOf(self, entry.record, boot))
      return true
    })
    counters.steals.add('holder', given.length > 0 ? 'granted' : 'refused')
    this.#scheduler.consider(given)
    this.#send(from, request, given)
  }

  /** Whether what is given to a boot stays there: what it held is not about to be taken from it. */
  #isThere(thief: Member | undefined, boot: BootId): boolean {
    const { members, now } = this.#context
    return thief?.heartbeat.boot === boot && members.status(thief, now) === 'alive'
  }

  /**
   * Work has come: ours from now on, and written down here too, with the outcomes that it needs, so that both survive
   * the giver.
   */
  granted(from: NodeId, { boot, request, records, dependencies }: Grant): void {
    const { counters, now } = this.#context
    if (nodeOf(boot) !== from) return
    const changed: Entry[] = []
    const forgotten: TaskRecord[] = []
    for (const record of [...dependencies, ...records]) {
      const entry = this.#groupCommit.take(record)
      if (entry !== undefined) changed.push(entry)
      else forgotten.push(record)
    }
    for (const record of forgotten) changed.push(...this.#scheduler.carry(record))
    // What nobody here asked for may be waited for there: it is not known to be here before we say so.
    if (request === 0 && records.some(({ spec }) => nodeOf(spec.submittedBy) === from)) {
      this.#groupCommit.onceDurable({ kind: 'taken', from })
    }
    if (this.#thief.answered(now, boot, request, records.length)) {
      counters.steals.add('thief', records.length > 0 ? 'granted' : 'refused')
    }
    this.#scheduler.consider(changed)
  }

  /** Gives tasks that prefer other labels than ours to nodes that have these and are idle. */
  placePreferred(): void {
    const { members, now } = this.#context
    const entries =
      this.#scheduler.draining || this.#scheduler.paused
        ? []
        : this.#queue.preferringOthers(this.#scheduler.capability.labels)
    if (entries.length === 0) return
    const given = new Map<Member, Entry[]>()
    for (const entry of entries) {
      if (this.#hasTravelled(entry)) continue
      const readers = members.linkedAndAlive(now).filter(each => !this.#isUnreadable(entry, each))
      const member = this.#affinity.place(entry, readers)
      if (member !== undefined) this.#give(entry, member, given)
    }
    this.#deliver(given)
  }

  /**
   * Gives tasks that have become ready, and that no slot was free for here, to members that have one: when all that
   * happened at that moment has been taken in, and it is known which is the most urgent.
   */
  placeReady(after: Input['kind']): void {
    if (!this.#groupCommit.mayFlush(after)) return
    const arrived = this.#queue.takeArrived()
    if (arrived.length === 0 || this.#scheduler.draining || this.#scheduler.paused) return
    const { members, computer, now } = this.#context
    const hasRoom = (member: Member): boolean => this.#placement.hasRoom(member)
    let roomy = members.linkedAndAlive(now).filter(hasRoom)
    if (roomy.length === 0) return
    const apart = canReachApart(members, computer)
    const given = new Map<Member, Entry[]>()
    /** What nobody has room for. */
    const stuck = new Set<string>()
    for (const entry of arrived.toSorted(byUrgency)) {
      if (roomy.length === 0) break
      if (!this.#isPlaceable(entry)) continue
      const key = JSON.stringify(demandOf(entry.record.spec))
      if (stuck.has(key)) continue
      const readers = roomy.filter(each => !this.#isUnreadable(entry, each))
      const member = this.#placement.memberFor(entry, readers)
      if (member === undefined) stuck.add(key)
      else {
        this.#give(entry, member, given)
        this.#placement.gave(entry, member)
        if (isAway(member, computer) || !apart) this.#groupCommit.placed(entry)
        this.#scheduler.consider([entry])
        roomy = roomy.filter(hasRoom)
      }
    }
    this.#deliver(given)
  }

  /**
   * What this node gave to members that are out of reach now, and that they are not known to have. Others who see a
   * majority may take over anything of them; this node may take back what it accepted itself and nobody else has a
   * copy of for sure, so that a submission on the smaller side of a cut is run there.
   */
  unanswered(): Entry[] {
    const { members, now } = this.#context
    return this.#placement.unanswered(boot => members.isUnreachable(boot, now))
  }

  /** What has been given or taken once stays where it came to, unless it is asked for. */
  #isPlaceable(entry: Entry): boolean {
    const { cause, holder } = entry.record.claim
    const isFresh = cause !== 'grant' && cause !== 'reclaim'
    const isOwn = holder === this.#context.self && this.#queue.has(entry.id)
    return isFresh && isOwn && !this.#hasTravelled(entry)
  }

  /**
   * While draining: gives what this node holds and does not run to others, if there are any. Portion by portion, each
   * with the flush that it fills, so that neither a message nor a peer's queue grows with what is held. Returns whether
   * all has gone.
   */
  handOn(): boolean {
    const { log, members, now } = this.#context
    if (log.isFlushing || this.#scheduler.isWaking) return false
    // A claim that is not confirmed cannot be granted: another node may be running the task. Others reclaim it.
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
      // However far it has travelled: no node is left here to keep it.
      this.#give(entry, member, given)
      size.add(entry.record)
      count++
    }
    this.#deliver(given)
    return count === entries.length
  }

  /**
   * Whether the task has moved often enough, and stays. Moves beyond the bound are needed where this node cannot run
   * it: each follows a loss of handlers or labels, so they cannot go on by themselves.
   */
  #hasTravelled({ record }: Entry): boolean {
    const { claim, spec } = record
    return (
      claim.hops >= this.#context.options.hopsMax &&
      canRun(this.#scheduler.capability, demandOf(spec))
    )
  }

  /**
   * Whether the member has said that it cannot read what it was told of the task: it would never know that it holds it.
   */
  #isUnreadable({ writes }: Entry, member: Member | undefined): boolean {
    if (member === undefined || member.unreadable.isEmpty) return false
    return writes.some(dot => member.unreadable.has(dot))
  }

  #give(entry: Entry, member: Member, given: Map<Member, Entry[]>): void {
    const { self, log } = this.#context
    log.write(entry, grantOf(self, entry.record, member.heartbeat.boot))
    const list = given.get(member)
    if (list === undefined) given.set(member, [entry])
    else list.push(entry)
  }

  #deliver(given: ReadonlyMap<Member, readonly Entry[]>): void {
    for (const [{ node }, list] of given) {
      this.#scheduler.consider(list)
      this.#send(node, 0, list)
    }
  }

  #send(to: NodeId, request: number, entries: readonly Entry[]): void {
    if (entries.length === 0) return this.#grant(to, request, entries)
    const taskIds = entries.map(({ id }) => id)
    this.#groupCommit.onceDurable({ kind: 'grant', to, request, taskIds })
  }

  /** What has been given away is on disk. */
  sendGranted({ to, request, taskIds }: PendingOf<'grant'>): void {
    const { log } = this.#context
    // Some may have been pruned since.
    const entries = taskIds
      .flatMap(id => log.get(id) ?? [])
      .filter(({ durable }) => durable !== null)
    let answers = request
    for (const some of entries.length === 0 ? [entries] : parts(entries)) {
      this.#grant(to, answers, some)
      // What follows answers nothing any more.
      answers = 0
    }
  }

  #grant(to: NodeId, request: number, entries: readonly Entry[]): void {
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
   * The outcomes that a node needs to run these tasks, as far as it is not known to have them, or may have pruned
   * them; within a bound.
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

  /** How many nodes could run some of the tasks that this thief could run, this node included. */
  #sharers(can: Can): number {
    const { capability, draining } = this.#scheduler
    const demands = [...this.#queue.demands(this.#context.self)].filter(can)
    const { members, now } = this.#context
    const all = members.linkedAndAlive(now).map(({ heartbeat }) => heartbeat)
    return [...all, { ...capability, draining }].filter(
      node => !node.draining && demands.some(demand => canRun(node, demand))
    ).length
  }
}

function byUrgency(a: Entry, b: Entry): number {
  return compareUrgency(a.record.spec, b.record.spec)
}

/** Cuts the entries into parts of as many as fit into one grant. */
function* parts(entries: readonly Entry[]): Generator<readonly Entry[]> {
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
