/**
 * The protocol of one node, as a deterministic machine: `step(now, input)` returns what to do about it.
 *
 * Read `step` first: it is the list of all that can happen. Two halves do the rest: `work` decides what runs where, and
 * `replication` carries the log. Every step ends the same way: start what can be started, ask for work if there is too
 * little, and flush what has changed.
 */
import { HybridClock, type Hlc } from './base/hlc.ts'
import { nodeOf, type BootId, type NodeId } from './base/ids.ts'
import type { Context, Identity } from './context.ts'
import type { CoreEvent, Effect, StoredTask } from './effect.ts'
import type { Input } from './input.ts'
import { answerSync } from './log/answer.ts'
import { Log } from './log/log.ts'
import { Members } from './members/members.ts'
import type { Batch, Heartbeat, Message, SyncRequest, VersionVector } from './message.ts'
import { CORE_DEFAULTS, type CoreOptions } from './options.ts'
import { Dependencies } from './queue/dependencies.ts'
import { Replication } from './replication.ts'
import { isSettled } from './task/record.ts'
import { CoreView } from './view.ts'
import { Work } from './work.ts'

export class Core {
  readonly view: CoreView
  readonly #identity: Identity
  readonly #context: Context
  readonly #replication: Replication
  readonly #work: Work
  #effects: Effect[] = []
  #addresses: readonly string[] = []
  #heartbeatAt = Number.NEGATIVE_INFINITY
  #leaving: 'no' | 'handing on' | 'gone' = 'no'

  constructor(identity: Identity, options: Partial<CoreOptions> = {}) {
    const self = identity.boot
    const node = nodeOf(self)
    const resolved = { ...CORE_DEFAULTS, ...options }
    const dependencies: Dependencies = new Dependencies(id => log.get(id))
    const log = new Log(self, entry => dependencies.track(entry))
    this.#identity = identity
    this.#context = {
      self,
      node,
      options: resolved,
      clock: new HybridClock(),
      log,
      members: new Members(node, resolved),
      now: 0,
      emit: effect => void this.#effects.push(effect)
    }
    this.#replication = new Replication(this.#context)
    this.#work = new Work(this.#context, this.#replication, dependencies)
    this.view = new CoreView(log, this.#context.members, dependencies, () =>
      this.#heartbeat(this.#context.now * 1000)
    )
  }

  /** Takes back what an earlier boot had on disk. Only before the first step. */
  restore(tasks: Iterable<StoredTask>, vector: VersionVector): void {
    const { log } = this.#context
    log.restore(tasks, vector)
    for (const entry of log.entries()) entry.reported = isSettled(entry.record)
    this.#work.consider(log.entries())
  }

  /** Something has happened. Returns what to do about it, in order. `now` is the wall clock in ms. */
  step(now: number, input: Input): Effect[] {
    this.#context.now = now
    this.#effects = []
    switch (input.kind) {
      case 'submit':
        this.#work.submit(input)
        break
      case 'worker':
        this.#work.equip(input.slots, input.handlers)
        this.#publishHeartbeat()
        break
      case 'completion':
        this.#work.completed(input)
        break
      case 'message':
        this.#onMessage(input.from, input.message)
        break
      case 'link':
        this.#onLink(input.peer, input.up)
        break
      case 'sync-ended':
        this.#replication.syncEnded()
        break
      case 'persisted':
        this.#replication.persisted(input.flush)
        break
      case 'addresses':
        this.#addresses = input.addresses
        this.#publishHeartbeat()
        break
      case 'watch':
        this.#replication.watch(input.taskId)
        break
      case 'tick':
        this.#onTick()
        break
      case 'leave':
        this.#onLeave(input.abort)
        break
    }
    this.#work.startReady()
    this.#work.askForWork()
    if (this.#leaving === 'handing on') this.#work.handOn()
    this.#replication.flush()
    if (this.#leaving === 'handing on') this.#sayGoodbye()
    return this.#effects
  }

  /** The answer to a peer's sync request, to be pulled batch by batch. */
  answerSync(request: SyncRequest): Iterable<Batch> {
    return answerSync(this.#context.log, request)
  }

  #onMessage(from: NodeId, message: Message): void {
    const { members } = this.#context
    switch (message.kind) {
      case 'heartbeat':
        return this.#onHeartbeat(message)
      case 'batch':
        return this.#work.consider(this.#replication.merge(from, message))
      case 'ack':
        members.acknowledged(from, message.boot, message.vector)
        return this.#replication.settleCopies()
      case 'steal':
        return this.#work.steal(from, message)
      case 'grant':
        return this.#work.granted(from, message)
      case 'goodbye':
        return this.#onGoodbye(from, message.boot)
      case 'sync':
        // Answered by `answerSync`, on a stream of its own. As a message among others it asks for nothing.
        return
    }
  }

  #onHeartbeat(heartbeat: Heartbeat): void {
    const { clock, members, now } = this.#context
    clock.adopt(heartbeat.at, now)
    if (members.heard(heartbeat, now)) {
      this.#notify({ name: 'node:joined', node: nodeOf(heartbeat.boot), nodeName: heartbeat.name })
    }
    this.#replication.settleCopies()
  }

  #onGoodbye(node: NodeId, boot: BootId): void {
    const { members } = this.#context
    if (nodeOf(boot) !== node || !members.saidGoodbye(boot)) return
    this.#notify({ name: 'node:left', node, nodeName: members.get(node)!.heartbeat.name })
    this.#replication.settleCopies()
  }

  #onLink(peer: NodeId, up: boolean): void {
    this.#context.members.link(peer, up)
    if (up) this.#context.emit({ kind: 'send', to: peer, message: this.#stampedHeartbeat() })
    else this.#replication.unlinked(peer)
    this.#replication.settleCopies()
  }

  #onTick(): void {
    const { now, options } = this.#context
    if (now - this.#heartbeatAt >= options.heartbeatMs) this.#publishHeartbeat()
    if (this.#leaving === 'handing on') this.#replication.urge()
    this.#replication.acknowledgeOwed()
    this.#replication.catchUp()
    this.#replication.settleCopies()
  }

  #onLeave(abort: boolean): void {
    if (this.#leaving === 'gone') return
    this.#leaving = 'handing on'
    this.#work.drain(abort)
    this.#publishHeartbeat()
  }

  /** The last thing that a node does: when nothing runs and all that it wrote is safe with others, it says goodbye. */
  #sayGoodbye(): void {
    const { members, self, emit } = this.#context
    if (!this.#work.isIdle || !this.#replication.isSettled) return
    this.#leaving = 'gone'
    for (const { node } of members.reachable()) {
      emit({ kind: 'send', to: node, message: { kind: 'goodbye', boot: self } })
    }
    emit({ kind: 'left' })
  }

  #publishHeartbeat(): void {
    this.#heartbeatAt = this.#context.now
    this.#context.emit({ kind: 'publish', message: this.#stampedHeartbeat() })
  }

  #stampedHeartbeat(): Heartbeat {
    const { clock, now } = this.#context
    return this.#heartbeat(clock.stamp(now))
  }

  #heartbeat(at: Hlc): Heartbeat {
    const { self, log } = this.#context
    const { name, version, labels } = this.#identity
    const { slots, running, queued, draining, handlers } = this.#work
    return {
      kind: 'heartbeat',
      boot: self,
      name,
      version,
      at,
      slots,
      running,
      queued,
      draining,
      handlers,
      labels,
      addresses: this.#addresses,
      vector: new Map(log.durableVector)
    }
  }

  #notify(event: CoreEvent): void {
    this.#context.emit({ kind: 'notify', event })
  }
}
