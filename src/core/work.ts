/**
 * The half of the core that does the work: which tasks are ready, which run here, and who gets the rest.
 *
 * Everything that changes a task ends in `consider`, which looks at the task afresh: is it over, is it ours, is it ready?
 * So it does not matter by which road a change came: submitted here, granted, merged from a batch or replayed from disk.
 */
import { hlcMs } from './base/hlc.ts'
import { taskId, type TaskId } from './base/ids.ts'
import {
  dependencyFailed,
  holds,
  isEpochTaken,
  outcomeOf,
  payloadLost,
  startOf,
  holderLost,
  isLost,
  needsWitness
} from './claim/rules.ts'
import type { Context } from './context.ts'
import type { Input } from './input.ts'
import type { Keeping } from './keeping.ts'
import type { Entry } from './log/entry.ts'
import type { Dependencies } from './queue/dependencies.ts'
import { ReadyQueue } from './queue/ready.ts'
import { Provision } from './provision.ts'
import { Pruning } from './pruning.ts'
import type { Replication } from './replication.ts'
import { Pace } from './steal/pace.ts'
import type { Takeover } from './takeover.ts'
import { isBlob } from './task/content.ts'
import { isSettled, isStarted } from './task/record.ts'
import { onceWitnessed } from './witness.ts'

type Submission = Extract<Input, { kind: 'submit' }>
type Completion = Extract<Input, { kind: 'completion' }>

/** Nothing could be recorded; or too few others are seen. */
type Pause = 'disk' | 'alone'

export class Work {
  /** Tasks that are ready, here and elsewhere. */
  readonly queue: ReadyQueue
  readonly #context: Context
  readonly #replication: Replication
  readonly #takeover: Takeover
  readonly #dependencies: Dependencies
  readonly #pruning: Pruning
  readonly #keeping: Keeping
  readonly #pace = new Pace()
  /** Task -> the epoch at which it runs here. */
  readonly #running = new Map<TaskId, number>()
  readonly #provision: Provision
  #slots = 0
  #handlers: readonly string[] = []
  #draining = false
  readonly #pauses = new Set<Pause>()

  constructor(
    context: Context,
    replication: Replication,
    takeover: Takeover,
    dependencies: Dependencies,
    keeping: Keeping
  ) {
    this.queue = new ReadyQueue(context.self)
    this.#context = context
    this.#replication = replication
    this.#takeover = takeover
    this.#dependencies = dependencies
    this.#pruning = new Pruning(context, dependencies)
    this.#keeping = keeping
    this.#provision = new Provision(context, keeping)
  }

  get slots(): number {
    return this.#slots
  }

  get handlers(): readonly string[] {
    return this.#handlers
  }

  get running(): number {
    return this.#running.size + this.#provision.slots
  }

  /** Whether a task would run here, if it had all that it reads. */
  isWithoutBlob(entry: Entry): boolean {
    return this.#provision.has(entry)
  }

  get queued(): number {
    return this.queue.total(this.#context.self)
  }

  get draining(): boolean {
    return this.#draining
  }

  /** How long the longest of these types takes here on average; undefined if one of them has never run here. */
  expectedMs(types: Iterable<string>): number | undefined {
    return this.#pace.expectedMs(types)
  }

  /** What this node can run from now on. */
  equip(slots: number, handlers: readonly string[]): void {
    this.#slots = slots
    this.#handlers = handlers
  }

  submit(input: Submission): void {
    const { draft, acks } = input
    if (isBlob(draft.payload)) {
      this.#keeping.place(draft.payload, acks, copies => this.#create(input, copies > 0))
    } else this.#create(input, true)
  }

  /** @param placed whether the payload is on another node, too, or travels with the record */
  #create({ request, draft, acks }: Submission, placed: boolean): void {
    const { self, log, clock, counters, now, emit } = this.#context
    counters.submitted++
    const at = clock.stamp(now)
    const seq = log.nextSeq
    const id = taskId(hlcMs(at), self, seq)
    const entry = log.create({
      spec: { ...draft, id, submittedAt: at, submittedBy: self },
      created: [{ origin: self, seq }],
      claim: {
        epoch: 0,
        holder: self,
        attempt: 1,
        hops: 0,
        lost: [],
        notBefore: null,
        cause: 'submit'
      },
      started: null,
      cancelRequest: null,
      outcome: null
    })
    this.#replication.urge()
    this.#notify('task:submitted', id)
    this.consider([entry])
    this.#replication.onceCopied(seq, acks, (copies, short) =>
      emit({
        kind: 'accepted',
        request,
        taskId: id,
        acks: placed ? copies : 0,
        short: short || !(placed || acks === 0)
      })
    )
  }

  completed(input: Completion): void {
    const { run } = input
    if (!this.#isCurrent(input)) return
    const result = run.status === 'completed' ? run.result : null
    if (isBlob(result)) this.#keeping.place(result, null, () => this.#settle(input))
    else this.#settle(input)
  }

  /** A run that was superseded has been aborted; whatever it still says is of no interest. */
  #isCurrent({ taskId: id, epoch }: Completion): boolean {
    return this.#running.get(id) === epoch
  }

  #settle(input: Completion): void {
    const { self, log, clock, counters, now } = this.#context
    if (!this.#isCurrent(input)) return
    this.#running.delete(input.taskId)
    this.#keeping.unneed(input.taskId)
    const entry = log.get(input.taskId)!
    this.#pace.ran(entry.record.spec.type, input.durationMs)
    counters.ran(entry.record.spec.type, input.durationMs)
    const { run, durationMs, tail = null } = input
    log.write(entry, outcomeOf(self, entry.record, run, clock.stamp(now), durationMs, tail))
    this.#replication.urge()
    this.consider([entry])
  }

  /** Looks afresh at tasks that have changed, and at those that waited for them. */
  consider(changed: Iterable<Entry>): void {
    const pending = [...changed]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      // It may have been pruned since it was noted down somewhere.
      if (this.#context.log.get(entry.id) !== entry) continue
      this.#keeping.retain(entry.record)
      this.#abortSuperseded(entry)
      this.#decide(entry)
      this.#takeover.update(entry)
      this.#pruning.update(entry)
      if (isSettled(entry.record)) pending.push(...this.#dependencies.settled(entry))
      const ready = this.#isReady(entry)
      entry.readySince = ready ? (entry.readySince ?? this.#context.now) : null
      this.queue.update(entry, ready)
    }
  }

  /** Forgets tasks: all others have seen them settle, and have forgotten them. */
  forget(entries: Iterable<Entry>): void {
    const waiting: Entry[] = []
    for (const entry of entries) {
      const epoch = this.#running.get(entry.id)
      if (epoch !== undefined) this.#abort(entry.id, epoch)
      this.#provision.giveUp(entry)
      this.#keeping.release(entry.id)
      this.queue.update(entry, false)
      this.#takeover.forget(entry)
      waiting.push(...this.#pruning.forget(entry))
      this.#notify('task:pruned', entry.id)
    }
    this.consider(waiting)
  }

  /** Forgets what has been kept long enough, as far as everybody else knows of it. */
  prune(): void {
    this.forget(this.#pruning.due())
  }

  /** Looks afresh at tasks that wait for others that have been pruned before they came here. */
  noteForgotten(): void {
    const { members, now, options } = this.#context
    // Whoever sees only a few of the others cannot tell that nobody knows a task.
    const unknownMs = members.seesMajority(now) ? options.unknownMs : Infinity
    this.consider(this.#dependencies.noteForgotten(now, unknownMs))
  }

  /** Starts what can be started here. */
  startReady(): void {
    this.#failLost()
    for (const entry of this.#provision.due()) this.queue.update(entry, this.#isReady(entry))
    while (!this.#draining && !this.paused && this.running < this.#slots) {
      const entry = this.queue.peek(this.#handlers)
      if (entry === undefined) return
      this.queue.update(entry, false)
      if (this.#provision.fetch(entry)) this.#start(entry)
    }
  }

  /** Whether nothing new is begun here. */
  get paused(): boolean {
    return this.#pauses.size > 0
  }

  pause(why: Pause, paused: boolean): void {
    if (paused) this.#pauses.add(why)
    else this.#pauses.delete(why)
  }

  /** Takes nothing more from here on; with `abort`, stops what runs. */
  drain(abort: boolean): void {
    this.#draining = true
    for (const entry of this.#provision.giveUpAll()) this.queue.update(entry, this.#isReady(entry))
    if (abort) this.abortAll()
  }

  abortAll(): void {
    for (const [id, epoch] of this.#running) this.#abort(id, epoch)
  }

  /** Tasks that this node holds and does not run. */
  idleTasks(): Entry[] {
    return this.#takeover.own().filter(entry => !this.#running.has(entry.id))
  }

  /** A run goes on only as long as its claim stands. */
  #abortSuperseded(entry: Entry): void {
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

  /** Does what only the holder may do with a task that it has not started. */
  #decide(entry: Entry): void {
    const { self, log, clock, now } = this.#context
    const { record } = entry
    if (!holds(self, record) || this.#running.has(entry.id)) return
    const broken = this.#dependencies.broken(entry.id)
    if (broken !== undefined) {
      log.write(entry, dependencyFailed(self, record, broken, clock.stamp(now)))
      this.#replication.urge()
    } else if (isEpochTaken(self, entry)) {
      this.#takeover.reclaim([entry])
    } else if (isLost(record) && !this.#takeover.isSettling(entry)) {
      log.write(entry, holderLost(self, record, this.#takeover.namesOf(record), clock.stamp(now)))
      this.#replication.urge()
    }
  }

  #isReady(entry: Entry): boolean {
    const { record } = entry
    if (isSettled(record) || isStarted(record) || this.#running.has(entry.id)) return false
    if (this.#provision.has(entry)) return false
    if (this.#takeover.isSettling(entry)) return false
    return this.#dependencies.ready(entry.id)
  }

  /** Whatever reads what is on no disk any more has failed. */
  #failLost(): void {
    const { self, log, clock, now } = this.#context
    for (const { entry, ref } of this.#provision.takeLost()) {
      if (!holds(self, entry.record)) continue
      this.#provision.giveUp(entry)
      log.write(entry, payloadLost(self, entry.record, ref, clock.stamp(now)))
      this.#replication.urge()
      this.consider([entry])
    }
  }

  #start(entry: Entry): void {
    const { self, log, clock, counters, now, emit } = this.#context
    const { spec, claim } = entry.record
    counters.queueTimes.add(now - (entry.readySince ?? now))
    log.write(entry, startOf(self, entry.record, clock.stamp(now)))
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
    this.#notify('task:started', entry.id)
  }

  #abort(taskId: TaskId, epoch: number): void {
    this.#running.delete(taskId)
    this.#keeping.unneed(taskId)
    this.#context.emit({ kind: 'abort', taskId, epoch })
  }

  #notify(name: 'task:submitted' | 'task:started' | 'task:pruned', taskId: TaskId): void {
    this.#context.emit({ kind: 'notify', event: { name, taskId } })
  }
}
