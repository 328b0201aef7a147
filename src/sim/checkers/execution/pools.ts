/** Invariant 25: a task is started in one that can run it, and in a slot of its own. */
import { canRun, demandOf } from '../../../core/claim/claim.ts'
import type { Effect, Run } from '../../../core/effect.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

const INVARIANT = 25

/** @param effects of the step, which have not been performed yet */
export function checkPools(node: SimNode, effects: readonly Effect[]): void {
  if (!effects.some(({ kind }) => kind === 'start')) return
  const running = new Map(node.running)
  for (const effect of effects) {
    if (effect.kind === 'abort') running.delete(effect.taskId)
    if (effect.kind !== 'start') continue
    checkStart(node, effect.run, [...running.values()])
    running.set(effect.run.taskId, effect.run)
  }
}

function checkStart(node: SimNode, run: Run, running: readonly Run[]): void {
  const { taskId, pool: name, slot } = run
  const what = `${node.options.name} starts ${taskId} in slot ${slot} of its pool ${name}`
  const pool = node.pools.find(each => each.name === name)
  if (pool === undefined) throw new Violation(INVARIANT, `${what}, which is gone`)
  if (!canRun(pool, demandOf(node.core.view.record(taskId)!.spec))) {
    throw new Violation(INVARIANT, `${what}, which cannot run ${run.type}`)
  }
  const beside = running.filter(each => each.pool === name)
  if (beside.length >= pool.slots) {
    throw new Violation(INVARIANT, `${what}, where ${beside.length} of ${pool.slots} are taken`)
  }
  if (beside.some(each => each.slot === slot)) {
    throw new Violation(INVARIANT, `${what}, where another task runs`)
  }
}
