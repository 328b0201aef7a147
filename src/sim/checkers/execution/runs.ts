/** What goes on running, and what others do meanwhile: invariants 14 and 15. */
import type { Effect } from '../../../core/effect.ts'
import { isSettled } from '../../../core/task/record.ts'
import { show } from '../../predicates.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/**
 * Invariant 14: a run goes on only as long as its claim stands. A node that knows that the task has been claimed anew,
 * or has ended, has ended the run in the same step.
 *
 * @param effects of the step, which have not been performed yet
 */
export function checkAborts(node: SimNode, effects: readonly Effect[]): void {
  for (const [taskId, { epoch }] of node.running) {
    const record = node.core.view.record(taskId)
    const stands =
      record !== undefined &&
      record.claim.holder === node.options.boot &&
      record.claim.epoch === epoch &&
      !isSettled(record)
    if (stands || effects.some(effect => effect.kind === 'abort' && effect.taskId === taskId)) {
      continue
    }
    const what = record === undefined ? `${taskId}, forgotten` : show(node, record)
    throw new Violation(14, `${node.options.name} goes on with epoch ${epoch} of ${what}`)
  }
}

/**
 * Invariant 15: where nodes are told to end their work when they are alone, none starts what another one still runs,
 * cut or not.
 *
 * It holds as far as both sides of a cut have heard each other equally long. So it is checked where no word is lost but
 * by cuts, and no node stands still: one that does ends nothing either.
 */
export class SelfFencingChecker {
  readonly #nodes: readonly SimNode[]
  readonly #isPromised: boolean

  constructor(nodes: readonly SimNode[], scenario: Scenario) {
    const { stopAfterIsolatedMs, pauses } = scenario
    const { gossipLoss, linkBreak } = scenario.network
    this.#nodes = nodes
    this.#isPromised = stopAfterIsolatedMs > 0 && pauses + gossipLoss + linkBreak === 0
  }

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, effects: readonly Effect[]): void {
    if (!this.#isPromised) return
    for (const effect of effects) {
      if (effect.kind !== 'start') continue
      const { taskId } = effect.run
      const other = this.#nodes.find(n => n !== node && !n.gone && n.running.has(taskId))
      if (other === undefined) continue
      throw new Violation(
        15,
        `${node.options.name} starts ${taskId}, which ${other.options.name} has not ended`
      )
    }
  }
}
