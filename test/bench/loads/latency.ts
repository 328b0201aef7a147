/** How long one task takes that does nothing: from the call that submits it until its result is known there. */
import { quantile } from '../figures.ts'
import { staged, type Stage } from '../systems/system.ts'
import type { Load } from './load.ts'
import { coldAndWarm } from './phases.ts'

const TASKS = 300
const FIRST = 50
const figures = ['p50 ms', 'p99 ms', 'CPU ms/task']

export const latency: Load = {
  title: 'one task after the other',
  rows: { cold: figures, warm: figures },
  measure: system =>
    staged(system, async stage => {
      await stage.connect()
      await stage.sequence(FIRST)
      return coldAndWarm(() => timed(stage))
    })
}

async function timed(stage: Stage): Promise<Record<string, number>> {
  const before = await stage.used()
  const { sortedMs } = await stage.sequence(TASKS)
  const after = await stage.used()
  return {
    'p50 ms': quantile(sortedMs, 0.5),
    'p99 ms': quantile(sortedMs, 0.99),
    'CPU ms/task': (after.cpuMs - before.cpuMs) / TASKS
  }
}
