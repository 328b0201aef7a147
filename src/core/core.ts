/**
 * The protocol of one node, as a deterministic machine: `step(now, input)` returns what to do about it.
 *
 * Read `step` first: it is the list of all that can happen. Three parts do the rest: `work` decides what runs where,
 * `replication` carries the log, and `keeping` the blobs. Every step ends the same way: start what can be started, ask
 * for work if there is too little, and flush what has changed.
 */
import { Counters } from './counting/counters.ts'
import { computerOf } from './base/computers.ts'
import { HybridClock } from './base/hlc.ts'
import { nodeOf, type BootId, type NodeId, type TaskId } from './base/ids.ts'
import { Answers } from './answers.ts'
import { Asking } from './asking.ts'
import { Belief } from './belief.ts'
import { BEFORE_THE_FIRST_STEP, isPruned, type Context, type Identity } from './context.ts'
import type { Effect, Restored } from './effect.ts'
import type { Input } from './input.ts'
import { Exchange } from './exchange.ts'
import { Inquiry } from './inquiry.ts'
import { Isolation } from './isolation.ts'
import { Keeping } from './keeping.ts'
import { Log } from './log/log.ts'
import { Spent } from './log/spent.ts'
import { Members } from './members/members.ts'
import type { Forgotten, Goodbye, Message, SyncRequest } from './message.ts'
import { Authors } from './authors.ts'
import { closeBoots } from './closing.ts'
import { CORE_DEFAULTS, type CoreOptions } from './options.ts'
import { Carried } from './queue/carried.ts'
import { Dependencies } from './queue/dependencies.ts'
import { Membership } from './membership.ts'
import { Parting } from './parting.ts'
import { Presence } from './presence.ts'
import { Probing } from './probing.ts'
import { Replication } from './replication.ts'
import { Rest } from './rest.ts'
import { readClocks } from './stepping.ts'
import { isFinal, isSettled } from './task/record.ts'
import { Takeover } from './takeover.ts'
import { Telling } from './telling.ts'
import { CoreView } from './view.ts'
import { Waking } from './waking.ts'
import { Work } from './work.ts'

export class Core {
  readonly view: CoreView
  readonly rest: Rest
  readonly #context: Context
  readonly #belief: Belief
  readonly #asking: Asking
  readonly #replication: Replication
  readonly #takeover: Takeover
  readonly #keeping: Keeping
  readonly #work: Work
  readonly #exchange: Exchange
  readonly #inquiry: Inquiry
  readonly #presence: Presence
  readonly #telling: Telling
  readonly #membership: Membership
  readonly #parting: Parting
  readonly #isolation: Isolation
  readonly #waking: Waking
  #effects: Effect[] = []
  readonly #answers = new Answers()
  readonly #probing: Probing
  #firstAt: number | null = null
  #clockStepMs = 0

  constructor(identity: Identity, options: Partial<CoreOptions> = {}) {
    const self = identity.boot
    const resolved = { ...CORE_DEFAULTS, ...options }
    const carried = new Carried()
    const dependencies: Dependencies = new Dependencies(
      id => log.get(id),
      id => isPruned(this.#context, id),
      carried
    )
    const counters = new Counters()
    const log = new Log(self, dependencies, counters, identity.version)
    this.#context = {
      self,
      node: nodeOf(self),
      computer: computerOf(identity.name),
      options: resolved,
      clock: new HybridClock(),
      log,
      spent: new Spent(),
      authors: new Authors(),
      carried,
      members: new Members(self, resolved, identity.name, log.origins),
      counters,
      labels: identity.labels,
      ...BEFORE_THE_FIRST_STEP,
      emit: effect => void this.#effects.push(effect)
    }
    this.#belief = new Belief(this.#context)
    this.#asking = new Asking(this.#context)
    this.#replication = new Replication(this.#context, this.#asking)
    this.#takeover = new Takeover(
      this.#context,
      this.#replication,
      this.#asking,
      id => this.#work.queue.has(id),
      id => dependencies.broken(id) !== undefined
    )
    this.#probing = new Probing(this.#context)
    this.#keeping = new Keeping(this.#context, id => this.#work.isPast(id))
    const context = this.#context
    this.#work = new Work(context, this.#replication, this.#takeover, dependencies, this.#keeping)
    this.#exchange = new Exchange(this.#context, this.#replication, this.#work)
    this.#inquiry = new Inquiry(this.#context, this.#replication, this.#work)
    this.#presence = new Presence(this.#context, identity, this.#work)
    this.#telling = new Telling(this.#context)
    this.#membership = new Membership(this.#context, this.#presence, this.#takeover, identity.name)
    this.#isolation = new Isolation(this.#context, this.#work)
    this.#waking = new Waking(this.#context, this.#asking, this.#presence, this.#work)
    this.rest = new Rest(this.#context, () => dependencies.hasUnsettled)
    this.#parting = new Parting(this.#context, {
      work: this.#work,
      exchange: this.#exchange,
      replication: this.#replication,
      keeping: this.#keeping,
      presence: this.#presence,
      telling: this.#telling,
      hasUnsettled: () => dependencies.hasUnsettled
    })
    this.view = this.#viewOf(dependencies)
  }

  #viewOf(dependencies: Dependencies): CoreView {
    return new CoreView(this.#context, dependencies, {
      self: () => this.#presence.heartbeat(this.#context.now * 1000),
      worker: () => ({ ...this.#work.ability, draining: this.#work.draining }),
      isReady: id => this.#work.queue.has(id),
      isSettling: entry => this.#takeover.isSettling(entry),
      totals: of => this.#telling.totals(of),
      isWithoutBlob: entry => this.#work.isWithoutBlob(entry),
      isUncalled: entry => this.#work.isUncalled(entry),
      isUnconfirmed: entry => this.#work.isUnconfirmed(entry),
      pausedBy: () => this.#work.pausedBy,
      room: () => this.#work.room,
      blobSources: hash => this.#keeping.sources(hash),
      backlog: () => this.#replication.backlog,
      isWaitingToLeave: () => this.#parting.isWaiting
    })
  }

  /** Takes back what an earlier boot had on disk. Only before the first step. */
  restore({ tasks, vector, forgotten, members, ...others }: Restored): void {
    const { roster = [], spent = [], blobs = [], unreadable, floor = 0 } = others
    const { log } = this.#context
    log.restore(tasks, vector, forgotten, unreadable)
    this.#context.members.restore(members)
    for (const entry of roster) this.#context.members.roster.note(entry)
    this.#context.spent.restore(spent)
    this.#keeping.restore(blobs)
    this.#work.room.restore(floor)
    for (const entry of log.entries()) if (isSettled(entry.record)) entry.noteReported()
    this.#work.consider(log.entries())
  }

  /**
   * Something has happened. Returns what to do about it, in order.
   *
   * @param now in ms since 1970, by a clock that runs on whatever is done to the wall clock, which is ahead of it by what
   *   the last `clock` input says
   */
  step(now: number, input: Input): Effect[] {
    const { members, options } = this.#context
    this.#effects = []
    this.#clockStepMs = readClocks(this.#context, now, input)
    this.#context.isNew =
      now - (this.#firstAt ?? now) < options.bootQuietMs || this.#waking.isUnderWay
    members.horizon = this.#belief.horizon()
    if (this.#firstAt === null) this.#reconsider(now)
    this.#waking.attend()
    this.#membership.attend(input, this.rest.isAtRest)
    this.#take(input)
    this.#waking.update()
    this.#work.consider(this.#takeover.settle())
    this.#work.considerDue()
    // Not with the next tick: there may be room for more at once.
    const { leaving } = this.#takeover
    if (leaving.length > 0 && this.#exchange.spare(leaving) > 0) this.#reclaim()
    this.#work.answerSubmissions()
    this.#exchange.placePreferred()
    this.#work.startReady()
    this.#recallMissing()
    this.#checkKeys()
    this.#exchange.askForWork()
    this.#parting.handOn()
    this.#keeping.flush()
    this.#replication.flush(input.kind, this.#work.room)
    this.#replication.spreading.tellInTime()
    this.#parting.go()
    this.rest.update(input)
    return this.#effects
  }

  /** The first step: now it is known what time it is, and what on disk was believed of others in vain. */
  #reconsider(now: number): void {
    this.#firstAt = now
    const { members, spent } = this.#context
    members.reconsider()
    members.roster.reconsider(members.horizon)
    spent.reconsider(members.horizon / 1000)
  }

  #take(input: Input): void {
    switch (input.kind) {
      case 'submit':
        return this.#work.submit(input)
      case 'worker':
        this.#work.equip(input.slots, input.handlers)
        return this.#presence.publish()
      case 'labels':
        this.#context.labels = input.labels
        return this.#presence.publish()
      case 'cancel':
        return this.#work.cancel(input.taskId)
      case 'find':
        return this.#inquiry.find(input.taskId)
      case 'completion':
        return this.#work.completed(input)
      case 'tail':
        return this.#work.said(input)
      case 'message':
        return this.#onMessage(input.from, input.message)
      case 'load':
        return this.#onLoad(input)
      case 'link':
        return this.#onLink(input.peer, input.up)
      case 'sync-ended':
        return this.#asking.ended(input.whole)
      case 'probed':
        return this.#onProbed(input.boot, input.refused)
      case 'met':
        return this.#membership.met(input.another)
      case 'blob-kept':
        return this.#keeping.kept(input.ref)
      case 'blob-failed':
        return this.#keeping.failed(input.hash, input.why)
      case 'blob-missing':
        return this.#keeping.missing(input.hash)
      case 'persisted':
        return this.#replication.persisted(input.flush)
      case 'disk':
        return this.#work.pause('disk', !input.works)
      case 'addresses':
        return this.#presence.moved(input.addresses)
      case 'turn':
        return this.#replication.turned()
      case 'watch':
        return this.#replication.watch(input.taskId)
      case 'clock':
      case 'tick':
      case 'wake':
        return this.#onTime(input)
      case 'expect':
        return this.#membership.expect(input.names)
      case 'drain':
        return this.#onDrain(input.node)
      case 'forget':
        return this.#onForget(input.name, input.node)
      case 'leave':
        return this.#parting.leave(input.abort)
    }
  }

  /** The answer to a peer's sync request, to be pulled message by message, and to be closed if the peer goes away. */
  answerSync(request: SyncRequest): Generator<Message> {
    const vector = this.#belief.vector(request.vector)
    return this.#answers.to({ ...request, vector }, this.#context.log)
  }

  #onMessage(from: NodeId, said: Message): void {
    const { members } = this.#context
    const message = this.#belief.admit(said)
    if (message === null) return
    switch (message.kind) {
      case 'heartbeat':
        return this.#onMembers(this.#membership.heard(message, from))
      case 'batch':
        return this.#work.consider(this.#replication.merge(from, message))
      case 'ack':
        members.acknowledged(from, message.boot, message.vector, message.unreadable)
        return this.#replication.settleCopies()
      case 'steal':
        return this.#exchange.steal(from, message)
      case 'grant':
        return this.#exchange.granted(from, message)
      case 'find':
      case 'found':
        return this.#inquiry.heard(from, message)
      case 'goodbye':
        return this.#onGoodbye(from, message)
      case 'farewell':
      case 'drain':
        return this.#parting.heard(from, message)
      case 'pruned':
        return this.#onPruned(message.ids)
      case 'forgotten':
        return this.#onForgotten(from, message)
      case 'offer':
        return this.#keeping.offered(from, message)
      case 'kept':
        return this.#keeping.confirmed(from, message)
      case 'who':
        return this.#membership.asked(from, message)
      case 'introduction':
        if (nodeOf(message.heartbeat.boot) === from) this.#waking.answered(message.heartbeat)
        return this.#onMembers(this.#membership.introduced(from, message))
      case 'replaced':
        return this.#membership.replaced(from, message)
      case 'counts':
        return this.#telling.heard(message)
      case 'sync':
        // Answered by `answerSync`, on a stream of its own. As a message among others it asks for nothing.
        return
    }
  }

  /** A file is like a peer that has fallen silent: what it had is taken in like anybody's news. */
  #onLoad(input: Extract<Input, { kind: 'load' }>): void {
    this.#onMessage(this.#context.node, input.news)
    this.#takeover.loaded(input)
  }

  /** A boot may have begun or ended: what it held has to be looked at. */
  #onMembers(changed: boolean): void {
    if (changed) this.#reclaim()
    this.#replication.settleCopies()
  }

  /** Whoever goes may go when this disk knows it: somebody has to, also if this node crashes now. */
  #onGoodbye(from: NodeId, { boot, upTo }: Goodbye): void {
    const { log, members, emit } = this.#context
    if (nodeOf(boot) !== from) return
    if (log.merged(boot) < upTo) return this.#asking.ask(from)
    // It waits for us, or has heard something since that may be nowhere else.
    const isSaidAgain = members.get(from)?.departure?.boot === boot
    this.#onMembers(this.#membership.saidGoodbye(boot, upTo))
    if (isSaidAgain) this.#asking.ask(from)
    this.#replication.onceKept(() =>
      emit({ kind: 'send', to: from, message: { kind: 'farewell', boot } })
    )
  }

  #onProbed(boot: BootId, refused: boolean): void {
    if (refused) this.#onMembers(this.#membership.refused(boot))
    this.#probing.answered(boot)
  }

  #reclaim(): void {
    const { node, isNew } = this.#context
    const { ability, draining } = this.#work
    // A node that has just started, or woken, hears first what has become of its tasks while it was away.
    if (draining || isNew || this.#waking.isUnderWay) return
    const spare = (boots: readonly BootId[]): number => this.#exchange.spare(boots)
    this.#work.consider(this.#takeover.reclaimGone({ node, ability }, spare))
  }

  /** A member has forgotten these, and has just heard of them from us: they settled while we were away. */
  #onPruned(ids: readonly TaskId[]): void {
    const { log } = this.#context
    const held = ids.map(id => log.get(id)).filter(entry => entry !== undefined)
    this.#work.forget(held.filter(({ record }) => !isFinal(record)))
  }

  /** A peer that we asked names what is over beyond our vector. */
  #onForgotten(from: NodeId, message: Forgotten): void {
    const news = this.#asking.gathered(from, message)
    if (news !== null) this.#work.forget(this.#context.log.learn(news.spans, news.boots))
  }

  #onLink(peer: NodeId, up: boolean): void {
    const departed = this.#context.members.link(peer, up)
    if (departed !== null) this.#onMembers(this.#membership.departed(departed))
    if (up) {
      this.#context.emit({ kind: 'send', to: peer, message: this.#presence.greeting() })
      this.#keeping.linked(peer)
      this.#probing.linked(peer)
      this.#waking.linked(peer)
      this.#telling.tell(peer)
    } else {
      this.#asking.unlinked(peer)
      this.#replication.spreading.unlinked(peer)
      this.#probing.probe()
    }
    this.#replication.settleCopies()
  }

  #onTime(input: Extract<Input, { kind: 'clock' | 'tick' | 'wake' }>): void {
    if (input.kind === 'tick') this.#onTick(input.loopLagMs ?? 0)
    else if (input.kind === 'wake') this.#replication.spreading.woken()
    else this.#onClock(this.#clockStepMs)
  }

  /** Our wall clock has been set forward by so much. */
  #onClock(stepMs: number): void {
    this.#membership.stepped(stepMs)
    this.#waking.stepped(stepMs)
    // What was due may not be yet, and the other way round.
    this.#work.consider(this.#context.log.entries())
  }

  #onTick(loopLagMs: number): void {
    // First, so that nothing is forgotten in the step that reports it.
    this.#forget()
    this.#presence.tick(loopLagMs)
    this.#telling.tick()
    this.#parting.tick()
    this.#inquiry.tick()
    this.#replication.acknowledgeOwed()
    this.#asking.catchUp()
    this.#replication.settleCopies()
    this.#membership.review()
    if (this.#membership.setClock()) this.#work.consider(this.#context.log.entries())
    this.#isolation.tick()
    this.#waking.tick()
    if (this.#probing.isDue) this.#probing.probe()
    this.#reclaim()
  }

  #forget(): void {
    this.#work.noteForgotten()
    this.#keeping.tick()
    if (this.#answers.areUnderWay) return
    this.#work.prune()
    closeBoots(this.#context)
  }

  #recallMissing(): void {
    for (const id of this.#work.takeMissing()) {
      this.#inquiry.recall(id, isKnown => this.#work.noteAsked(id, isKnown))
    }
  }

  #checkKeys(): void {
    for (const id of this.#work.takeKeys()) {
      this.#inquiry.check(id, isForgotten => this.#work.noteKey(id, isForgotten))
    }
  }

  #onForget(name: string, node: NodeId | null): void {
    this.#membership.forget(name, node)
    this.#reclaim()
  }

  #onDrain(node: NodeId): void {
    const { node: own, members, emit } = this.#context
    const boot = members.get(node)?.heartbeat.boot
    if (node === own) this.#parting.drain()
    else if (boot !== undefined) emit({ kind: 'send', to: node, message: { kind: 'drain', boot } })
  }
}
