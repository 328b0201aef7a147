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
import type { Entry } from './log/entry.ts'
import { Provision } from './provision.ts'
import type { Replication } from './replication.ts'
import { onceWitnessed } from './witness.ts'

export class Slots {
  readonly #context: Context
  readonly #replication: Replication
  readonly #keeping: Keeping
  /** Task -> the epoch at which it runs here. */
  readonly #running = new Map<TaskId, number>()
  readonly #provision: Provision
  #total = 0
  #handlers: readonly string[] = []
  #isOpen = true

  constructor(context: Context, replication: Replication, keeping: Keeping) {
    this.#context = context
    this.#replication = replication
    this.#keeping = keeping
    this.#provision = new Provision(context, keeping)
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
    return this.#running.size + this.#provision.slots
  }

  get isFree(): boolean {
    return this.#isOpen && this.used < this.#total
  }

  /** Whether the task runs here, or is about to. */
  has(entry: Entry): boolean {
    return this.#running.has(entry.id) || this.#provision.has(entry)
  }

  isRunning(id: TaskId, epoch?: number): boolean {
    const runs = this.#running.get(id)
    return epoch === undefined ? runs !== undefined : runs === epoch
  }

  /** Whether the task would run here, if it had all that it reads. */
  isWithoutBlob(entry: Entry): boolean {
    return this.#provision.has(entry)
  }

  /** Gives the task a slot, and starts it if what it reads is here. */
  take(entry: Entry): void {
    if (this.#provision.fetch(entry)) this.#start(entry)
  }

  /** Tasks that go back into the queue: something more urgent may have come since they got their slot. */
  takeReturning(): readonly Entry[] {
    return this.#provision.due()
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
    const epoch = this.#running.get(id) ?? this.#provision.epochOf(entry)
    if (epoch === undefined) return
    const { self, counters } = this.#context
    if (holds(self, record) && record.claim.epoch === epoch) return
    if (this.#provision.giveUp(entry)) return
    // Somebody else ran it, or will: nobody else settles or claims what runs here.
    if (record.claim.holder !== self) counters.duplicateStarts++
    this.#abort(id, epoch)
  }

  /** The task is no more, or nothing for this node. */
  forget(entry: Entry): void {
    const epoch = this.#running.get(entry.id)
    if (epoch !== undefined) this.#abort(entry.id, epoch)
    this.#provision.giveUp(entry)
  }

  /** Nothing more is started from here on. Returns tasks that go back into the queue. */
  close(): readonly Entry[] {
    this.#isOpen = false
    return this.#provision.giveUpAll()
  }

  abortAll(): void {
    for (const [id, epoch] of this.#running) this.#abort(id, epoch)
  }

  #start(entry: Entry): void {
    const { self, log, clock, counters, now, wallMs, emit } = this.#context
    const { spec, claim } = entry.record
    counters.queueTimes.add(now - (entry.readySince ?? now))
    log.write(entry, startOf(self, entry.record, clock.stamp(wallMs)))
    this.#running.set(entry.id, claim.epoch)
    const dependencies = new Map(spec.dependsOn.map(id => [id, this.#provision.resultOf(id)]))
    const { type, payload, timeoutMs } = spec
    const { epoch, attempt } = claim
    const run = { taskId: entry.id, epoch, attempt, type, payload, timeoutMs, dependencies }
    const start = (): void => emit({ kind: 'start', run })
    // It may be aborted while others are told.
    const isWanted = (): boolean => this.#running.get(entry.id) === epoch
    if (!needsWitness(entry.record)) start()
    else onceWitnessed(this.#context, this.#replication, entry, isWanted, start)
    chronicle(this.#context, entry)
  }

  #abort(taskId: TaskId, epoch: number): void {
    this.#running.delete(taskId)
    this.#keeping.unneed(taskId)
    this.#context.emit({ kind: 'abort', taskId, epoch })
  }
}
