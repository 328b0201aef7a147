/**
 * What this node runs: its slots, which tasks have one, and what a task needs to get one.
 *
 * A task that has got a slot may have to wait for the blobs that it reads (input-staging.ts).
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import type { Capability } from '../claim/capability.ts'
import { taskEventsOf } from '../telemetry/telemetry.ts'
import { holds, needsStartBarrier, StartBarrier, startOf } from '../claim/claim.ts'
import type { Context } from '../context.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import type { Run } from '../effect.ts'
import type { Entry } from '../log/entry.ts'
import { InputStaging } from './input-staging.ts'
import type { Waiting } from '../pending.ts'
import type { Blocked } from '../queue/readiness.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import type { Reclaim } from '../claim/reclaim.ts'

export class Slots {
  readonly startBarrier: StartBarrier
  readonly #context: Context
  readonly #blobReplication: BlobReplication
  /** Task -> the epoch at which it runs here. */
  readonly #running = new Map<TaskId, number>()
  readonly #inputStaging: InputStaging
  #total = 0
  #handlers: readonly string[] = []
  #isOpen = true

  constructor(
    context: Context,
    groupCommit: GroupCommit,
    blobReplication: BlobReplication,
    reclaims: Pick<Reclaim, 'isHeld'>
  ) {
    this.#context = context
    this.#blobReplication = blobReplication
    this.#inputStaging = new InputStaging(context, blobReplication)
    this.startBarrier = new StartBarrier(context, groupCommit, entry => reclaims.isHeld(entry))
  }

  /** What this node can run from now on. */
  equip(total: number, handlers: readonly string[]): void {
    this.#total = total
    this.#handlers = handlers
  }

  get capability(): Capability {
    return { slots: this.#total, handlers: this.#handlers, labels: this.#context.labels }
  }

  get used(): number {
    return this.#running.size + this.#inputStaging.slots + this.startBarrier.slots
  }

  /** Whether anything runs here, or has begun and is to run. */
  get isBusy(): boolean {
    return this.used > 0 || this.startBarrier.areAwaited
  }

  get isFree(): boolean {
    return this.#isOpen && this.used < this.#total
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
    if (this.#inputStaging.fetch(entry)) this.#start(entry)
  }

  /**
   * Calls the handler of a task that has begun and that others know of by now, if there is one and a slot for it.
   * Returns whether there was.
   *
   * @param other a task that could have that slot
   */
  call(other: Entry | undefined): boolean {
    const run = this.startBarrier.next(this.used < this.#total, other)
    if (run === undefined) return false
    this.#call(run)
    return true
  }

  /** Tasks that go back into the queue: something more urgent may have come since they got their slot. */
  takeReturning(): readonly Entry[] {
    return [...this.#inputStaging.due(), ...this.startBarrier.takeLonely()]
  }

  /** Tasks that read what is on no disk any more. */
  takeLost(): ReturnType<InputStaging['takeLost']> {
    return this.#inputStaging.takeLost()
  }

  /** The run has ended by itself. */
  ended(id: TaskId): void {
    this.#running.delete(id)
    this.#blobReplication.unneed(id)
  }

  /** A run goes on only as long as its claim stands. */
  abortSuperseded(entry: Entry): void {
    const { id, record } = entry
    const { self, counters } = this.#context
    if (!holds(self, record)) {
      if (this.startBarrier.isLonely(entry)) this.startBarrier.giveUp(entry)
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
  }

  /** Nothing more is started from here on. Returns tasks that go back into the queue. */
  close(): readonly Entry[] {
    this.#isOpen = false
    return [...this.#inputStaging.giveUpAll(), ...this.startBarrier.takeAllLonely()]
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
    const { log } = this.#context
    this.startBarrier.assertInvariants()
    this.#inputStaging.assertInvariants()
    const reading = new Set<TaskId>()
    for (const entry of log.entries()) {
      const { id } = entry
      const isRunning = this.#running.has(id)
      const isBegun = this.startBarrier.epochOf(id) !== undefined
      const places = [isRunning, isBegun, this.#inputStaging.has(entry)]
      const count = [...places, this.startBarrier.isLonely(entry)].filter(is => is).length
      assert(count <= 1, 'a task that is to run here waits for one thing', id)
      const isComing = this.#inputStaging.epochOf(entry) !== undefined
      if (isRunning || isBegun || isComing) reading.add(id)
      const isOurs = holds(this.#context.self, entry.record)
      assert(isOurs || !this.#inputStaging.knows(entry), 'blobs are sought for own tasks', id)
    }
    for (const id of this.#running.keys()) {
      assert(log.get(id) !== undefined, 'a task that runs is here', id)
    }
    this.#blobReplication.assertInvariants(reading)
  }

  #start(entry: Entry): void {
    const { self, log, clock, counters, now, wallMs } = this.#context
    const { spec, claim } = entry.record
    counters.queueTimes.add(now - (entry.readySince ?? now))
    log.write(entry, startOf(self, entry.record, clock.stamp(wallMs)))
    const dependencies = new Map(spec.dependsOn.map(id => [id, this.#inputStaging.resultOf(id)]))
    const { type, payload, timeoutMs, traceparent } = spec
    const { epoch, attempt } = claim
    const given = { type, payload, timeoutMs, traceparent, dependencies }
    const run = { taskId: entry.id, epoch, attempt, ...given }
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

  #abort(taskId: TaskId, epoch: number): void {
    this.#running.delete(taskId)
    this.#blobReplication.unneed(taskId)
    this.#context.emit({ kind: 'abort', taskId, epoch })
  }
}
