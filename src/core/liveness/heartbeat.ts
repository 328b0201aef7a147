/**
 * How this node makes itself known: a heartbeat to all, at regular times and whenever it changes what it can do.
 *
 * One that says nothing new goes straight to each neighbour, as long as all of them answer in the same way, and at the
 * same moment for all, so that a node that has nothing else to do wakes once for all of them. Gossip, which would carry
 * it round a missing link, costs several times as much.
 */
import type { Hlc } from '../base/hlc.ts'
import { startTimeOf, type BootId } from '../base/ids.ts'
import { ownMs, wallMsAt, wholeMs, type Context, type Identity } from '../context.ts'
import { sameValues } from '../base/order.ts'
import { utf8Length } from '../base/utf8.ts'
import { isFullMesh } from './full-mesh.ts'
import { HeartbeatWindow } from './heartbeat-window.ts'
import { awaitedMs } from './isolation-timeout.ts'
import type { Member } from '../membership/member.ts'
import { LOOP_LAG_MS_MAX, REVISION, type Heartbeat, type Pause } from '../message.ts'
import { NODE_LIMITS } from '../options.ts'

/** What is said to one peer alone may be longer: half a frame of a stream. */
const GREETING_BYTES_MAX = 2_097_152

/** What a heartbeat says of the work of its node. */
export type WorkerState = Pick<
  Heartbeat,
  'slots' | 'handlers' | 'running' | 'queued' | 'pools' | 'draining' | 'floor' | 'settledKept'
> &
  Readonly<{ pausedBy: Pause | null }>

export class Heartbeats {
  readonly #context: Context
  readonly #identity: Identity
  readonly #workerState: () => WorkerState
  readonly #window = new HeartbeatWindow()
  /** The window of heartbeats that are said to one peer alone. */
  readonly #greetings = new HeartbeatWindow()
  /** The window of what is said of others. */
  readonly #introductions = new HeartbeatWindow()
  #addresses: readonly string[] = []
  /** The heartbeat that was published last. */
  #told: Heartbeat | null = null
  #publishedAt = Number.NEGATIVE_INFINITY
  /** The last stamp: none is earlier than the start of this boot. */
  #at: Hlc
  #loopLagMs = 0
  /** There is news that cannot wait for the next heartbeat. */
  #isUrgent = false

  constructor(context: Context, identity: Identity, workerState: () => WorkerState) {
    this.#context = context
    this.#identity = identity
    this.#workerState = workerState
    this.#at = startTimeOf(context.self)
  }

  /** Our own addresses, as others reach us. */
  moved(addresses: readonly string[]): void {
    this.#addresses = addresses
      .filter(address => utf8Length(address) <= NODE_LIMITS.addressBytesMax)
      .slice(0, NODE_LIMITS.addressesMax)
    this.publish()
  }

  /** Tells all members, if it is time. */
  tick(loopLagMs: number): void {
    // A computer that slept for weeks says so, within what can be said.
    this.#loopLagMs = Math.min(Math.round(loopLagMs), LOOP_LAG_MS_MAX)
    const { members, now, options } = this.#context
    members.lateness.note(this.#loopLagMs)
    const silentMs = now - this.#publishedAt
    if (this.#isUrgent) return this.publish()
    if (silentMs < options.heartbeatMs) return
    if (this.#hasNews()) return this.publish()
    if (this.#round(now) > this.#round(this.#publishedAt)) this.#knock()
  }

  /** All clocks go into the next round together, as far as they are right. */
  #round(now: number): number {
    return Math.floor(wallMsAt(now, this.#context) / this.#context.options.idleHeartbeatMs)
  }

  /**
   * What this node can run has changed. A pool or a type that it has not offered before is told at once, so that a new
   * worker does not wait for its first task. All else is told with a heartbeat that is due anyway: a script that asks for
   * one task after the other changes its pool twice for each, and gossip for all of that cost more than the tasks.
   */
  offered(): void {
    const { now, options } = this.#context
    const isDue = now - this.#publishedAt >= options.heartbeatMs
    if (isDue || this.#offersMore()) this.publish()
  }

  /** Whether there is a type, or a pool, that was not in the last heartbeat. */
  #offersMore(): boolean {
    const told = this.#told
    if (told === null) return true
    const { handlers, pools = [] } = this.#workerState()
    const types = new Set(told.handlers)
    const names = new Set(told.pools?.map(({ name }) => name))
    return (
      handlers.some(type => !types.has(type)) ||
      pools.some(({ name, slots }) => slots > 0 && !names.has(name))
    )
  }

  /** Nothing is new but the time. */
  #knock(): void {
    const { members, now, options, emit } = this.#context
    const neighbours = members.linked()
    const knocking = isFullMesh(members, now, options)
    if (neighbours.length === 0 || !knocking) return this.publish()
    const message = this.#word()
    for (const { node } of neighbours) emit({ kind: 'send', to: node, message })
  }

  /** Whether anything has changed but the time, and how well it was kept. */
  #hasNews(): boolean {
    const told = this.#told
    if (told === null) return true
    const { at, clockMs, loopLagMs } = told
    const { vector, ...said } = { ...this.heartbeat(at), clockMs, loopLagMs }
    const { vector: toldVector, ...toldRest } = told
    return !sameValues([...vector], [...toldVector]) || !sameValues(said, toldRest)
  }

  /** A node was met: the others hear of it with the next tick, and not one by one while many come. */
  urge(): void {
    this.#isUrgent = true
  }

  publish(): void {
    this.#context.emit({ kind: 'publish', message: this.#word() })
  }

  /** The heartbeat to be told to all members. */
  #word(): Heartbeat {
    const { members, now, options } = this.#context
    this.#publishedAt = now
    members.lateness.said(now, this.#loopLagMs)
    this.#isUrgent = false
    this.#told = this.stamped()
    return this.#window.fit(this.#told, options.gossipBytesMax)
  }

  /**
   * The first word on a new link. It names all that this node waits for because it has heard them itself: if it passed
   * on what others say, two could keep each other waiting for ever.
   */
  greeting(): Heartbeat {
    const { members, now, options } = this.#context
    const met = members
      .notEnded()
      .filter(
        member =>
          members.isLinked(member.node) ||
          now - member.heardAt < awaitedMs(member.heartbeat, options, members.lateness.of(member))
      )
      .flatMap(({ firstWord }) => firstWord?.boot ?? [])
    return this.#greetings.fit({ ...this.stamped(), met }, GREETING_BYTES_MAX)
  }

  /** To one peer, who asks whether this node is there. */
  answer(): Heartbeat {
    return this.#greetings.fit(this.stamped(), GREETING_BYTES_MAX)
  }

  /** What a member said last. */
  introduction(member: Pick<Member, 'heartbeat' | 'vector' | 'unreadable'>): Heartbeat {
    const { heartbeat, vector, unreadable } = member
    const named = unreadable.isEmpty ? {} : { unreadable: unreadable.all() }
    return this.#introductions.fit(
      { ...heartbeat, vector, ...named },
      this.#context.options.gossipBytesMax
    )
  }

  /** To be sent. */
  stamped(): Heartbeat {
    const { clock, wallMs } = this.#context
    // A boot's words are in order, whatever has been done to the time.
    this.#at = Math.max(this.#at + 1, clock.stamp(wallMs))
    return this.heartbeat(this.#at)
  }

  heartbeat(at: Hlc): Heartbeat {
    const { self, now, log, members, options, labels } = this.#context
    const { name, version } = this.#identity
    const { pausedBy, ...worker } = this.#workerState()
    const { unreadable } = log.durableCoverage
    return {
      kind: 'heartbeat',
      boot: self,
      name,
      version,
      revision: REVISION,
      at,
      clockMs: wholeMs(ownMs(this.#context)),
      ...worker,
      ...(pausedBy === null ? {} : { paused: pausedBy }),
      loopLagMs: this.#loopLagMs,
      labels,
      addresses: this.#addresses,
      vector: new Map(log.durableVector),
      ...(unreadable.isEmpty ? {} : { unreadable: unreadable.all() }),
      stopAfterIsolatedMs: options.stopAfterIsolatedMs,
      roster: members.roster.all(),
      departures: members.departures(),
      settledMax: options.settledMax,
      ...(this.#context.isLoose ? { loose: true } : {}),
      // Two heartbeats in a row may be lost.
      met: this.#metSince(now - options.suspectMs)
    }
  }

  /** Boots that can be talked to, and have first spoken to us after `since`. */
  #metSince(since: number): readonly BootId[] {
    const { members } = this.#context
    return members
      .linked()
      .flatMap(({ firstWord: word }) => (word !== null && word.at >= since ? word.boot : []))
  }
}
