/**
 * Invariant 14: a run goes on only as long as its claim stands. Whoever knows that the task has been claimed anew, or has
 * ended, has ended the run in the same step.
 */
import type { Effect } from '../../core/effect.ts'
import { isSettled } from '../../core/task/record.ts'
import { show } from '../look.ts'
import type { SimNode } from '../sim-node.ts'
import { Violation } from '../violation.ts'

/** @param effects of the step, which have not been performed yet */
export function checkAborts(node: SimNode, effects: readonly Effect[]): void {
  for (const [taskId, epoch] of node.running) {
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
