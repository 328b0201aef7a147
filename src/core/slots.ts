/**
 * What this node runs: its slots, who is in them, and what it takes to get in.
 *
 * A task that has got a slot may have to wait for the blobs that it reads (provision.ts).
 */
import type { TaskId } from './base/ids.ts'
import type { Ability } from './claim/ability.ts'
import { chronicle } from './chronicle.ts'
import { holds, needsWitness, startOf } from './claim/rules.ts'
import type { Context } from './context.ts'
import type { Keeping } from './keeping.ts'
import type { Run } from './effect.ts'
import type { Entry } from './log/entry.ts'
import { Provision } from './provision.ts'
import type { Replication } from './replication.ts'
import type { Takeover } from './takeover.ts'
import { Starts } from './witness.ts'

export class Slots {
  readonly #context: Context
  readonly #keeping: Keeping
  /** Task -> the epoch at which it runs here. */
  readonly #running = new Map<TaskId, number>()
  readonly #provision: Provision
  readonly #starts: Starts
  #total = 0
  #handlers: readonly string[] = []
  #isOpen = true

  constructor(
    context: Context,
    replication: Replication,
    keeping: Keeping,
    takeover: Pick<Takeover, 'isHeld'>
  ) {
    this.#context = context
    this.#keeping = keeping
    this.#provision = new Provision(context, keeping)
    this.#starts = new Starts(context, replication, entry => takeover.isHeld(entry))
  }

  /** What this node can run from now on. */
  equip(total: number, handlers: readonly string[]): void {
    this.#total = total
    this.#handlers = handlers
  }

  get ability(): Ability {
    return { slots: this.#total, handlers: this.#handlers, labels: this.#context.labels }
  }

  get used(): number {
    return this.#running.size + this.#provision.slots + this.#starts.slots
  }

  /** Whether anything runs here, or has begun and is to run. */
  get isBusy(): boolean {
    return this.used > 0 || this.#starts.areAwaited
  }

  get isFree(): boolean {
    return this.#isOpen && this.used < this.#total
  }

  /** Whether the task runs here, or is about to. */
  has(entry: Entry): boolean {
    return this.hasBegun(entry.id) || this.#provision.has(entry) || this.#starts.isLonely(entry)
  }

  /** Whether its handler has been called under this epoch, and has not ended. */
  isRunning(id: TaskId, epoch: number): boolean {
    return this.#running.get(id) === epoch
  }

  /** Whether the task has been started here, be it that its handler waits to be called. */
  hasBegun(id: TaskId): boolean {
    return this.#running.has(id) || this.#starts.epochOf(id) !== undefined
  }

  /** Whether the task has been started here, and its handler has not been called. */
  isUncalled(entry: Entry): boolean {
    return this.#starts.epochOf(entry.id) !== undefined
  }

  /** Whether the task waits until somebody else knows of its start here. */
  isUnconfirmed(entry: Entry): boolean {
    return this.#starts.isUnconfirmed(entry)
  }

  /** Whether the task would run here, if it had all that it reads. */
  isWithoutBlob(entry: Entry): boolean {
    return this.#provision.has(entry)
  }

  /** Gives the task a slot, and starts it if what it reads is here. */
  take(entry: Entry): void {
    if (!this.#starts.mayBegin(entry)) return
    if (this.#provision.fetch(entry)) this.#start(entry)
  }

  /**
   * Calls the handler of a task that has begun and that others know of by now, if there is one and a slot for it. Returns
   * whether there was.
   *
   * @param rival a task that could have that slot
   */
  call(rival: Entry | undefined): boolean {
    const run = this.#starts.next(this.used < this.#total, rival)
    if (run === undefined) return false
    this.#call(run)
    return true
  }

  /** Tasks that go back into the queue: something more urgent may have come since they got their slot. */
  takeReturning(): readonly Entry[] {
    return [...this.#provision.due(), ...this.#starts.takeLonely()]
  }

  /** Tasks that read what is on no disk any more. */
  takeLost(): ReturnType<Provision['takeLost']> {
    return this.#provision.takeLost()
  }

  /** The run has ended by itself. */
  ended(id: TaskId): void {
    this.#running.delete(id)
    this.#keeping.unneed(id)
  }

  /** A run goes on only as long as its claim stands. */
  abortSuperseded(entry: Entry): void {
    const { id, record } = entry
    const { self, counters } = this.#context
    if (this.#starts.isLonely(entry) && !holds(self, record)) this.#starts.giveUp(entry)
    const called = this.#running.get(id)
    const epoch = called ?? this.#starts.epochOf(id) ?? this.#provision.epochOf(entry)
    if (epoch === undefined) return
    if (holds(self, record) && record.claim.epoch === epoch) return
    if (this.#provision.giveUp(entry) || this.#giveUpStart(entry)) return
    // Somebody else ran it, or will: nobody else settles or claims what runs here.
    if (record.claim.holder !== self) counters.duplicateStarts++
    this.#abort(id, epoch)
  }

  /** The task is no more, or nothing for this node. */
  forget(entry: Entry): void {
    const epoch = this.#running.get(entry.id)
    if (epoch !== undefined) this.#abort(entry.id, epoch)
    this.#provision.giveUp(entry)
    this.#giveUpStart(entry)
  }

  /** Nothing more is started from here on. Returns tasks that go back into the queue. */
  close(): readonly Entry[] {
    this.#isOpen = false
    return [...this.#provision.giveUpAll(), ...this.#starts.takeAllLonely()]
  }

  /** What has begun and has not been called never will be. */
  giveUpStarts(): void {
    for (const id of this.#starts.giveUpAll()) this.#keeping.unneed(id)
  }

  /** Ends what runs. What has not been called waits on. */
  abortAll(): void {
    for (const [id, epoch] of this.#running) this.#abort(id, epoch)
  }

  #start(entry: Entry): void {
    const { self, log, clock, counters, now, wallMs } = this.#context
    const { spec, claim } = entry.record
    counters.queueTimes.add(now - (entry.readySince ?? now))
    log.write(entry, startOf(self, entry.record, clock.stamp(wallMs)))
    const dependencies = new Map(spec.dependsOn.map(id => [id, this.#provision.resultOf(id)]))
    const { type, payload, timeoutMs } = spec
    const { epoch, attempt } = claim
    const run = { taskId: entry.id, epoch, attempt, type, payload, timeoutMs, dependencies }
    if (needsWitness(entry.record)) this.#starts.begin(entry, run)
    else this.#call(run)
    chronicle(this.#context, entry)
  }

  #call(run: Run): void {
    this.#running.set(run.taskId, run.epoch)
    this.#context.emit({ kind: 'start', run })
  }

  /** Nobody has called it: there is nothing to abort. */
  #giveUpStart(entry: Entry): boolean {
    if (!this.#starts.giveUp(entry)) return false
    this.#keeping.unneed(entry.id)
    return true
  }

  #abort(taskId: TaskId, epoch: number): void {
    this.#running.delete(taskId)
    this.#keeping.unneed(taskId)
    this.#context.emit({ kind: 'abort', taskId, epoch })
  }
}
