/**
 * Invariant 13 by the right time: what waits for a time starts no earlier, and what has a deadline neither starts after
 * it nor is given up before it, also on a node whose own clock is wrong. What nodes take for the time is nothing to go
 * by.
 *
 * For clusters in which no node starts on the way: one that has just started goes by its own clock until it has heard
 * of the others. And as long as of the clocks that each node hears most are right: a node that leaves or stands still
 * is not heard.
 */
import { hlcMs } from '../../../core/base/hlc.ts'
import { nodeOf, type NodeId, type TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import { deadlineOf, startTimeOf } from '../../../core/task/times.ts'
import type { EventQueue } from '../../world/event-queue.ts'
import type { Scenario } from '../../scenario.ts'
import { EPOCH_MS, type SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** Time after which all have heard the clocks of all. */
const HEARD_MS = 3000
/** The middle one of all clocks: it wavers by a second, and what is heard of each has travelled. */
const TOLERANCE_MS = 1200
/** A clock is further off than any that wavers. */
const WRONG_MS = 60_000
/** Time for which the last few heartbeats of a clock that has been set right are taken for the late ones. */
const DOUBTED_MS = 12_000

export class ClockChecker {
  readonly #eventQueue: EventQueue
  readonly #nodes: readonly SimNode[]
  /** Node -> when its clock was wrong last. */
  readonly #wrongAt = new Map<NodeId, number>()
  /** A node has heard as many wrong clocks as right ones, and may have told others what time it is. */
  #isUnclear = false
  /** Tasks that were submitted when the clocks were known. */
  readonly #tasks = new Set<TaskId>()

  constructor(eventQueue: EventQueue, nodes: readonly SimNode[]) {
    this.#eventQueue = eventQueue
    this.#nodes = nodes
  }

  static fits({ wrongClocks, clockSteps, late, crashes, crashAll }: Scenario): boolean {
    return wrongClocks + clockSteps > 0 && late + crashes === 0 && !crashAll
  }

  check(node: SimNode, effects: readonly Effect[]): void {
    this.#noteWrong()
    this.#isUnclear ||= this.#eventQueue.now >= HEARD_MS && !this.#hearsTheTime(node)
    if (this.#isUnclear) return
    for (const effect of effects) {
      if (effect.kind === 'settled') this.#settled(node, effect.taskId)
      if (effect.kind !== 'notify') continue
      const { event } = effect
      // Others hear of it later.
      if (!('by' in event) || event.by !== node.options.boot) continue
      if (event.name === 'task:submitted') this.#submitted(node, event.taskId)
      if (event.name === 'task:started') this.#started(node, event.taskId)
    }
  }

  #noteWrong(): void {
    for (const each of this.#nodes) {
      if (Math.abs(each.offMs) >= WRONG_MS) this.#wrongAt.set(each.id, this.#eventQueue.now)
    }
  }

  #hearsTheTime({ id, core, now }: SimNode): boolean {
    if (this.#wrongAt.size === 0) return true
    const heard = core.view
      .members(now)
      .filter(({ linked, status }) => linked && status !== 'left' && status !== 'unreachable')
      .map(({ heartbeat }) => nodeOf(heartbeat.boot))
    const isWrong = (node: NodeId): boolean =>
      this.#eventQueue.now - (this.#wrongAt.get(node) ?? -Infinity) < DOUBTED_MS
    return [id, ...heard].filter(isWrong).length * 2 < heard.length + 1
  }

  #submitted(node: SimNode, taskId: TaskId): void {
    if (this.#eventQueue.now < HEARD_MS) return
    this.#tasks.add(taskId)
    const { submittedAt } = node.core.view.record(taskId)!.spec
    const offMs = hlcMs(submittedAt) - this.#now
    if (Math.abs(offMs) > TOLERANCE_MS) this.#fail(node, taskId, `is stamped ${offMs} ms off`)
  }

  #started(node: SimNode, taskId: TaskId): void {
    if (!this.#tasks.has(taskId)) return
    const record = node.core.view.record(taskId)!
    const earlyMs = startTimeOf(record) - this.#now
    const lateMs = this.#now - deadlineOf(record)
    if (earlyMs > TOLERANCE_MS) this.#fail(node, taskId, `starts ${earlyMs} ms before its time`)
    if (lateMs > TOLERANCE_MS) this.#fail(node, taskId, `starts ${lateMs} ms after its deadline`)
  }

  #settled(node: SimNode, taskId: TaskId): void {
    const record = node.core.view.record(taskId)
    if (record?.outcome?.reason !== 'DeadlineExceeded' || !this.#tasks.has(taskId)) return
    const earlyMs = deadlineOf(record) - this.#now
    if (earlyMs > TOLERANCE_MS) this.#fail(node, taskId, `ends ${earlyMs} ms before its deadline`)
  }

  get #now(): number {
    return EPOCH_MS + this.#eventQueue.now
  }

  #fail(node: SimNode, taskId: TaskId, what: string): never {
    throw new Violation(13, `by the right time ${taskId} ${what}, on ${node.options.name}`)
  }
}
