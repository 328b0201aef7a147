/**
 * How well work spreads: 600 tasks of very different lengths, submitted at once.
 *
 * Two measures. The ideal is what no scheduler can beat: all slots busy to the end, or the longest task, if that is more.
 * The floor is what workers would take who pull the tasks in the order of their submission, without any overhead; it is
 * computed from how long the tasks really ran, so that a busy computer does not count.
 */
import { floorOf, skewed } from '../../support/virtual.ts'
import type { Many } from '../systems/order.ts'
import { staged, WORKERS } from '../systems/system.ts'
import type { Load } from './load.ts'
import { coldAndWarm } from './phases.ts'

const FIRST = 20
/** Another order of the tasks in each run. */
const RUNS_PER_ROUND = 3
const figures = ['over the ideal', 'over the floor']

export const balance: Load = {
  title: '600 tasks of 5 to 500 ms',
  rows: { cold: figures, warm: figures },
  measure: (system, round) =>
    staged(system, async stage => {
      await stage.connect()
      await stage.sequence(FIRST)
      return coldAndWarm(async nth => {
        const lengthsMs = skewed(round * RUNS_PER_ROUND + nth)
        return spreadOf(lengthsMs, await stage.many(lengthsMs), WORKERS)
      })
    })
}

/** @param lengthsMs how long the tasks should take @param run how long they and all of it took */
export function spreadOf(
  lengthsMs: readonly number[],
  { ms, ranMs }: Many,
  workers: number
): Record<string, number> {
  const total = lengthsMs.reduce((sum, one) => sum + one, 0)
  const idealMs = Math.max(total / workers, ...lengthsMs)
  return { 'over the ideal': ms / idealMs, 'over the floor': ms / floorOf(workers, ranMs) }
}
