/**
 * Invariant 20: nothing is tried more often than `maxRetries` allows, nor sooner than its backoff says, nor after it
 * has cost more nodes than `maxLost`. All of that by the checker's own count of runs that failed and of nodes that died
 * while they ran it; of those, the node that starts the task answers only for what it had heard of.
 *
 * Where all can reach each other, and of what is submitted then: two sides of a cut try a task apart from each other.
 */
import type { BootId, TaskId } from '../../../core/base/ids.ts'
import type { CoreEvent, Effect, Run, TaskEvent } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import type { Backoff } from '../../../core/task/spec.ts'
import { hasRead } from '../../predicates.ts'
import type { EventQueue } from '../../world/event-queue.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

/** A run that failed, in virtual time; who has the write has heard of it. */
type Failure = Readonly<{ boot: BootId; seq: number; at: number }>

export class AttemptChecker {
  readonly #history: History
  readonly #eventQueue: EventQueue
  /** Whether all clocks show the same time. */
  readonly #isPunctual: boolean
  readonly #failures = new Map<TaskId, Failure[]>()
  /**
   * Task -> its runs that were taken from a boot that had died meanwhile, however many took them apart from each other.
   */
  readonly #lost = new Map<TaskId, Set<string>>()
  /** "boot task epoch" of all runs that have not ended, whatever the reason. */
  readonly #runs = new Set<string>()

  constructor(
    history: History,
    eventQueue: EventQueue,
    { skewMsMax, wrongClocks, clockSteps }: Scenario
  ) {
    this.#history = history
    this.#eventQueue = eventQueue
    this.#isPunctual = skewMsMax + wrongClocks + clockSteps === 0
  }

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    if (input.kind === 'completion') this.#ended(node, input)
    for (const [i, effect] of effects.entries()) {
      if (effect.kind === 'notify') this.#reclaimed(node, effect.event, effects.slice(i + 1))
      if (effect.kind === 'start') this.#start(node, effect.run)
    }
  }

  #ended(node: SimNode, { taskId, epoch, run }: Extract<Input, { kind: 'completion' }>): void {
    const { boot } = node.options
    this.#runs.delete(`${boot} ${taskId} ${epoch}`)
    // One that came too early uses no retry.
    if (run.status !== 'failed' || run.retryAfterMs !== undefined) return
    const seq = this.#lastWrite(boot, taskId)
    const failures = this.#failures.get(taskId) ?? []
    this.#failures.set(taskId, [...failures, { boot, seq, at: this.#eventQueue.now }])
  }

  /**
   * A node that takes a task over counts the boot that ran it, if it has heard of that; and undoes a failure of which
   * it has not.
   *
   * @param rest what the same step did afterwards: it may have taken the task over once more
   */
  #reclaimed(node: SimNode, event: CoreEvent, rest: readonly Effect[]): void {
    if (!isReclaim(event, node.options.boot)) return
    const { taskId, from = null } = event
    this.#failures.set(taskId, this.#knownFailures(node, taskId))
    const claim = node.core.view.record(taskId)?.claim
    if (from === null || claim === undefined) return
    const isLater = (effect: Effect): boolean =>
      effect.kind === 'notify' &&
      isReclaim(effect.event, node.options.boot) &&
      effect.event.taskId === taskId
    const epoch = claim.epoch - 1 - rest.filter(isLater).length
    const run = `${from} ${taskId} ${epoch}`
    if (!this.#runs.has(run)) return
    const began = this.#history.written
      .get(from)
      ?.findIndex(({ taskId: id, state }) => id === taskId && state.started?.epoch === epoch)
    if (began === undefined || began < 0) return
    if (!hasRead(node, { origin: from, seq: began + 1 })) return
    this.#lost.set(taskId, (this.#lost.get(taskId) ?? new Set()).add(run))
  }

  #start(node: SimNode, { taskId, epoch, attempt }: Run): void {
    this.#runs.add(`${node.options.boot} ${taskId} ${epoch}`)
    if (this.#history.isApart(taskId)) return
    const { spec } = node.core.view.record(taskId)!
    const what = `${node.options.name} starts ${taskId}`
    const failures = this.#knownFailures(node, taskId)
    if (failures.length > spec.maxRetries) {
      throw new Violation(20, `${what} after ${failures.length} failures of ${spec.maxRetries + 1}`)
    }
    if (attempt <= failures.length) {
      throw new Violation(20, `${what} as attempt ${attempt} after ${failures.length} failures`)
    }
    const lost = this.#lost.get(taskId)?.size ?? 0
    if (lost > spec.maxLost) throw new Violation(20, `${what}, which ${lost} nodes have died of`)
    const last = failures.at(-1)
    if (last === undefined || !this.#isPunctual) return
    const waitedMs = this.#eventQueue.now - last.at
    const leastMs = leastWaitMs(spec.backoff, failures.length)
    if (waitedMs >= leastMs - 1) return
    throw new Violation(
      20,
      `${what} ${waitedMs} ms after failure ${failures.length}, not ${leastMs}`
    )
  }

  #knownFailures(node: SimNode, taskId: TaskId): Failure[] {
    return (this.#failures.get(taskId) ?? []).filter(({ boot, seq }) => {
      return boot === node.options.boot || hasRead(node, { origin: boot, seq })
    })
  }

  #lastWrite(boot: BootId, taskId: TaskId): number {
    const writes = this.#history.written.get(boot) ?? []
    return writes.findLastIndex(write => write.taskId === taskId) + 1
  }
}

function isReclaim(event: CoreEvent, by: BootId): event is TaskEvent {
  return event.name === 'task:reclaimed' && event.by === by
}

/** However the dice of jitter fall, no wait is shorter. */
function leastWaitMs({ delayMs, factor, maxDelayMs, jitter }: Backoff, failures: number): number {
  let ms = delayMs
  for (let n = 1; n < failures; n++) ms *= factor
  return Math.min(ms, maxDelayMs) * (1 - jitter)
}
