/**
 * The protocol of one node, as a deterministic machine: `step(now, input)` returns what to do about it.
 *
 * Read `step` first, the order of all work; then `#take`, the list of all that can happen, and `#release`, that of all
 * that was waited for. `scheduling` decides what runs here, `steal` what moves to another node; `replication` carries
 * the log, and `blobs` what is too large for it. Every step ends the same way: start what can be started, give away
 * what cannot, ask for work if there is too little, and flush what has changed.
 */
import { Counters, CountsGossip } from './telemetry/telemetry.ts'
import { covers } from './base/version-vector.ts'
import { nodeOf, type BootId, type NodeId } from './base/ids.ts'
import {
  AntiEntropy,
  GroupCommit,
  LooseWrites,
  OpenAnswers,
  TaskLookup
} from './replication/replication.ts'
import { Belief, Membership, readClocks, Strangers } from './membership/membership.ts'
import { isPruned, type Context, type Identity } from './context.ts'
import type { Effect, Restored } from './effect.ts'
import type { Input } from './input.ts'
import { WorkStealing } from './steal/steal.ts'
import { contextOf, Idle, SelfFencing, Shutdown, Waking } from './lifecycle/lifecycle.ts'
import { BlobReplication } from './blobs/blobs.ts'
import { Log } from './log/log.ts'
import { retireBoots } from './gc/gc.ts'
import type { Forgotten, Goodbye, Message, SyncRequest } from './message.ts'
import { CORE_DEFAULTS, type CoreOptions } from './options.ts'
import type { Due } from './pending.ts'
import { Carried, Dependencies } from './queue/queue.ts'
import { CrashProbe, Heartbeats } from './liveness/liveness.ts'
import { isSettled } from './task/record.ts'
import { Reclaim, type PoolRoom } from './claim/claim.ts'
import { CoreView } from './view.ts'
import { Scheduler } from './scheduling/scheduling.ts'

export class Core {
  readonly view: CoreView
  readonly idle: Idle
  readonly #context: Context
  readonly #belief: Belief
  readonly #antiEntropy: AntiEntropy
  readonly #looseWrites: LooseWrites
  readonly #groupCommit: GroupCommit
  readonly #reclaims: Reclaim
  readonly #blobReplication: BlobReplication
  readonly #scheduler: Scheduler
  readonly #workStealing: WorkStealing
  readonly #taskLookup: TaskLookup
  readonly #heartbeats: Heartbeats
  readonly #countsGossip: CountsGossip
  readonly #membership: Membership
  readonly #shutdown: Shutdown
  readonly #selfFencing: SelfFencing
  readonly #waking: Waking
  readonly #openAnswers = new OpenAnswers()
  readonly #crashProbe: CrashProbe
  #effects: Effect[] = []
  /** When the first step was; null before it. */
  #firstAt: number | null = null
  /** By how much the wall clock has been set forward since the step before, in ms. */
  #clockStepMs = 0

  constructor(identity: Identity, options: Partial<CoreOptions> = {}) {
    const carried = new Carried()
    const dependencies: Dependencies = new Dependencies(
      id => log.get(id),
      id => isPruned(this.#context, id),
      carried
    )
    const counters = new Counters()
    const log = new Log(identity.boot, dependencies, counters, identity.version)
    const emit = (effect: Effect): void => void this.#effects.push(effect)
    const parts = { log, carried, counters, emit, release: (due: Due) => this.#release(due) }
    this.#context = contextOf(identity, { ...CORE_DEFAULTS, ...options }, parts)
    this.#belief = new Belief(this.#context)
    this.#antiEntropy = new AntiEntropy(this.#context)
    this.#looseWrites = new LooseWrites(this.#context)
    this.#groupCommit = new GroupCommit(this.#context, this.#antiEntropy)
    const strangers = new Strangers(this.#context)
    this.#reclaims = new Reclaim(
      this.#context,
      this.#groupCommit,
      this.#antiEntropy,
      strangers,
      id => this.#scheduler.queue.has(id),
      id => dependencies.broken(id) !== undefined
    )
    this.#crashProbe = new CrashProbe(this.#context)
    this.#blobReplication = new BlobReplication(this.#context, id => this.#scheduler.isPast(id))
    this.#scheduler = new Scheduler(
      this.#context,
      this.#groupCommit,
      this.#reclaims,
      dependencies,
      this.#blobReplication
    )
    this.#workStealing = new WorkStealing(this.#context, this.#groupCommit, this.#scheduler)
    this.#taskLookup = new TaskLookup(this.#context, this.#groupCommit, this.#scheduler)
    this.#heartbeats = new Heartbeats(this.#context, identity, () => this.#scheduler.workerState)
    this.#countsGossip = new CountsGossip(this.#context)
    this.#membership = new Membership(
      this.#context,
      this.#heartbeats,
      strangers,
      member => this.#reclaims.met(member),
      identity.name
    )
    this.#selfFencing = new SelfFencing(this.#context, this.#scheduler)
    this.#waking = new Waking(this.#context, this.#antiEntropy, this.#heartbeats, this.#scheduler)
    this.idle = new Idle(this.#context, () => dependencies.hasUnsettled)
    this.#shutdown = new Shutdown(this.#context, {
      scheduler: this.#scheduler,
      workStealing: this.#workStealing,
      groupCommit: this.#groupCommit,
      blobReplication: this.#blobReplication,
      heartbeats: this.#heartbeats,
      countsGossip: this.#countsGossip,
      hasUnsettled: () => dependencies.hasUnsettled
    })
    this.view = this.#viewOf(dependencies)
  }

  /** Takes back what an earlier boot had on disk. Only before the first step. */
  restore({ tasks, vector, forgotten, members, ...others }: Restored): void {
    const { roster = [], spent = [], blobs = [], unreadable, floor = 0 } = others
    const { log } = this.#context
    log.restore(tasks, vector, forgotten, unreadable)
    this.#looseWrites.restore()
    this.#context.members.restore(members)
    for (const entry of roster) this.#context.members.roster.note(entry)
    this.#context.keyTombstones.restore(spent)
    this.#blobReplication.restore(blobs)
    this.#scheduler.settledFloor.restore(floor)
    for (const entry of log.entries()) if (isSettled(entry.record)) entry.noteReported()
    this.#scheduler.consider(log.entries())
  }

  /**
   * Something has happened. Returns what to do about it, in order.
   *
   * @param now in ms since 1970, by a monotonic clock: setting the wall clock does not change it. How far the wall
   *   clock is ahead of it, the last `clock` input says
   */
  step(now: number, input: Input): Effect[] {
    const { members, options } = this.#context
    this.#effects = []
    // First what follows from the time alone: all that is done below goes by it.
    this.#clockStepMs = readClocks(this.#context, now, input)
    this.#context.isNew =
      now - (this.#firstAt ?? now) < options.bootQuietMs || this.#waking.isUnderWay
    members.horizon = this.#belief.horizon()
    if (this.#firstAt === null) this.#belief.reconsider()
    this.#firstAt ??= now
    this.#waking.attend()
    this.#membership.attend(input, this.idle.isAtRest)
    this.#take(input)
    this.#waking.update()
    // What the input said of members may confirm claims, so that their tasks are ready below.
    this.#scheduler.consider(this.#reclaims.confirm())
    this.#scheduler.considerDue()
    // Not with the next tick: there may be room for more at once.
    const { partlyTaken } = this.#reclaims
    if (partlyTaken.length > 0 && !this.#workStealing.roomFor(partlyTaken).isEmpty) {
      this.#reclaim()
    }
    this.#scheduler.answerSubmissions()
    // First what runs better elsewhere, so that it takes no slot here; last what finds no slot here.
    this.#workStealing.placePreferred()
    this.#scheduler.startReady()
    this.#workStealing.placeReady(input.kind)
    this.#lookUp()
    this.#workStealing.askForWork()
    this.#shutdown.handOn()
    // What has been written above goes to disk and to the others with this step.
    this.#blobReplication.flush()
    this.#groupCommit.flush(input.kind, this.#scheduler.settledFloor)
    this.#groupCommit.dissemination.tellInTime()
    this.#shutdown.go()
    this.idle.update(input)
    return this.#effects
  }

  /** The answer to a peer's sync request, to be pulled message by message, and to be closed if the peer goes away. */
  answerSync(request: SyncRequest): Generator<Message> {
    const vector = this.#belief.vector(request.vector)
    return this.#openAnswers.to({ ...request, vector }, this.#context.log)
  }

  /** Throws where parts that are kept in step do not agree. For tests and the simulator: it looks at every task. */
  assertInvariants(): void {
    const { log, members, keyTombstones, counters } = this.#context
    const own = [this.#groupCommit, this.#reclaims, this.#scheduler, this.#waking]
    for (const part of [log, members, keyTombstones, counters, ...own]) part.assertInvariants()
  }

  #viewOf(dependencies: Dependencies): CoreView {
    return new CoreView(this.#context, dependencies, {
      self: () => this.#heartbeats.heartbeat(this.#context.now * 1000),
      scheduler: this.#scheduler,
      totals: of => this.#countsGossip.totals(of),
      waits: [this.#reclaims, this.#groupCommit, this.#blobReplication, this.#taskLookup],
      blobSources: hash => this.#blobReplication.sources(hash),
      backlog: () => this.#groupCommit.backlog,
      isWaitingToLeave: () => this.#shutdown.isWaiting
    })
  }

  #take(input: Input): void {
    switch (input.kind) {
      case 'submit':
        return this.#scheduler.submission.submit(input)
      case 'worker':
      case 'labels':
        return this.#onEquipment(input)
      case 'cancel':
        return this.#scheduler.cancel(input.taskId)
      case 'find':
        return this.#taskLookup.find(input.taskId)
      case 'completion':
        return this.#scheduler.completed(input)
      case 'tail':
        return this.#scheduler.said(input)
      case 'checkpoint':
        return this.#scheduler.slots.checkpoints.save(input)
      case 'message':
        return this.#onMessage(input.from, input.message)
      case 'load':
        return this.#onLoad(input)
      case 'link':
        return this.#onLink(input.peer, input.up)
      case 'sync-ended':
        return this.#antiEntropy.ended(input.whole)
      case 'probed':
        return this.#onProbed(input.boot, input.refused)
      case 'met':
        return this.#membership.met(input.another)
      case 'blob-kept':
      case 'blob-failed':
      case 'blob-missing':
        return this.#blobReplication.looked(input)
      case 'persisted':
        return this.#groupCommit.persisted(input.flush)
      case 'disk':
        return this.#scheduler.pause('disk', !input.works)
      case 'addresses':
        return this.#heartbeats.moved(input.addresses)
      case 'turn':
        return this.#groupCommit.turned()
      case 'watch':
        return this.#groupCommit.watch(input.taskId)
      case 'clock':
      case 'tick':
      case 'wake':
        return this.#onTime(input)
      case 'expect':
        return this.#membership.expect(input.names)
      case 'drain':
      case 'undrain':
        return this.#shutdown.tellNode(input)
      case 'forget':
        return this.#onForget(input.name, input.node)
      case 'leave':
        return this.#shutdown.leave(input.abort)
    }
  }

  #onEquipment(input: Extract<Input, { kind: 'worker' | 'labels' }>): void {
    this.#scheduler.equip(input)
    if (input.kind === 'worker') this.#heartbeats.offered()
    else this.#heartbeats.publish()
  }

  /** Carries out what was waited for: nothing else does. */
  #release(due: Due): void {
    const { emit } = this.#context
    const { submission, slots } = this.#scheduler
    switch (due.kind) {
      case 'create':
        return submission.create(due)
      case 'accept':
        return submission.accept(due)
      case 'recognise':
        return submission.recognise(due)
      case 'key':
        return submission.answered(due)
      case 'recall':
        return this.#scheduler.noteAsked(due.taskId)
      case 'start':
        return slots.startBarrier.copied(due)
      case 'settle':
        return this.#scheduler.settle(due.input)
      case 'save':
        return slots.checkpoints.placed(due)
      case 'saved':
        return slots.checkpoints.copied(due)
      case 'report':
        if (this.#blobReplication.placeResult(due)) return
        return this.#groupCommit.outcomeReports.report(due)
      case 'grant':
        return this.#workStealing.sendGranted(due)
      case 'taken':
        return this.#groupCommit.dissemination.answer(due.from)
      case 'answer':
        return this.#taskLookup.answer(due)
      case 'load':
        return emit({ kind: 'loaded', request: due.request })
      case 'farewell':
        return emit({ kind: 'send', to: due.to, message: { kind: 'farewell', boot: due.boot } })
    }
  }

  #onMessage(from: NodeId, said: Message): void {
    const { members } = this.#context
    const message = this.#belief.admit(said)
    if (message === null) return
    switch (message.kind) {
      case 'heartbeat':
        return this.#onMembers(this.#membership.heard(message, from))
      case 'batch':
        return this.#scheduler.consider(this.#groupCommit.merge(from, message))
      case 'ack':
        members.acknowledged(from, message.boot, message.vector, message.unreadable)
        return this.#groupCommit.releaseCopied()
      case 'steal':
        return this.#workStealing.answerThief(from, message)
      case 'grant':
        return this.#workStealing.takeGrant(from, message)
      case 'find':
      case 'found':
        return this.#taskLookup.heard(from, message)
      case 'goodbye':
        return this.#onGoodbye(from, message)
      case 'farewell':
      case 'drain':
      case 'undrain':
        return this.#shutdown.heard(from, message)
      case 'pruned':
        return this.#scheduler.prunedElsewhere(message.ids)
      case 'forgotten':
        return this.#onForgotten(from, message)
      case 'offer':
        return this.#blobReplication.offered(from, message)
      case 'kept':
        return this.#blobReplication.confirmed(from, message)
      case 'who':
        return this.#membership.asked(from, message)
      case 'introduction':
        if (nodeOf(message.heartbeat.boot) === from) this.#waking.answered(message.heartbeat)
        return this.#onMembers(this.#membership.introduced(from, message))
      case 'replaced':
        return this.#membership.replaced(from, message)
      case 'counts':
        return this.#countsGossip.heard(message)
      case 'sync':
        // Answered by `answerSync`, on a stream of its own. As a message among others it asks for nothing.
        return
    }
  }

  /** What a file holds is merged as a peer's batch; tasks whose holder nobody knows are taken over later. */
  #onLoad(input: Extract<Input, { kind: 'load' }>): void {
    this.#onMessage(this.#context.node, input.news)
    this.#reclaims.loaded(input)
  }

  /** A boot may have begun or ended: what it held has to be looked at. */
  #onMembers(changed: boolean): void {
    this.#groupCommit.membersChanged(changed)
    if (changed) this.#reclaim()
  }

  /** A member leaves. It is answered once that is on this disk: a crash here must not leave others waiting for it. */
  #onGoodbye(from: NodeId, { boot, upTo }: Goodbye): void {
    const { log, members } = this.#context
    if (nodeOf(boot) !== from) return
    if (!covers(log.origins.reach, { origin: boot, seq: upTo })) return this.#antiEntropy.ask(from)
    // It has not had our answer yet; or it has merged something since that may be nowhere else.
    const isSaidAgain = members.get(from)?.departure?.boot === boot
    this.#onMembers(this.#membership.saidGoodbye(boot, upTo))
    if (isSaidAgain) this.#antiEntropy.ask(from)
    this.#groupCommit.onceKept({ kind: 'farewell', to: from, boot })
  }

  /** A peer that we asked names the writes and boots beyond our vector whose tasks have all been pruned. */
  #onForgotten(from: NodeId, message: Forgotten): void {
    const news = this.#antiEntropy.gathered(from, message)
    if (news !== null) this.#scheduler.prune(this.#context.log.learn(news.spans, news.boots))
  }

  #onLink(peer: NodeId, up: boolean): void {
    const departed = this.#context.members.link(peer, up)
    if (departed !== null) this.#onMembers(this.#membership.departed(departed))
    if (up) {
      this.#context.emit({ kind: 'send', to: peer, message: this.#heartbeats.greeting() })
      this.#blobReplication.linked(peer)
      this.#crashProbe.linked(peer)
      this.#waking.linked(peer)
      this.#countsGossip.tell(peer)
    } else {
      this.#antiEntropy.unlinked(peer)
      this.#groupCommit.dissemination.unlinked(peer)
      this.#crashProbe.probe()
    }
    this.#groupCommit.releaseCopied()
  }

  #onProbed(boot: BootId, refused: boolean): void {
    if (refused) this.#onMembers(this.#membership.refused(boot))
    this.#crashProbe.answered(boot)
  }

  #onForget(name: string, node: NodeId | null): void {
    this.#membership.forget(name, node)
    this.#reclaim()
  }

  #onTime(input: Extract<Input, { kind: 'clock' | 'tick' | 'wake' }>): void {
    if (input.kind === 'tick') this.#onTick(input.loopLagMs ?? 0)
    else if (input.kind === 'wake') this.#groupCommit.dissemination.woken()
    else this.#onClock(this.#clockStepMs)
  }

  /** Our wall clock has been set forward by `stepMs`. */
  #onClock(stepMs: number): void {
    this.#membership.stepped(stepMs)
    this.#waking.stepped(stepMs)
    // A start time or a deadline may have come or gone by that.
    this.#scheduler.consider(this.#context.log.entries())
  }

  #onTick(loopLagMs: number): void {
    // First, so that nothing is pruned in the step that reports it.
    this.#prune()
    this.#blobReplication.tick()
    this.#heartbeats.tick(loopLagMs)
    this.#countsGossip.tick()
    this.#shutdown.tick()
    this.#taskLookup.tick()
    this.#groupCommit.acknowledgeOwed()
    this.#antiEntropy.catchUp()
    this.#looseWrites.tick()
    this.#groupCommit.releaseCopied()
    this.#membership.review()
    if (this.#membership.setClock()) this.#scheduler.consider(this.#context.log.entries())
    this.#selfFencing.tick()
    this.#waking.tick()
    if (this.#crashProbe.isDue) this.#crashProbe.probe()
    this.#reclaim()
  }

  #prune(): void {
    this.#scheduler.reviewUnknown()
    if (this.#openAnswers.areUnderWay) return
    this.#scheduler.pruneDue()
    retireBoots(this.#context)
  }

  #reclaim(): void {
    const { node, isNew } = this.#context
    const { pools, draining } = this.#scheduler
    // A node that has just started, or woken, hears first what has become of its tasks while it was away.
    if (draining || isNew || this.#waking.isUnderWay) return
    const room = (boots: readonly BootId[]): PoolRoom => this.#workStealing.roomFor(boots)
    this.#scheduler.consider(this.#reclaims.reclaimGone({ node, pools }, room))
    const takenBack = this.#workStealing.unacknowledged()
    this.#reclaims.reclaim(takenBack)
    this.#scheduler.consider(takenBack)
  }

  #lookUp(): void {
    for (const id of this.#scheduler.takeMissing()) this.#taskLookup.recall(id)
    for (const id of this.#scheduler.submission.takeQuestions()) this.#taskLookup.check(id)
  }
}
