/**
 * The protocol of one node, as a deterministic machine: `step(now, input)` returns what to do about it.
 *
 * Read `step` first: it is the list of all that can happen. Two halves do the rest: `work` decides what runs where, and
 * `replication` carries the log. Every step ends the same way: start what can be started, ask for work if there is too
 * little, and flush what has changed.
 */
import { HybridClock, type Hlc } from './base/hlc.ts'
import { nodeOf, startTimeOf, type BootId, type NodeId, type TaskId } from './base/ids.ts'
import type { Context, Identity } from './context.ts'
import type { CoreEvent, Effect, MemberRecord, StoredTask } from './effect.ts'
import type { Input } from './input.ts'
import { Exchange } from './exchange.ts'
import { answerSync } from './log/answer.ts'
import { Log } from './log/log.ts'
import { Members } from './members/members.ts'
import type { Heartbeat, Message, SyncRequest, VersionVector } from './message.ts'
import { closeBoots } from './closing.ts'
import { CORE_DEFAULTS, type CoreOptions } from './options.ts'
import { Dependencies } from './queue/dependencies.ts'
import { Replication } from './replication.ts'
import { isSettled } from './task/record.ts'
import { Takeover } from './takeover.ts'
import { CoreView } from './view.ts'
import { Work } from './work.ts'

/** What an earlier boot had on disk. */
export type Restored = Readonly<{
  tasks: Iterable<StoredTask>
  vector: VersionVector
  members: Iterable<MemberRecord>
}>

/** A probe that was not answered after so long is asked again. */
const PROBE_LOST_MS = 10_000

export class Core {
  readonly view: CoreView
  readonly #identity: Identity
  readonly #context: Context
  readonly #replication: Replication
  readonly #takeover: Takeover
  readonly #work: Work
  readonly #exchange: Exchange
  #effects: Effect[] = []
  #addresses: readonly string[] = []
  #heartbeatAt = Number.NEGATIVE_INFINITY
  /** Answers to sync requests under way. */
  #answering = 0
  #probedAt = Number.NEGATIVE_INFINITY
  /** Boots that are being probed, and since when. */
  readonly #probing = new Map<BootId, number>()
  /** While leaving: nothing is held here any more. */
  #handedOn = false
  #firstAt: number | null = null
  #leaving: 'no' | 'handing on' | 'gone' = 'no'

  constructor(identity: Identity, options: Partial<CoreOptions> = {}) {
    const self = identity.boot
    const node = nodeOf(self)
    const resolved = { ...CORE_DEFAULTS, ...options }
    const dependencies: Dependencies = new Dependencies(
      id => log.get(id),
      id => log.isForgotten(id)
    )
    const log = new Log(self, entry => dependencies.track(entry))
    this.#identity = identity
    this.#context = {
      self,
      node,
      options: resolved,
      clock: new HybridClock(startTimeOf(self)),
      log,
      members: new Members(self, resolved),
      now: 0,
      emit: effect => void this.#effects.push(effect)
    }
    this.#replication = new Replication(this.#context)
    this.#takeover = new Takeover(this.#context, this.#replication)
    this.#work = new Work(this.#context, this.#replication, this.#takeover, dependencies)
    this.#exchange = new Exchange(this.#context, this.#replication, this.#work)
    this.view = new CoreView(this.#context, dependencies, {
      self: () => this.#heartbeat(this.#context.now * 1000),
      isReady: id => this.#work.queue.has(id),
      isSettling: entry => this.#takeover.isSettling(entry)
    })
  }

  /** Takes back what an earlier boot had on disk. Only before the first step. */
  restore({ tasks, vector, members }: Restored): void {
    const { log } = this.#context
    log.restore(tasks, vector)
    this.#context.members.restore(members)
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
        this.#replication.syncEnded(input.peer, input.whole)
        break
      case 'probed':
        this.#onProbed(input.boot, input.refused)
        break
      case 'persisted':
        this.#replication.persisted(input.flush)
        break
      case 'disk':
        this.#work.pause(!input.works)
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
    this.#work.consider(this.#takeover.settle())
    this.#work.startReady()
    this.#exchange.askForWork()
    if (this.#leaving === 'handing on') this.#handOn()
    this.#replication.flush()
    if (this.#leaving === 'handing on') this.#sayGoodbye()
    return this.#effects
  }

  /**
   * The answer to a peer's sync request, to be pulled message by message, and to be closed if the peer goes away. Until it
   * ends, nothing is pruned here: it is one picture.
   */
  *answerSync(request: SyncRequest): Generator<Message> {
    this.#answering++
    try {
      yield* answerSync(this.#context.log, request)
    } finally {
      this.#answering--
    }
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
        return this.#exchange.steal(from, message)
      case 'grant':
        return this.#exchange.granted(from, message)
      case 'goodbye':
        return this.#onGoodbye(from, message.boot)
      case 'open-needed':
        return this.#replication.openNeeded(from)
      case 'pruned':
        return this.#onPruned(message.ids)
      case 'closed':
        return this.#onClosed(message.boots)
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
      this.#reclaim()
    }
    this.#replication.settleCopies()
  }

  #onGoodbye(node: NodeId, boot: BootId): void {
    const { members } = this.#context
    if (nodeOf(boot) !== node || !members.saidGoodbye(boot)) return
    this.#notify({ name: 'node:left', node, nodeName: members.get(node)!.heartbeat.name })
    this.#reclaim()
    this.#replication.settleCopies()
  }

  #onProbed(boot: BootId, refused: boolean): void {
    const { members } = this.#context
    this.#probing.delete(boot)
    if (!refused || !members.refused(boot)) return
    const node = nodeOf(boot)
    this.#notify({ name: 'node:crashed', node, nodeName: members.get(node)!.heartbeat.name })
    this.#reclaim()
    this.#replication.settleCopies()
  }

  /** Looks for the end of members that cannot be reached. */
  #probe(): void {
    const { members, now, emit } = this.#context
    this.#probedAt = now
    for (const { node, heartbeat } of members.missing()) {
      const { boot, addresses } = heartbeat
      const asked = this.#probing.get(boot)
      if (addresses.length === 0 || (asked !== undefined && now - asked < PROBE_LOST_MS)) continue
      this.#probing.set(boot, now)
      emit({ kind: 'probe', peer: node, boot, addresses })
    }
  }

  #reclaim(): void {
    const { node, now, options } = this.#context
    const { slots, handlers, draining } = this.#work
    this.#firstAt ??= now
    // A node that has just started hears first what has become of its tasks while it was away.
    if (!draining && now - this.#firstAt >= options.bootQuietMs)
      this.#work.consider(this.#takeover.reclaimGone({ node, slots, handlers }))
  }

  #handOn(): void {
    const idle = this.#work.idleTasks()
    this.#handedOn = this.#exchange.handOn(idle)
  }

  /** A peer that we asked has forgotten these: they settled while we were away. */
  #onPruned(ids: readonly TaskId[]): void {
    const { log } = this.#context
    const entries = ids.map(id => log.get(id)).filter(entry => entry !== undefined)
    this.#work.forget(entries.filter(({ record }) => !isSettled(record)))
  }

  /** A peer that we asked has closed these: whatever they did is over. */
  #onClosed(boots: readonly BootId[]): void {
    const { log, self, node } = this.#context
    for (const boot of boots) if (nodeOf(boot) !== node || boot < self) log.close(boot)
  }

  #onLink(peer: NodeId, up: boolean): void {
    this.#context.members.link(peer, up)
    if (up) this.#context.emit({ kind: 'send', to: peer, message: this.#stampedHeartbeat() })
    else {
      this.#replication.unlinked(peer)
      this.#probe()
    }
    this.#replication.settleCopies()
  }

  #onTick(): void {
    const { now, options } = this.#context
    if (now - this.#heartbeatAt >= options.heartbeatMs) this.#publishHeartbeat()
    if (this.#leaving === 'handing on') this.#replication.urge()
    this.#replication.acknowledgeOwed()
    this.#replication.catchUp()
    this.#replication.settleCopies()
    if (now - this.#probedAt >= options.probeMs) this.#probe()
    this.#reclaim()
    this.#work.noteForgotten()
    if (this.#answering > 0) return
    this.#work.prune()
    closeBoots(this.#context)
  }

  #onLeave(abort: boolean): void {
    if (this.#leaving === 'gone') return
    this.#leaving = 'handing on'
    this.#work.drain(abort)
    this.#replication.urge()
    this.#publishHeartbeat()
  }

  /** The last thing that a node does: when nothing runs and all that it wrote is safe with others, it says goodbye. */
  #sayGoodbye(): void {
    const { members, self, now, emit } = this.#context
    const keeps = !this.#handedOn && members.around(now).length > 0
    if (keeps || this.#work.running > 0 || !this.#exchange.isIdle) return
    if (!this.#replication.isSafeElsewhere) return
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
