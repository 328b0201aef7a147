/**
 * For a node that has stood still for longer than others wait before they take its work: stopped, swapped out, a laptop
 * that slept.
 *
 * To itself it was never away, and it would go on with tasks that have long been completed elsewhere. So it is as new:
 * it starts nothing, gives nothing away and takes nothing over before the members that it heard until then have told it
 * what they have, and it has that too; or before the time has passed after which they count as unreachable.
 *
 * What was on its way to it when it fell asleep says nothing, be it an answer to what it asked when it woke the last
 * time. So it tells them its time and asks: stamps are pushed forward by those that are heard, so what counts is a
 * later one.
 */
import { assert } from '../base/assert.ts'
import type { AntiEntropy } from '../replication/anti-entropy.ts'
import { Dots } from '../base/dots.ts'
import type { Hlc } from '../base/hlc.ts'
import { nodeOf, type NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Coverage } from '../base/coverage.ts'
import { isOut } from '../membership/membership.ts'
import type { Heartbeat } from '../message.ts'
import type { Heartbeats } from '../liveness/heartbeat.ts'
import type { Scheduler } from '../scheduling/scheduler.ts'

export class Waking {
  readonly #context: Context
  readonly #antiEntropy: AntiEntropy
  readonly #heartbeats: Heartbeats
  readonly #scheduler: Scheduler
  #lastAt: number | null = null
  #wokeAt: number | null = null
  /** Stamp beyond which a message was said after this node woke. */
  #since: Hlc = 0
  #askedAt = Number.NEGATIVE_INFINITY
  /** Whom this node heard when it fell asleep, and what each has said to have since; null: nothing yet. */
  readonly #awaited = new Map<NodeId, Coverage | null>()

  constructor(
    context: Context,
    antiEntropy: AntiEntropy,
    heartbeats: Heartbeats,
    scheduler: Scheduler
  ) {
    this.#context = context
    this.#antiEntropy = antiEntropy
    this.#heartbeats = heartbeats
    this.#scheduler = scheduler
  }

  get isUnderWay(): boolean {
    return this.#wokeAt !== null
  }

  /** Something happens here. Called before any member is excused for a silence that may have been ours. */
  attend(): void {
    const { now, options } = this.#context
    const before = this.#lastAt ?? now
    this.#lastAt = now
    // Others count from our last word, which may be as old as words of an idle node may be.
    if (now - before >= options.unreachableMs - options.idleHeartbeatMs) this.#wake(before)
  }

  /**
   * Our wall clock has been set forward. A computer of which a picture was taken, and that goes on from there, finds no
   * other sign of that: none of its own clocks ran.
   */
  stepped(stepMs: number): void {
    const { now, options } = this.#context
    if (stepMs >= options.unreachableMs - options.idleHeartbeatMs) this.#wake(now)
  }

  /** A link came up. */
  linked(peer: NodeId): void {
    if (this.#awaited.get(peer) === null) this.#ask(peer)
  }

  /** A member has answered, itself. */
  answered({ boot, at, vector, unreadable }: Heartbeat): void {
    const node = nodeOf(boot)
    if (!this.#awaited.has(node) || at <= this.#since) return
    this.#awaited.set(node, { vector, unreadable: new Dots(unreadable ?? []) })
  }

  tick(): void {
    const { now, options } = this.#context
    if (this.#wokeAt === null || now - this.#askedAt < options.heartbeatMs) return
    this.#askedAt = now
    for (const [node, has] of this.#awaited) if (has === null) this.#ask(node)
  }

  /** Finds out, at the end of a step, whether this node is awake now. */
  update(): void {
    const { now, options } = this.#context
    if (this.#wokeAt === null) return
    for (const [node, has] of this.#awaited) if (this.#isOver(node, has)) this.#awaited.delete(node)
    if (this.#awaited.size > 0 && now - this.#wokeAt < options.unreachableMs) return
    this.#wokeAt = null
    this.#awaited.clear()
    this.#scheduler.pause('waking', false)
  }

  assertInvariants(): void {
    const isAwaiting = this.#awaited.size > 0
    assert(this.isUnderWay === isAwaiting, 'a node that wakes waits for members, and no other does')
    const isPaused = this.#scheduler.isWaking
    assert(this.isUnderWay === isPaused, 'a node that wakes starts nothing, and no other is paused')
  }

  #wake(before: number): void {
    const { members, clock, now, wallMs } = this.#context
    for (const { node } of members.recentlyHeard(before)) this.#awaited.set(node, null)
    if (this.#awaited.size === 0) return
    this.#wokeAt = now
    this.#since = clock.stamp(wallMs)
    this.#askedAt = Number.NEGATIVE_INFINITY
    this.#scheduler.pause('waking', true)
    this.tick()
  }

  #ask(node: NodeId): void {
    const { members, emit } = this.#context
    const boot = members.get(node)?.heartbeat.boot
    if (boot === undefined || !members.isLinked(node)) return
    emit({ kind: 'send', to: node, message: this.#heartbeats.answer() })
    emit({ kind: 'send', to: node, message: { kind: 'who', boots: [boot] } })
  }

  /** Whether there is nothing more to hear of a member. */
  #isOver(node: NodeId, has: Coverage | null): boolean {
    const { members, log } = this.#context
    const member = members.get(node)
    if (member === undefined || isOut(member) || member.crashed) return true
    if (has === null) return false
    if (log.hasAll(has)) return true
    if (members.isLinked(node)) this.#antiEntropy.ask(node)
    return false
  }
}
