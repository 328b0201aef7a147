/**
 * The half of the core that does the work: which tasks are ready, which run here, and who gets the rest.
 *
 * Everything that changes a task ends in `consider`, which looks at the task afresh: is it over, is it ours, is it ready?
 * So it does not matter by which road a change came: submitted here, granted, merged from a batch or replayed from disk.
 */
import { hlcMs } from './base/hlc.ts'
import { nodeOf, taskId, type NodeId, type TaskId } from './base/ids.ts'
import { dependencyFailed, grantOf, holds, outcomeOf, startOf } from './claim/rules.ts'
import type { Context } from './context.ts'
import type { CoreEvent } from './effect.ts'
import type { Input } from './input.ts'
import type { Entry } from './log/entry.ts'
import { MessageSize } from './log/size.ts'
import type { Member } from './members/members.ts'
import type { Grant, StealRequest } from './message.ts'
import type { Dependencies } from './queue/dependencies.ts'
import { ReadyQueue } from './queue/ready.ts'
import type { Replication } from './replication.ts'
import { giveAway, share } from './steal/holder.ts'
import { Pace } from './steal/pace.ts'
import { Placement } from './steal/placement.ts'
import { Thief } from './steal/thief.ts'
import { isSettled, isStarted } from './task/record.ts'

/** The most that one grant carries, well below the bound of a frame. The rest is asked for again. */
const GRANT_BYTES_MAX = 1_048_576

export class Work {
  readonly #context: Context
  readonly #replication: Replication
  readonly #dependencies: Dependencies
  readonly #queue: ReadyQueue
  readonly #thief: Thief
  readonly #pace = new Pace()
  /** Task -> the epoch at which it runs here. */
  readonly #running = new Map<TaskId, number>()
  #slots = 0
  #handlers: readonly string[] = []
  #draining = false
  /** While draining: something is held that could be somebody else's. */
  #toHandOn = false

  constructor(context: Context, replication: Replication, dependencies: Dependencies) {
    this.#context = context
    this.#replication = replication
    this.#dependencies = dependencies
    this.#queue = new ReadyQueue(context.self)
    this.#thief = new Thief(context.self, context.options)
  }

  get slots(): number {
    return this.#slots
  }

  get handlers(): readonly string[] {
    return this.#handlers
  }

  get running(): number {
    return this.#running.size
  }

  get queued(): number {
    return this.#queue.total(this.#context.self)
  }

  /** Nothing runs here, nothing can be handed on, and no grant is on its way here that was asked for. */
  get isIdle(): boolean {
    const { now, members } = this.#context
    const handedOn = !this.#toHandOn || members.reachable().length === 0
    return handedOn && this.#running.size === 0 && this.#thief.mayAsk(now)
  }

  get draining(): boolean {
    return this.#draining
  }

  /** What this node can run from now on. */
  equip(slots: number, handlers: readonly string[]): void {
    this.#slots = slots
    this.#handlers = handlers
  }

  submit({ request, draft, acks }: Extract<Input, { kind: 'submit' }>): void {
    const { self, log, clock, now, emit } = this.#context
    const at = clock.stamp(now)
    const seq = log.nextSeq
    const id = taskId(hlcMs(at), self, seq)
    const entry = log.create({
      spec: { ...draft, id, submittedAt: at, submittedBy: self },
      created: [{ origin: self, seq }],
      claim: { epoch: 0, holder: self, attempt: 1, hops: 0, cause: 'submit' },
      started: null,
      outcome: null
    })
    this.#replication.urge()
    this.#notify('task:submitted', id)
    this.consider([entry])
    this.#replication.onceCopied(seq, acks, (copies, short) =>
      emit({ kind: 'accepted', request, taskId: id, acks: copies, short })
    )
  }

  completed(input: Extract<Input, { kind: 'completion' }>): void {
    const { self, log, clock, now } = this.#context
    // A run that was superseded has been aborted; whatever it still says is of no interest.
    if (this.#running.get(input.taskId) !== input.epoch) return
    this.#running.delete(input.taskId)
    const entry = log.get(input.taskId)!
    this.#pace.ran(entry.record.spec.type, input.durationMs)
    log.write(entry, outcomeOf(self, entry.record, input.run, clock.stamp(now), input.durationMs))
    this.#replication.urge()
    this.consider([entry])
  }

  /** Looks afresh at tasks that have changed, and at those that waited for them. */
  consider(changed: Iterable<Entry>): void {
    const { self, log, clock, now } = this.#context
    const pending = [...changed]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const epoch = this.#running.get(entry.id)
      if (
        epoch !== undefined &&
        !(holds(self, entry.record) && entry.record.claim.epoch === epoch)
      ) {
        this.#abort(entry.id, epoch)
      }
      if (this.#draining && holds(self, entry.record)) this.#toHandOn = true
      const broken = this.#dependencies.broken(entry.id)
      if (broken !== undefined && holds(self, entry.record) && !isStarted(entry.record)) {
        log.write(entry, dependencyFailed(self, entry.record, broken, clock.stamp(now)))
        this.#replication.urge()
      }
      if (isSettled(entry.record)) {
        this.#queue.update(entry, false)
        pending.push(...this.#dependencies.settled(entry))
      } else {
        this.#queue.update(entry, !isStarted(entry.record) && this.#dependencies.ready(entry.id))
      }
    }
  }

  /** Starts what can be started here. */
  startReady(): void {
    while (!this.#draining && this.#running.size < this.#slots) {
      const entry = this.#queue.peek(this.#handlers)
      if (entry === undefined) return
      this.#start(entry)
    }
  }

  /** With too little at hand, asks the holder that seems to have most. */
  askForWork(): void {
    const { self, members, now, emit, options } = this.#context
    if (this.#draining || this.#slots === 0 || !this.#thief.mayAsk(now)) return
    const backlogs = members.reachable().map(({ heartbeat: { boot } }) => ({
      holder: boot,
      ready: this.#queue.count(boot, this.#handlers)
    }))
    const worthwhile = backlogs.filter(({ ready }) => ready > 0)
    if (worthwhile.length === 0) return
    const holders = [self, ...worthwhile.map(({ holder }) => holder)]
    const types = this.#handlers.filter(type => holders.some(h => this.#queue.count(h, [type]) > 0))
    const wanted = this.#thief.wanted(this.#slots, this.#pace.expectedMs(types))
    const atHand = this.#running.size + this.#queue.count(self, this.#handlers)
    if (atHand >= this.#slots && atHand > wanted / 2) return
    const question = this.#thief.ask(now, worthwhile)
    if (question === null) return
    const { request, holder } = question
    const want = Math.min(wanted - atHand, options.stealMax)
    emit({
      kind: 'send',
      to: nodeOf(holder),
      message: { kind: 'steal', request, boot: self, want, handlers: this.#handlers }
    })
  }

  /** A thief asks. What it gets is written down here first; the answer follows when that is on disk. */
  steal(from: NodeId, { boot, request, want, handlers }: StealRequest): void {
    const { self } = this.#context
    if (nodeOf(boot) !== from) return
    const types = handlers.filter(type => this.#queue.count(self, [type]) > 0)
    const count = share(this.#queue.count(self, types), want, this.#sharers(types))
    const give = (entry: Entry): boolean => this.#grant(entry, boot)
    const given = giveAway(this.#queue, types, count, GRANT_BYTES_MAX, give)
    this.consider(given)
    this.#sendGrant(from, request, given)
  }

  /** Work has come: ours from now on, and written down here too, so that the grant survives its giver. */
  granted(from: NodeId, { boot, request, records, dependencies }: Grant): void {
    const { self, log, now } = this.#context
    if (nodeOf(boot) !== from) return
    const changed: Entry[] = []
    for (const record of dependencies) {
      const entry = log.take(record)
      if (entry !== undefined) changed.push(entry)
    }
    for (const record of records) {
      const entry = log.take(record)
      if (entry === undefined) continue
      changed.push(entry)
      if (!holds(self, entry.record)) continue
      log.write(entry, {})
      this.#notify('task:stolen', entry.id)
    }
    this.#thief.answered(now, boot, request, records.length)
    this.consider(changed)
  }

  /** Takes nothing more from here on; with `abort`, stops what runs. All that is held is to be handed on. */
  drain(abort: boolean): void {
    this.#draining = true
    this.#toHandOn = true
    this.#replication.urge()
    if (abort) for (const [id, epoch] of this.#running) this.#abort(id, epoch)
  }

  /** While draining: gives whatever is held and does not run to others, as far as there are any. */
  handOn(): void {
    const { self, log, members } = this.#context
    const others = members.reachable()
    if (!this.#toHandOn || others.length === 0) return
    const placement = new Placement(others)
    const given = new Map<Member, Entry[]>()
    this.#toHandOn = false
    for (const entry of log.entries()) {
      if (!holds(self, entry.record) || this.#running.has(entry.id)) continue
      const member = placement.place(entry.id, entry.record.spec.type)
      if (member === undefined) {
        this.#toHandOn = true
        continue
      }
      // However far it has travelled: nobody is left here to keep it.
      log.write(entry, grantOf(self, entry.record, member.heartbeat.boot))
      const entries = given.get(member)
      if (entries === undefined) given.set(member, [entry])
      else entries.push(entry)
    }
    for (const [{ node }, entries] of given) {
      this.consider(entries)
      this.#sendGrant(node, 0, entries)
    }
  }

  #start(entry: Entry): void {
    const { self, log, clock, now, emit } = this.#context
    const { spec, claim } = entry.record
    log.write(entry, startOf(self, entry.record, clock.stamp(now)))
    this.#queue.update(entry, false)
    this.#running.set(entry.id, claim.epoch)
    const dependencies = new Map<TaskId, string>()
    for (const id of spec.dependsOn) {
      dependencies.set(id, log.get(id)?.record.outcome?.result ?? 'null')
    }
    const { type, payload, timeoutMs } = spec
    const { epoch, attempt } = claim
    emit({
      kind: 'start',
      run: { taskId: entry.id, epoch, attempt, type, payload, timeoutMs, dependencies }
    })
    this.#notify('task:started', entry.id)
  }

  #abort(taskId: TaskId, epoch: number): void {
    this.#running.delete(taskId)
    this.#context.emit({ kind: 'abort', taskId, epoch })
  }

  /** Writes the grant of one task, unless it has travelled far enough. */
  #grant(entry: Entry, to: string): boolean {
    const { self, log, options } = this.#context
    if (entry.record.claim.hops >= options.hopsMax) return false
    log.write(entry, grantOf(self, entry.record, to))
    return true
  }

  #sendGrant(to: NodeId, request: number, entries: readonly Entry[]): void {
    const { self, emit } = this.#context
    const send = (): void =>
      emit({
        kind: 'send',
        to,
        message: {
          kind: 'grant',
          request,
          boot: self,
          records: entries.map(entry => entry.durable!),
          dependencies: this.#outcomesFor(to, entries)
        }
      })
    if (entries.length === 0) send()
    else this.#replication.onceDurable(send)
  }

  /** The outcomes that a node needs to run these tasks, as far as it is not known to have them; within a bound. */
  #outcomesFor(node: NodeId, entries: readonly Entry[]): Grant['dependencies'] {
    const { log, members } = this.#context
    const vector = members.get(node)?.vector
    const size = new MessageSize()
    const records = new Map<TaskId, Grant['dependencies'][number]>()
    for (const id of new Set(entries.flatMap(entry => entry.record.spec.dependsOn))) {
      const dependency = log.get(id)
      if (dependency === undefined || dependency.durable === null) continue
      if (dependency.writes.every(({ origin, seq }) => (vector?.get(origin) ?? 0) >= seq)) continue
      size.add(dependency.durable)
      if (size.bytes > GRANT_BYTES_MAX) break
      records.set(id, dependency.durable)
    }
    return [...records.values()]
  }

  /** How many nodes could run tasks of these types, this one included. */
  #sharers(types: readonly string[]): number {
    const canRun = (slots: number, handlers: readonly string[]): boolean =>
      slots > 0 && types.some(type => handlers.includes(type))
    const others = this.#context.members.reachable().filter(({ heartbeat }) => {
      return !heartbeat.draining && canRun(heartbeat.slots, heartbeat.handlers)
    })
    return others.length + Number(!this.#draining && canRun(this.#slots, this.#handlers))
  }

  #notify(name: Extract<CoreEvent, { taskId: TaskId }>['name'], taskId: TaskId): void {
    this.#context.emit({ kind: 'notify', event: { name, taskId } })
  }
}
