/**
 * What callers are told of how tasks end. Invariant 4: an outcome that is told, or stands in the end, comes from a run.
 * Invariant 18: what was told stays, and every question is answered.
 */
import type { NodeId, TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import { isSettled, type Outcome, type TaskRecord } from '../../../core/task/record.ts'
import { endsWithoutRun, show } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

/**
 * Time after which a new link has told all that each of the two had: what is missing is fetched after half a second.
 */
const CAUGHT_UP_MS = 1500

export class OutcomeChecker {
  readonly #history: History
  /** Node -> peer -> when the link between them came up. */
  readonly #linkedAt = new Map<SimNode, Map<NodeId, number>>()
  /** Node -> tasks that a caller there has asked for, and has not been told of. */
  readonly #asked = new Map<SimNode, Map<TaskId, 'watch' | 'find'>>()
  /** Tasks that were taken over by a node that could not know how a run of them had ended. */
  readonly #shaken = new Set<TaskId>()
  /** Task -> the latest epoch under which it was written down how a run ended. */
  readonly #ended = new Map<TaskId, number>()

  constructor(history: History) {
    this.#history = history
  }

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#noteAsked(node, input)
    if (input.kind === 'link' && input.up) this.#linked(node, input.peer)
    for (const effect of effects) {
      const answered = answeredBy(effect)
      if (answered !== null) this.#asked.get(node)?.delete(answered)
      if (effect.kind === 'start') this.#started(node, effect.run.taskId)
      if (effect.kind === 'settled') this.#told(node, effect.taskId)
    }
  }

  /** The node wrote this. */
  wrote(node: SimNode, state: TaskRecord): void {
    const { spec, outcome } = state
    if (outcome?.by !== node.options.boot || endsWithoutRun(state)) return
    this.#ended.set(spec.id, Math.max(outcome.epoch, this.#ended.get(spec.id) ?? 0))
  }

  /** When all has calmed down. */
  final(): void {
    for (const node of this.#history.alive()) {
      for (const [id, outcome] of this.#history.told) {
        const record = node.core.view.record(id)
        if (record !== undefined) this.#stands(node, record, outcome)
      }
      for (const [id, how] of this.#asked.get(node) ?? []) {
        const record = node.core.view.record(id)
        // What nobody can run has not settled.
        if (how === 'watch' && record !== undefined && !isSettled(record)) continue
        throw new Violation(18, `${node.options.name} has never answered a ${how} of ${id}`)
      }
    }
  }

  /** A task that is not known here, or was reported before, is not waited for. */
  #noteAsked(node: SimNode, input: Input): void {
    if (input.kind !== 'watch' && input.kind !== 'find') return
    const { view } = node.core
    const { kind, taskId } = input
    if (kind === 'watch' && (view.record(taskId) === undefined || view.isReported(taskId))) return
    const asked = this.#asked.get(node) ?? new Map<TaskId, 'watch' | 'find'>()
    this.#asked.set(node, asked.set(taskId, kind))
  }

  #told(node: SimNode, taskId: TaskId): void {
    const record = node.core.view.record(taskId)
    if (record === undefined) {
      throw new Violation(4, `${node.options.name} tells how ${taskId} ended, and has forgotten it`)
    }
    checkProduced(this.#history, node, record)
    const { told } = this.#history
    const before = told.get(taskId)
    const isGuess = before === undefined || endsWithoutRun(record)
    if (isGuess || this.#isApart(taskId)) told.set(taskId, upper(before, record.outcome!))
    else this.#stands(node, record, before)
  }

  /**
   * A node that has taken a task over runs it anew if it cannot have heard how its last run ended: those that had heard
   * are down, too, or not back on a link, or only just. How an earlier run had failed says nothing of that.
   */
  #started(node: SimNode, taskId: TaskId): void {
    const ended = this.#ended.get(taskId)
    if (ended === undefined) return
    // Also where the claim of the node that takes it over has undone that meanwhile.
    const knows = this.#history.alive().some(({ id, core }) => {
      const isHeard = id === node.id || (node.core.view.isLinked(id) && !this.#isNewLink(node, id))
      return isHeard && (core.view.record(taskId)?.outcome?.epoch ?? -1) >= ended
    })
    if (!knows) this.#shaken.add(taskId)
  }

  #linked(node: SimNode, peer: NodeId): void {
    const links = this.#linkedAt.get(node) ?? new Map<NodeId, number>()
    this.#linkedAt.set(node, links.set(peer, node.now))
  }

  #isNewLink(node: SimNode, peer: NodeId): boolean {
    return node.now - (this.#linkedAt.get(node)?.get(peer) ?? 0) < CAUGHT_UP_MS
  }

  /** The task may be run in two places that do not know of each other, until they do. */
  #isApart(id: TaskId): boolean {
    return this.#history.isApart(id) || this.#shaken.has(id)
  }

  /**
   * Where all can reach each other, a completion to the letter. Of a failure the rest may be another: that a task is
   * overdue, or waits in vain, is seen by the node that takes it over before it has heard of anything; and a completion
   * stands above.
   */
  #stands(node: SimNode, record: TaskRecord, told: Outcome): void {
    const { outcome } = record
    const isCompleted = told.status === 'completed'
    const same: readonly (keyof Outcome)[] = isCompleted ? ['status', 'by', 'at'] : ['status']
    const isLoose = this.#isApart(record.spec.id) || endsWithoutRun({ ...record, outcome: told })
    const stands = isLoose
      ? !isCompleted || outcome?.status === 'completed'
      : same.every(key => outcome?.[key] === told[key])
    if (stands && isSettled(record)) return
    const was = `${told.status} at epoch ${told.epoch} by ${told.by}`
    throw new Violation(18, `${show(node, record)} was told to be ${was}`)
  }
}

/**
 * The task of which a caller has heard. One that was here as open and has settled and been pruned while its node was
 * away is over, too: its caller hears that nobody knows any more how it ended.
 */
function answeredBy(effect: Effect): TaskId | null {
  if (effect.kind === 'settled' || effect.kind === 'found') return effect.taskId
  const isPruned = effect.kind === 'notify' && effect.event.name === 'task:pruned'
  return isPruned ? (effect.event.taskId ?? null) : null
}

/** What is completed stays completed, whatever is said later. */
function upper(told: Outcome | undefined, outcome: Outcome): Outcome {
  return told?.status === 'completed' ? told : outcome
}

/** @param record which has settled */
export function checkProduced(history: History, node: SimNode, record: TaskRecord): void {
  const { spec, outcome } = record
  if (endsWithoutRun(record)) return
  if (!isAfterStart(record) && !isRepeated(history, record)) {
    throw new Violation(4, `${show(node, record)} has ended without a start`)
  }
  if (!history.executions.get(spec.id)?.some(({ status }) => status === outcome!.status)) {
    throw new Violation(4, `no run of ${spec.id} ended as ${outcome!.status}`)
  }
}

/** Whether the outcome is one under whose epoch the task was started, or of before that. */
function isAfterStart({ started, outcome }: TaskRecord): boolean {
  return started !== null && outcome !== null && started.epoch >= outcome.epoch
}

/**
 * Whether it is a failure that was written down once more, under the claim of a holder who had not heard of it. It
 * names the same run as it did where it was written first, after its start.
 */
function isRepeated({ written }: History, { spec, outcome }: TaskRecord): boolean {
  const { status, by, at } = outcome!
  if (status !== 'failed') return false
  const writes = written.get(by) ?? []
  return writes.some(({ taskId, state }) => {
    const first = state.outcome
    return taskId === spec.id && first?.by === by && first.at === at && isAfterStart(state)
  })
}
