/**
 * The half of the core that does the work: which tasks are ready, which run here, and which are settled without a run.
 *
 * Everything that changes a task ends in `consider`, which looks at the task afresh: is it over, is it ours, is it
 * ready? So it does not matter by which road a change came: submitted here, granted, merged from a batch or replayed
 * from disk.
 */
import { assert } from '../base/assert.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import { taskEventsOf } from '../telemetry/telemetry.ts'
import {
  afterRun,
  canRunIn,
  failedBefore,
  holderLost,
  holds,
  isEpochTaken,
  isLost,
  payloadLost,
  uncalledOf,
  verdictOf
} from '../claim/claim.ts'
import type { Demand } from '../claim/capability.ts'
import type { Pool } from '../claim/pools.ts'
import type { Context } from '../context.ts'
import type { WorkerState } from '../liveness/heartbeat.ts'
import type { Pause } from '../message.ts'
import type { Input } from '../input.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import type { Entry } from '../log/entry.ts'
import type { Dependencies } from '../queue/dependencies.ts'
import { ReadinessRules, ReadyQueue, Timers } from '../queue/queue.ts'
import type { Readiness } from '../queue/readiness.ts'
import { Pruning } from '../gc/gc.ts'
import type { Waiting } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import type { SettledFloor } from '../gc/settled-floor.ts'
import { poolStatesOf } from './pool-states.ts'
import { Slots } from './slots.ts'
import { RuntimeEstimate } from './runtime-estimate.ts'
import { TaskSubmission } from './submission.ts'
import type { Reclaim } from '../claim/reclaim.ts'
import { isBlob } from '../task/content.ts'
import { isFinal, isSettled, isStarted, type TaskRecord } from '../task/record.ts'

type Completion = Extract<Input, { kind: 'completion' }>

export class Scheduler {
  /** Tasks that are ready, here and elsewhere. */
  readonly queue: ReadyQueue
  readonly submission: TaskSubmission
  readonly slots: Slots
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #reclaims: Reclaim
  readonly #dependencies: Dependencies
  readonly #pruning: Pruning
  /** Bound on settled tasks. */
  readonly settledFloor: SettledFloor
  readonly #blobReplication: BlobReplication
  readonly #runtimeEstimate = new RuntimeEstimate()
  readonly #readiness: ReadinessRules
  readonly #timers = new Timers()
  readonly #pauses = new Set<Pause>()
  readonly #missing = new Set<TaskId>()

  constructor(
    context: Context,
    groupCommit: GroupCommit,
    reclaims: Reclaim,
    dependencies: Dependencies,
    blobReplication: BlobReplication
  ) {
    this.queue = new ReadyQueue(context.self)
    this.#context = context
    this.#groupCommit = groupCommit
    this.#reclaims = reclaims
    this.#dependencies = dependencies
    this.#pruning = new Pruning(context, dependencies)
    this.settledFloor = this.#pruning.settledFloor
    this.#blobReplication = blobReplication
    this.slots = new Slots(context, groupCommit, blobReplication, reclaims)
    this.#readiness = new ReadinessRules(context, dependencies, reclaims, this.slots)
    const consider = (entries: readonly Entry[]): void => this.consider(entries)
    const parts = { groupCommit, reclaims, blobReplication, settledFloor: this.settledFloor }
    this.submission = new TaskSubmission(context, parts, consider)
  }

  /** The pools of this node, in their order. */
  get pools(): readonly Pool[] {
    return this.slots.pools
  }

  /** How many slots of a pool are taken. */
  running(pool: string): number {
    return this.slots.used(pool)
  }

  /** Whether this node can run what asks for this. */
  canRun(demand: Demand): boolean {
    return canRunIn(this.pools, demand)
  }

  /** What waits here: to be taken in, to have what it reads, to be called. */
  *pending(): Generator<Waiting> {
    yield* this.submission.pending()
    yield* this.slots.pending()
  }

  /** Whether anything runs here, or has begun and waits to be called. */
  get isBusy(): boolean {
    return this.slots.isBusy
  }

  /** Whether a task may be started, or what keeps it from that. */
  readinessOf(entry: Entry): Readiness {
    return this.#readiness.readinessOf(entry)
  }

  get draining(): boolean {
    return !this.slots.isOpen
  }

  /** Whether nothing new is begun here. */
  get paused(): boolean {
    return this.#pauses.size > 0
  }

  /** Whether it is yet to be heard what others have done with what is held here. */
  get isWaking(): boolean {
    return this.#pauses.has('waking')
  }

  /** What heartbeats say of the work of this node. */
  get workerState(): WorkerState {
    const { draining, pausedBy, settledFloor } = this
    const { told: floor, kept: settledKept } = settledFloor
    const state = poolStatesOf(this.#context.self, this.slots, this.queue)
    return { ...state, draining, pausedBy, floor, settledKept }
  }

  /** Why nothing new is begun here, or null. */
  get pausedBy(): Pause | null {
    return [...this.#pauses][0] ?? null
  }

  /** For how long the longest of these types takes a slot here on average; undefined if one of them has never run here. */
  expectedMs(types: Iterable<string>): number | undefined {
    return this.#runtimeEstimate.expectedMs(types)
  }

  /** What this node can run from now on, or what it says of itself. */
  equip(input: Extract<Input, { kind: 'worker' | 'labels' }>): void {
    if (input.kind === 'worker') return this.slots.equip(input)
    this.#context.labels = input.labels
    this.slots.label()
  }

  /** A caller wants the task cancelled. Its holder, whichever boot that is, cancels it as soon as it hears of it. */
  cancel(id: TaskId): void {
    const { self, log, clock, wallMs } = this.#context
    const entry = log.get(id)
    if (entry === undefined || isSettled(entry.record)) return
    this.#groupCommit.urge()
    if (entry.record.cancelRequest !== null) return
    log.write(entry, { cancelRequest: { at: clock.stamp(wallMs), by: self } })
    this.consider([entry])
  }

  completed(input: Completion): void {
    const { run } = input
    const result = run.status === 'completed' ? run.result : null
    // Also where no task names it any more: then it goes again.
    if (isBlob(result)) this.#blobReplication.kept(result)
    if (!this.#isCurrent(input)) return
    if (isBlob(result)) this.#blobReplication.place(result, null, { kind: 'settle', input })
    else this.settle(input)
  }

  /** A run was ended by an outcome that this node wrote without its last lines: they go into it, so that they last. */
  said({ taskId, epoch, tail }: Extract<Input, { kind: 'tail' }>): void {
    const { self, log } = this.#context
    const entry = log.get(taskId)
    const outcome = entry?.record.outcome ?? null
    if (entry === undefined || outcome === null || outcome.status === 'completed') return
    if (outcome.by !== self || outcome.epoch !== epoch || outcome.tail !== null) return
    const isCounted = false // It has been.
    log.write(entry, { outcome: { ...outcome, tail } }, isCounted)
    this.consider([entry])
  }

  /** A run that was superseded has been aborted; whatever it still says is of no interest. */
  #isCurrent({ taskId: id, epoch }: Completion): boolean {
    return this.slots.isRunning(id, epoch)
  }

  /** A run has ended, and its result is where it has to be. */
  settle(input: Completion): void {
    const { self, log, clock, counters, wallMs } = this.#context
    const { taskId: id, run, durationMs, tail = null } = input
    if (!this.#isCurrent(input)) return
    const slotMs = this.slots.ended(id)
    const entry = log.get(id)!
    const { type } = entry.record.spec
    if (run.status !== 'returned') {
      this.#runtimeEstimate.ran(type, slotMs)
      counters.ran(type, durationMs)
    }
    const ended = { at: clock.stamp(wallMs), now: wallMs, durationMs, tail }
    log.write(entry, afterRun(self, entry.record, run, ended))
    this.#groupCommit.urge()
    this.consider([entry])
  }

  /** Looks afresh at tasks that have changed, and at those that waited for them. */
  consider(changed: Iterable<Entry>): void {
    const { log, wallMs } = this.#context
    this.#secureLate()
    const pending = [...changed]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      // It may have been pruned since it was noted down somewhere.
      if (log.get(entry.id) !== entry) continue
      this.#tellAnew(entry)
      this.#blobReplication.retain(entry.record)
      this.submission.came(entry)
      this.slots.leaveSuperseded(entry)
      taskEventsOf(this.#context, entry)
      this.#decide(entry)
      taskEventsOf(this.#context, entry)
      this.#reclaims.update(entry)
      this.#pruning.update(entry)
      this.#timers.update(entry, wallMs)
      const isOver = isSettled(entry.record)
      // One by one: hundreds of thousands may wait for one task, and a call takes no such list.
      for (const each of this.#dependencies[isOver ? 'settled' : 'unsettled'](entry))
        pending.push(each)
      this.#queue(entry)
    }
  }

  /**
   * What tasks depend on that have just come may be past its time, and forgotten by others before they hear of these.
   */
  #secureLate(): void {
    for (const id of this.#dependencies.takeLate())
      if (this.isPast(id)) this.#blobReplication.secure(id)
  }

  /**
   * A task is over, and another node has reclaimed it, or had pruned the task of its key and has created it anew. That
   * node starts nothing before it has heard all that we had written when we confirmed, so the outcome is written once
   * more.
   */
  #tellAnew(entry: Entry): void {
    if (!entry.untold) return
    entry.untold = false
    const isCounted = false // It has been.
    this.#context.log.write(entry, {}, isCounted)
    this.#groupCommit.urge()
  }

  /** Looks afresh at tasks whose start time or deadline has come. */
  considerDue(): void {
    this.consider(this.#timers.due(this.#context.wallMs))
  }

  /** Answers submissions of which it has become clear what became of them. */
  answerSubmissions(): void {
    this.submission.releaseConfirmed()
  }

  /** Dependencies of tasks here of which others are to be asked how they ended. */
  takeMissing(): readonly TaskId[] {
    if (this.#missing.size === 0) return []
    const missing = [...this.#missing]
    this.#missing.clear()
    return missing
  }

  /** Others have been asked how it ended. */
  noteAsked(dependency: TaskId): void {
    const { log, carried } = this.#context
    const isKnown = log.get(dependency) !== undefined || carried.get(dependency) !== undefined
    this.consider(this.#dependencies[isKnown ? 'recalled' : 'noteAsked'](dependency))
  }

  /** Whether others may have pruned how the task ended. */
  mayBeForgotten(entry: Entry): boolean {
    return this.#pruning.isDue(entry)
  }

  /** Whether a task that is known here may have been pruned by others. */
  isPast(id: TaskId): boolean {
    const entry = this.#context.log.get(id)
    return entry !== undefined && this.mayBeForgotten(entry)
  }

  /** How a task ended that has been pruned here. Returns tasks that depend on it. */
  carry(record: TaskRecord): readonly Entry[] {
    return this.#dependencies.carry(record)
  }

  /** Prunes tasks: all others have seen them settle, and have pruned them. */
  prune(entries: Iterable<Entry>): void {
    const waiting: Entry[] = []
    for (const entry of entries) {
      this.slots.forget(entry)
      this.#timers.forget(entry)
      this.#blobReplication.release(entry.id)
      this.queue.update(entry, false)
      this.#reclaims.forget(entry)
      this.#groupCommit.outcomeReports.forget(entry.id)
      for (const each of this.#pruning.forget(entry)) waiting.push(each)
      this.#context.emit({ kind: 'notify', event: { name: 'task:pruned', taskId: entry.id } })
    }
    this.consider(waiting)
  }

  /** A member has pruned these, and has just heard of them from us: they settled while we were away. */
  prunedElsewhere(ids: readonly TaskId[]): void {
    const { log } = this.#context
    const held = ids.map(id => log.get(id)).filter(entry => entry !== undefined)
    this.prune(held.filter(({ record }) => !isFinal(record)))
  }

  /** Prunes what has been kept long enough, as far as all others know of it. */
  pruneDue(): void {
    this.prune(this.#pruning.due())
  }

  /**
   * Looks afresh at tasks that depend on tasks which are not known here: those may have been pruned, or never be heard
   * of.
   */
  reviewUnknown(): void {
    const { log, members, now, options } = this.#context
    if (!this.#dependencies.hasUnknown) return
    // A node that sees only a few of the others cannot tell that nobody knows a task, and one that cannot be read here
    // is there.
    const unknownMs = members.seesMajority(now) ? options.unknownMs : Infinity
    const after = (id: TaskId): number => (log.origins.mayBeUnreadable(id) ? Infinity : unknownMs)
    this.consider(this.#dependencies.reviewUnknown(now, after, options.findMs))
  }

  /** Starts what can be started here. */
  startReady(): void {
    this.#failLost()
    this.#restartHomeless()
    for (const entry of this.slots.takeReturning()) this.#queue(entry)
    while (!this.paused) {
      const entry = this.slots.next(this.queue)
      if (this.slots.call(entry)) continue
      if (entry === undefined) return
      assert(this.readinessOf(entry) === 'Ready', 'what is taken from the queue is ready')
      this.queue.update(entry, false)
      this.slots.take(entry)
    }
  }

  pause(why: Pause, paused: boolean): void {
    if (paused) this.#pauses.add(why)
    else this.#pauses.delete(why)
  }

  /** Takes nothing more from here on; with `abort`, stops what runs. */
  drain(abort: boolean): void {
    for (const entry of this.slots.close()) this.#queue(entry)
    if (!abort) return
    this.slots.giveUpStarts()
    this.slots.abortAll()
  }

  /** Ends what runs, for as long as this node is paused. */
  abortAll(): void {
    this.slots.abortAll()
  }

  /** Whether a claim of ours may not be acted upon yet. */
  isUnconfirmed(entry: Entry): boolean {
    return this.#reclaims.isUnconfirmed(entry)
  }

  /** Tasks that are taken over here, and may not be started yet. */
  unconfirmed(): readonly Entry[] {
    return this.#reclaims.unconfirmed()
  }

  /** How many tasks a boot runs in a pool, as far as is known here. */
  runningAt(boot: BootId, pool: string): number {
    return this.#reclaims.runningAt(boot, pool)
  }

  /** Tasks that this node holds and has not started, or does not run any more. */
  idleTasks(): Entry[] {
    return this.#reclaims.own().filter(entry => !this.slots.hasBegun(entry.id))
  }

  assertInvariants(): void {
    const { log, self } = this.#context
    this.queue.assertInvariants()
    this.slots.assertInvariants()
    this.#pruning.assertInvariants()
    this.submission.assertInvariants()
    this.#dependencies.assertInvariants(log.entries())
    this.#timers.assertInvariants(entry => log.get(entry.id) === entry && !isSettled(entry.record))
    for (const entry of log.entries()) {
      // What of others is ready may have to be looked at again with the next tick.
      const isSame = this.queue.has(entry.id) === this.#readiness.mayBeReady(entry)
      assert(isSame || !holds(self, entry.record), 'what is ready here is in the queue', entry.id)
    }
  }

  /** Does what only the holder may do with a task, before anything else. */
  #decide(entry: Entry): void {
    const { self, log, clock, wallMs } = this.#context
    if (!holds(self, entry.record)) return
    const failure = failedBefore(self, entry.record, this.slots.isUncalled(entry))
    if (failure !== null) {
      const isCounted = false // It was, where it failed.
      log.write(entry, failure, isCounted)
      this.slots.leaveSuperseded(entry)
      return this.#groupCommit.urge()
    }
    const hasBegun = this.slots.hasBegun(entry.id)
    const missing = hasBegun ? undefined : this.#dependencies.missing(entry.id)
    if (missing !== undefined) this.#missing.add(missing)
    const id = hasBegun ? undefined : this.#dependencies.broken(entry.id)
    const broken = id === undefined ? undefined : { id, isKnown: log.get(id) !== undefined }
    const stamp = (): Hlc => clock.stamp(wallMs)
    const verdict = this.#mayHaveEnded(entry)
      ? null
      : verdictOf(self, entry.record, wallMs, broken, stamp)
    if (verdict !== null) {
      log.write(entry, verdict)
      this.slots.leaveSuperseded(entry)
      this.#groupCommit.urge()
      return
    }
    if (hasBegun) return
    if (isEpochTaken(self, entry)) {
      this.#reclaims.reclaim([entry])
    } else if (isLost(entry.record) && !this.#reclaims.isUnconfirmed(entry)) {
      const names = this.#reclaims.namesOf(entry.record)
      log.write(entry, holderLost(self, entry.record, names, clock.stamp(wallMs)))
      this.slots.leaveSuperseded(entry)
      this.#groupCommit.urge()
    } else if (this.#reclaims.hasUncountedLoss(entry)) {
      this.#reclaims.reclaim([entry])
    }
  }

  /**
   * Whether a member that is asked may know that the task has completed: then it is not ended in another way before it
   * is clear that none does. For what may run at most once that can take for ever, so that does not wait.
   */
  #mayHaveEnded(entry: Entry): boolean {
    if (entry.record.spec.delivery === 'at-most-once' || this.slots.hasBegun(entry.id)) return false
    return this.#reclaims.isUnconfirmed(entry)
  }

  /** Whatever reads what is on no disk any more has failed. */
  #failLost(): void {
    const { self, log, clock, wallMs } = this.#context
    for (const { entry, ref } of this.slots.takeLost()) {
      if (!holds(self, entry.record) || isStarted(entry.record)) continue
      this.slots.forget(entry)
      log.write(entry, payloadLost(self, entry.record, ref, clock.stamp(wallMs)))
      this.#groupCommit.urge()
      this.consider([entry])
    }
  }

  /** What has begun here and cannot be called here any more is started anew, under another epoch. */
  #restartHomeless(): void {
    const { self, log } = this.#context
    for (const entry of this.slots.takeHomeless()) {
      const patch = holds(self, entry.record) ? uncalledOf(self, entry.record) : null
      if (patch === null) continue
      log.write(entry, patch)
      this.consider([entry])
    }
  }

  #queue(entry: Entry): void {
    const readiness = this.readinessOf(entry)
    this.#noteReady(entry, readiness === 'Ready')
    this.queue.update(entry, this.#readiness.mayBeReady(entry, readiness))
  }

  #noteReady(entry: Entry, ready: boolean): void {
    const { now, emit } = this.#context
    if (ready && entry.readySince === null) {
      const { holder: by, attempt } = entry.record.claim
      emit({ kind: 'notify', event: { name: 'task:queued', taskId: entry.id, by, attempt } })
    }
    entry.readySince = ready ? (entry.readySince ?? now) : null
  }
}
