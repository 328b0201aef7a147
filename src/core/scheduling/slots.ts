/**
 * What this node runs: its slots, which tasks have one, and what a task needs to get one.
 *
 * A task that has got a slot may have to wait for the blobs that it reads (input-staging.ts).
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import type { Pool } from '../claim/pools.ts'
import { taskEventsOf } from '../telemetry/telemetry.ts'
import {
  canRun,
  canRunIn,
  demandOf,
  holds,
  labelsIn,
  needsStartBarrier,
  StartBarrier,
  startOf,
  typesOf
} from '../claim/claim.ts'
import type { Context } from '../context.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import type { Run } from '../effect.ts'
import type { Input } from '../input.ts'
import type { Entry } from '../log/entry.ts'
import { Checkpoints } from './checkpoints.ts'
import { InputStaging } from './input-staging.ts'
import { DEFAULT_POOL, type NamedPool } from '../message.ts'
import type { Waiting } from '../pending.ts'
import type { Blocked } from '../queue/readiness.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import type { Reclaim } from '../claim/reclaim.ts'
import type { ReadyQueue } from '../queue/ready-queue.ts'
import { Seats } from './seats.ts'

type WorkerInput = Extract<Input, { kind: 'worker' }>

export class Slots {
  readonly startBarrier: StartBarrier
  readonly checkpoints: Checkpoints
  readonly #context: Context
  readonly #blobReplication: BlobReplication
  /** Task -> the epoch at which it runs here. */
  readonly #running = new Map<TaskId, number>()
  readonly #inputStaging: InputStaging
  readonly #seats: Seats
  #usual: Pick<Pool, 'slots' | 'types'> = { slots: 0, types: [] }
  #others: readonly NamedPool[] = []
  #isOpen = true

  constructor(
    context: Context,
    groupCommit: GroupCommit,
    blobReplication: BlobReplication,
    reclaims: Pick<Reclaim, 'isHeld'>
  ) {
    this.#context = context
    this.#blobReplication = blobReplication
    this.#seats = new Seats(context)
    this.#inputStaging = new InputStaging(context, blobReplication, this.#seats)
    const isHeld = (entry: Entry): boolean => reclaims.isHeld(entry)
    this.startBarrier = new StartBarrier(context, groupCommit, this.#seats, isHeld)
    this.checkpoints = new Checkpoints(context, groupCommit, blobReplication, (id, epoch) =>
      this.isRunning(id, epoch)
    )
    this.label()
  }

  /** What this node can run from now on. */
  equip({ slots, handlers, pools = [] }: WorkerInput): void {
    this.#usual = { slots, types: handlers }
    this.#others = pools
    this.label()
  }

  /** The labels of this node have changed. */
  label(): void {
    const { labels } = this.#context
    this.#seats.equip([
      { ...this.#usual, name: DEFAULT_POOL, labels, external: false },
      ...this.#others.map(pool => ({ ...pool, labels: labelsIn(labels, pool.labels) }))
    ])
    this.startBarrier.releaseGone(entry => this.#mayStay(entry))
  }

  /** The pools of this node, the default one among them, in their order. */
  get pools(): readonly Pool[] {
    return this.#seats.pools
  }

  /** All but the default one, with their own labels alone. */
  get others(): readonly NamedPool[] {
    return this.#others
  }

  /** How many slots are taken, in one pool or in all. */
  used(pool?: string): number {
    this.startBarrier.releaseLate()
    return this.#seats.used(pool)
  }

  /** Whether anything runs here, or has begun and is to run. */
  get isBusy(): boolean {
    return this.used() > 0 || this.startBarrier.areAwaited
  }

  /** The most urgent task of the queue for which a slot is free, if there is one. It stays in the queue. */
  next(queue: Pick<ReadyQueue, 'peek'>): Entry | undefined {
    if (!this.#isOpen) return undefined
    this.startBarrier.releaseLate()
    if (!this.pools.some(pool => this.#seats.hasRoom(pool))) return undefined
    return queue.peek({
      types: typesOf(this.pools),
      run: demand => this.#seats.poolFor(demand) !== undefined
    })
  }

  /** Whether its handler has been called under this epoch, and has not ended. */
  isRunning(id: TaskId, epoch: number): boolean {
    return this.#running.get(id) === epoch
  }

  /** Whether the task has been started here, be it that its handler waits to be called. */
  hasBegun(id: TaskId): boolean {
    return this.#running.has(id) || this.startBarrier.epochOf(id) !== undefined
  }

  /** Whether the task has been started here, and its handler has not been called. */
  isUncalled(entry: Entry): boolean {
    return this.startBarrier.epochOf(entry.id) !== undefined
  }

  /** What waits for what it reads, or to be called. */
  *pending(): Generator<Waiting> {
    yield* this.#inputStaging.pending()
    yield* this.startBarrier.pending()
  }

  /** What a task waits for that has had a slot here, or was to have one; null if there is no such task. */
  blockedBy(entry: Entry): Blocked | 'Running' | null {
    if (this.#running.has(entry.id)) return 'Running'
    if (this.startBarrier.isStartUnconfirmed(entry)) return 'StartUnconfirmed'
    if (this.isUncalled(entry)) return 'SlotsBusy'
    return this.#inputStaging.has(entry) ? 'PayloadUnavailable' : null
  }

  /** Gives the task a slot, and starts it if what it reads is here. */
  take(entry: Entry): void {
    if (!this.startBarrier.mayBegin(entry)) return
    this.#seats.take(entry.id, this.#poolFor(entry)!)
    if (this.#inputStaging.fetch(entry)) this.#start(entry)
  }

  /**
   * Calls the handler of a task that has begun and that others know of by now, if there is one and a slot for it.
   * Returns whether there was.
   *
   * @param other the task that is to have a slot next
   */
  call(other: Entry | undefined): boolean {
    const pool = other && this.#poolFor(other)
    const run = this.startBarrier.next(
      entry => this.#poolFor(entry) !== undefined,
      entry => (this.#poolFor(entry) === pool ? other : undefined)
    )
    if (run === undefined) return false
    const { record } = this.#context.log.get(run.taskId)!
    const seat =
      this.#seats.of(run.taskId) ?? this.#seats.take(run.taskId, this.#poolFor({ record })!)
    this.#call({ ...run, ...seat })
    return true
  }

  /** Tasks that have begun and that no pool can call any more: their types, or labels, have gone with one. */
  takeHomeless(): readonly Entry[] {
    return this.startBarrier
      .homeless(({ record }) => canRunIn(this.pools, demandOf(record.spec)))
      .filter(entry => this.#giveUpStart(entry))
  }

  /** Tasks that go back into the queue: something more urgent may have come since they got their slot. */
  takeReturning(): readonly Entry[] {
    return [...this.#inputStaging.due(), ...this.startBarrier.takePutAside()]
  }

  /** Tasks that read what is on no disk any more. */
  takeLost(): ReturnType<InputStaging['takeLost']> {
    return this.#inputStaging.takeLost()
  }

  /** The run has ended by itself. Returns for how long the task has had a slot, in ms. */
  ended(id: TaskId): number {
    this.#running.delete(id)
    this.checkpoints.forget(id)
    this.#blobReplication.unneed(id)
    return this.#seats.end(id)
  }

  /** A run goes on only as long as its claim stands; and where the task is not ours any more, nothing is kept of it. */
  leaveSuperseded(entry: Entry): void {
    this.#abortSuperseded(entry)
    if (!holds(this.#context.self, entry.record)) this.#seats.end(entry.id)
  }

  #abortSuperseded(entry: Entry): void {
    const { id, record } = entry
    const { self, counters } = this.#context
    if (!holds(self, record)) {
      if (this.startBarrier.isPutAside(entry)) this.startBarrier.giveUp(entry)
      this.#inputStaging.giveUp(entry)
    }
    const called = this.#running.get(id)
    const epoch = called ?? this.startBarrier.epochOf(id) ?? this.#inputStaging.epochOf(entry)
    if (epoch === undefined) return
    if (holds(self, record) && record.claim.epoch === epoch) return
    if (this.#inputStaging.giveUp(entry) || this.#giveUpStart(entry)) return
    // Another node ran it, or will: none but this one settles or claims what runs here.
    if (record.claim.holder !== self) counters.duplicateStarts++
    this.#abort(id, epoch)
  }

  /** The task is no more, or nothing for this node. */
  forget(entry: Entry): void {
    const epoch = this.#running.get(entry.id)
    if (epoch !== undefined) this.#abort(entry.id, epoch)
    this.#inputStaging.giveUp(entry)
    this.#giveUpStart(entry)
    this.#seats.end(entry.id)
  }

  /** Nothing more is started from here on. Returns tasks that go back into the queue. */
  close(): readonly Entry[] {
    this.#isOpen = false
    return [...this.#inputStaging.giveUpAll(), ...this.startBarrier.takeAllPutAside()]
  }

  /** Begins again what is ready. */
  open(): void {
    this.#isOpen = true
  }

  /** Whether anything is begun here. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** What has begun and has not been called never will be. */
  giveUpStarts(): void {
    for (const id of this.startBarrier.giveUpAll()) this.#blobReplication.unneed(id)
  }

  /** Ends what runs. What has not been called waits on. */
  abortAll(): void {
    for (const [id, epoch] of this.#running) this.#abort(id, epoch)
  }

  assertInvariants(): void {
    const { log, self } = this.#context
    const isOurs = (entry?: Entry): boolean => entry !== undefined && holds(self, entry.record)
    this.startBarrier.assertInvariants()
    this.#inputStaging.assertInvariants()
    this.#seats.assertInvariants(
      id =>
        this.#running.has(id) || this.#inputStaging.hasSlot(id) || this.startBarrier.hasSlot(id),
      id => isOurs(log.get(id))
    )
    const reading = new Set<TaskId>()
    for (const entry of log.entries()) {
      const { id } = entry
      const isRunning = this.#running.has(id)
      const isBegun = this.startBarrier.epochOf(id) !== undefined
      const isPutAside = this.startBarrier.isPutAside(entry)
      const isStaged = this.#inputStaging.has(entry)
      const count = Number(isRunning) + Number(isBegun) + Number(isStaged) + Number(isPutAside)
      assert(count <= 1, 'a task that is to run here waits for one thing', id)
      const isComing = this.#inputStaging.epochOf(entry) !== undefined
      if (isRunning || isBegun || isComing) reading.add(id)
      const isUnknown = !this.#inputStaging.knows(entry)
      assert(isUnknown || isOurs(entry), 'blobs are sought for own tasks', id)
    }
    for (const id of this.#running.keys()) {
      assert(log.get(id) !== undefined, 'a task that runs is here', id)
      assert(this.#seats.of(id) !== undefined, 'a task that runs has a slot', id)
    }
    this.#blobReplication.assertInvariants(reading)
  }

  #start(entry: Entry): void {
    const { self, log, clock, counters, now, wallMs } = this.#context
    const { spec, claim } = entry.record
    counters.queueTimes.add(now - (entry.readySince ?? now))
    const seat = this.#seats.of(entry.id)!
    const { pool, slot } = seat
    const told = pool === DEFAULT_POOL ? {} : { pool, slot }
    log.write(entry, startOf(self, entry.record, clock.stamp(wallMs), told))
    const dependencies = new Map(spec.dependsOn.map(id => [id, this.#inputStaging.resultOf(id)]))
    const { type, payload, timeoutMs, traceparent } = spec
    const { epoch, attempt } = claim
    const checkpoint = this.#inputStaging.takeCheckpoint(entry)
    const given = { type, payload, timeoutMs, traceparent, dependencies }
    const saved = checkpoint === null ? {} : { checkpoint }
    const run = { taskId: entry.id, epoch, attempt, ...given, ...saved, ...seat }
    if (needsStartBarrier(entry.record)) this.startBarrier.begin(entry, run)
    else this.#call(run)
    taskEventsOf(this.#context, entry)
  }

  #call(run: Run): void {
    this.#running.set(run.taskId, run.epoch)
    this.#context.emit({ kind: 'start', run })
  }

  /** Nobody has called it: there is nothing to abort. */
  #giveUpStart(entry: Entry): boolean {
    if (!this.startBarrier.giveUp(entry)) return false
    this.#blobReplication.unneed(entry.id)
    return true
  }

  /** The pool that a task would go to now. */
  #poolFor({ record }: Pick<Entry, 'record'>): Pool | undefined {
    return this.#seats.poolFor(demandOf(record.spec))
  }

  /** Whether the slot of a task is of a pool that is there, can run it, and has not become too small for all in it. */
  #mayStay({ id, record }: Entry): boolean {
    const seat = this.#seats.of(id)
    const pool = this.pools.find(({ name }) => name === seat?.pool)
    if (pool === undefined || this.#seats.used(pool.name) > pool.slots) return false
    return canRun(pool, demandOf(record.spec))
  }

  #abort(taskId: TaskId, epoch: number): void {
    this.#running.delete(taskId)
    this.checkpoints.forget(taskId)
    this.#seats.end(taskId)
    this.#blobReplication.unneed(taskId)
    this.#context.emit({ kind: 'abort', taskId, epoch })
  }
}
