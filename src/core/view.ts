/**
 * A read-only picture of the core, for status, API and checkers. Shows; never changes.
 */
import { nodeOf, type BootId, type NodeId, type TaskId } from './base/ids.ts'
import { isPruned, wallMsAt, type Context } from './context.ts'
import { isFullMesh } from './liveness/liveness.ts'
import { poolsOf } from './claim/claim.ts'
import type { Pool } from './claim/pools.ts'
import type { Pause } from './message.ts'
import type { Counters } from './telemetry/counters.ts'
import type { Backlog } from './replication/ack-wait.ts'
import type { Log } from './log/log.ts'
import { MessageSize } from './log/log.ts'
import { disksWith, snapshotOf } from './replication/replication.ts'
import type { Snapshot } from './replication/snapshot.ts'
import { hasAll, standingOf } from './base/coverage.ts'
import { merge, missing, RETIRED } from './base/version-vector.ts'
import { clockOffsetOf, isForgotten } from './membership/membership.ts'
import type { Member, Members, MemberStatus } from './membership/members.ts'
import type { Quorum } from './options.ts'
import { tasksOf, type Waiting, type Waits } from './pending.ts'
import type { UnreadableSpan } from './effect.ts'
import type { Heartbeat, VersionVector } from './message.ts'
import type { Dependencies } from './queue/dependencies.ts'
import { stateOf } from './queue/queue.ts'
import type { Readiness } from './queue/readiness.ts'
import type { BlobHash } from './task/content.ts'
import type { SettledFloor } from './gc/settled-floor.ts'
import type { Scheduler } from './scheduling/scheduler.ts'
import type { TypeTotals } from './telemetry/counts-gossip.ts'
import { isSettled, type Dot, type TaskRecord } from './task/record.ts'
import type { TaskState } from './task/state.ts'

export type MemberView = Readonly<{
  heartbeat: Heartbeat
  status: MemberStatus
  linked: boolean
  /** The member has all that we have on disk, and we have all that it has told of. */
  synced: boolean
  heartbeatAgeMs: number
  /** How far its clock is ahead of this node's; null if it has not spoken yet. */
  clockOffsetMs: number | null
}>

const TASK_ID_LENGTH = 36

/** A pool of a node, and whether the node begins tasks. */
export type WorkerView = Pool & Pick<Heartbeat, 'draining' | 'paused'>

/** What the rest of the core answers for the view. */
type Answers = Readonly<{
  self: () => Heartbeat
  scheduler: Scheduler
  totals: (of: 'node' | 'cluster') => Map<string, TypeTotals>
  /** The parts beside the scheduler that keep something pending. */
  waits: readonly Waits[]
  blobSources: (hash: BlobHash) => readonly NodeId[]
  backlog: () => Backlog
  isWaitingToLeave: () => boolean
}>

export class CoreView {
  /** What this boot has counted. */
  readonly counters: Counters
  readonly #context: Context
  readonly #log: Log
  readonly #members: Members
  readonly #quorum: Quorum
  readonly #dependencies: Dependencies
  readonly #answers: Answers

  constructor(context: Context, dependencies: Dependencies, answers: Answers) {
    this.counters = context.counters
    this.#context = context
    this.#log = context.log
    this.#members = context.members
    this.#quorum = context.options.quorum
    this.#dependencies = dependencies
    this.#answers = answers
  }

  /** Whether this node takes nothing more. */
  get isDraining(): boolean {
    return this.#answers.scheduler.draining
  }

  /** Whether all that may live are linked and have spoken lately: what is told to all need not be handed on. */
  get isFullMesh(): boolean {
    const { members, now, options } = this.#context
    return isFullMesh(members, now, options)
  }

  /** What this node would say about itself now. */
  self(): Heartbeat {
    return this.#answers.self()
  }

  /** Whether the task waits for nothing but a slot of its holder. */
  isReady(id: TaskId): boolean {
    return this.#answers.scheduler.queue.has(id)
  }

  /** Whether the task may be started, or what keeps it from that. */
  readiness(record: TaskRecord): Readiness {
    // What has settled may be pruned by now.
    if (isSettled(record)) return 'Settled'
    return this.#answers.scheduler.readinessOf(this.#log.get(record.spec.id)!)
  }

  /** All that this node waits for, as plain data. @param id only what is about this task. @default all */
  *pending(id?: TaskId): Generator<Waiting> {
    const { scheduler, waits } = this.#answers
    for (const each of [scheduler, ...waits]) {
      for (const waiting of each.pending()) {
        const { pending } = waiting
        if (id !== undefined && !tasksOf(pending).includes(id)) continue
        if (!this.#isGivenUp(waiting)) yield waiting
      }
    }
  }

  /** Whether a copy of a start is still waited for, and nothing will follow from it. */
  #isGivenUp({ pending, until }: Waiting): boolean {
    if (pending.kind !== 'start' || until.on !== 'copies') return false
    const entry = this.#log.get(pending.taskId)
    const { startBarrier } = this.#answers.scheduler.slots
    return entry === undefined || !startBarrier.isUnconfirmed(entry, pending.seq)
  }

  /** Why this node begins nothing and hands nothing on, or null. */
  get pausedBy(): Pause | null {
    return this.#answers.scheduler.pausedBy
  }

  /** What this node itself has yet to get to its disk, and to others. */
  get backlog(): Backlog {
    return this.#answers.backlog()
  }

  /** Whether this node leaves, and nobody is there to say goodbye to. */
  get isWaitingToLeave(): boolean {
    return this.#answers.isWaitingToLeave()
  }

  /** Tasks that have not settled and that no member has who may be there: they are on this node's disk alone. */
  leftBehind(): number {
    let count = 0
    for (const record of this.records()) {
      if (isSettled(record)) continue
      if (disksWith(this.#members, record.created, null).copies === 0) count++
    }
    return count
  }

  record(id: TaskId): TaskRecord | undefined {
    return this.#log.get(id)?.record
  }

  /** How many tasks have ever come here: there is another one when it has grown. */
  get tasksTaken(): number {
    return this.#log.taken
  }

  /** All records, in the order in which they came into this replica. */
  *records(): Generator<TaskRecord> {
    for (const entry of this.#log.entries()) yield entry.record
  }

  /** The size of the replica: tasks, and an upper bound of their size as messages. */
  replicaSize(): { entries: number; bytes: number } {
    const size = new MessageSize()
    let entries = 0
    for (const { record } of this.#log.entries()) {
      size.add(record)
      entries++
    }
    return { entries, bytes: entries === 0 ? 0 : size.bytes }
  }

  /** By node: how many of its writes some member has on disk, and this replica has not merged. */
  lag(): Map<NodeId, number> {
    const lag = new Map<NodeId, number>()
    for (const [boot, behind] of this.#behind(this.#members.all())) {
      lag.set(nodeOf(boot), (lag.get(nodeOf(boot)) ?? 0) + behind)
    }
    return lag
  }

  /**
   * By boot that is not retired: how many of its writes some of these members have on disk, and are not merged here.
   */
  #behind(members: Iterable<Member>): Map<BootId, number> {
    const told = new Map<BootId, number>()
    for (const { vector } of members) merge(told, vector)
    const open = [...told].filter(([, upTo]) => upTo !== RETIRED)
    const behind = new Map(open.map(([boot]) => [boot, 0]))
    for (const [boot, upTo] of missing(this.#log.origins.reach, open)) {
      behind.set(boot, upTo - this.#log.merged(boot))
    }
    return behind
  }

  /** What is on disk, for a file. */
  replica(): Snapshot {
    return snapshotOf(this.#log)
  }

  state(record: TaskRecord): TaskState {
    return stateOf(record, this.readiness(record))
  }

  /** Whether the outcome of the task is on two disks (or on the only one), so that it may be told. */
  isReported(id: TaskId): boolean {
    return this.#log.get(id)?.reported ?? false
  }

  /** By type, sorted: what this boot has counted, or all boots of the cluster together, as far as they have told. */
  totals(of: 'node' | 'cluster'): ReadonlyMap<string, TypeTotals> {
    return this.#answers.totals(of)
  }

  /** Whether the task of an id was known once, and has settled and been pruned, as far as can be told. */
  isForgotten(id: TaskId): boolean {
    return TASK_ID_LENGTH === id.length && isPruned(this.#context, id)
  }

  /** Whether a task that is not here has settled and been pruned: whoever brings it, it is not taken in again. */
  isPast(record: TaskRecord): boolean {
    return this.#log.origins.isPast(record)
  }

  /** How many other members are known to have the task on disk. */
  copies({ created }: TaskRecord): number {
    return disksWith(this.#members, created, this.#context.computer).copies
  }

  /** Dependencies of the task that have not settled, or of which it is not known here how they ended. */
  openDependencies({ spec }: TaskRecord): TaskId[] {
    return spec.dependsOn.filter(id => this.#dependencies.isAwaited(id, spec.id))
  }

  /** A dependency of the task that did not complete, if that ends the task. */
  brokenDependency({ spec }: TaskRecord): TaskId | undefined {
    return this.#dependencies.broken(spec.id)
  }

  /** Whether there is a link to a member. */
  isLinked(node: NodeId): boolean {
    return this.#members.isLinked(node)
  }

  /** Members from which a blob may be had, the likeliest first. */
  blobSources(hash: BlobHash): readonly NodeId[] {
    return this.#answers.blobSources(hash)
  }

  /** Per boot, up to which of its writes this replica has merged everything. */
  mergedVector(): VersionVector {
    return this.#log.origins.vector()
  }

  /** Settled tasks that could go, how many are to be kept, and how many are far too many. */
  room(): Readonly<Pick<SettledFloor, 'kept' | 'max' | 'most'>> {
    return this.#answers.scheduler.settledFloor
  }

  /**
   * Whether submissions have to wait: every node keeps more settled tasks than there is room for, and lets go of them.
   */
  get isFull(): boolean {
    return this.#answers.scheduler.settledFloor.isFull
  }

  /** How many tasks this replica has. */
  get taskCount(): number {
    return this.#log.size
  }

  /** How many writes members that can be talked to have on disk, and this replica has not merged. */
  get missing(): number {
    return [...this.#behind(this.#members.linked()).values()].reduce(
      (sum, writes) => sum + writes,
      0
    )
  }

  /** All other members that have not been forgotten, in the order of their ids. */
  members(now: number): MemberView[] {
    return this.#members
      .all()
      .filter(member => !isForgotten(member))
      .map(member => this.#memberView(member, now))
  }

  /** Instances that are expected, sorted. */
  roster(): string[] {
    return this.#members.roster.names
  }

  /** What time it is when our monotonic clock shows `now`, in ms: the times of tasks go by this. */
  wallMs(now: number): number {
    return wallMsAt(now, this.#context)
  }

  /** Whether this node sees as many members as it takes to reclaim the work of those that have fallen silent. */
  hasQuorum(now: number): boolean {
    return this.#members.hasQuorum(now, this.#quorum)
  }

  /** The pools of nodes that are alive and take tasks, those of this one included. */
  workers(now: number): WorkerView[] {
    const alive = this.#members
      .all()
      .filter(member => this.#members.status(member, now) === 'alive')
    const { pools, draining } = this.#answers.scheduler
    const own = draining ? [] : pools.map(pool => ({ ...pool, draining }))
    const others = alive.flatMap(({ heartbeat }) => {
      const { draining: isDraining, paused } = heartbeat
      if (isDraining) return []
      const busy = { draining: isDraining, ...(paused === undefined ? {} : { paused }) }
      return poolsOf(heartbeat).map(pool => ({ ...pool, ...busy }))
    })
    return [...own, ...others].filter(({ slots }) => slots > 0)
  }

  /** When a second process with the identity of a node was heard last; null if there was none lately. */
  twinHeardAt(node: NodeId): number | null {
    return this.#members.twinOf(node)?.heardAt ?? null
  }

  /** Whether the node was forgotten as a member, or left before it was ever met. */
  isForgottenMember(node: NodeId): boolean {
    const member = this.#members.get(node)
    return member !== undefined && isForgotten(member)
  }

  member(node: NodeId): Readonly<Member> | undefined {
    return this.#members.get(node)
  }

  #memberView(member: Member, now: number): MemberView {
    return {
      heartbeat: member.heartbeat,
      status: this.#members.status(member, now),
      linked: this.#members.isLinked(member.node),
      synced: this.#isSynced(member),
      heartbeatAgeMs: Math.max(0, now - member.heardAt),
      clockOffsetMs: clockOffsetOf(member)
    }
  }

  #isSynced(member: Member): boolean {
    return hasAll(standingOf(member), this.#log.durableCoverage) && this.#log.hasAll(member)
  }

  /** Whether there is anything that could not be read here. */
  get hasUnreadable(): boolean {
    return !this.#log.unreadable.isEmpty || this.stuck.length > 0
  }

  /** Writes that could not be read here, and by which version of hearsay. */
  unreadable(): readonly UnreadableSpan[] {
    return this.#log.origins.unreadable.all()
  }

  /** Whether a write was passed without having been read. */
  isUnreadable(dot: Dot): boolean {
    return this.#log.unreadable.has(dot)
  }

  /** Boots of which nothing more is taken in, because too much cannot be read. */
  get stuck(): readonly BootId[] {
    return [...this.#log.origins.unreadable.stuck]
  }

  /** The task that a write changed, if it was merged and the task has not been pruned. */
  writtenBy(origin: BootId, seq: number): TaskId | undefined {
    return this.#log.origins.writtenBy(origin, seq)?.id
  }
}
