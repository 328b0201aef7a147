/** How many tasks go through: all are submitted at once, and do nothing. */
import { staged, type Stage } from '../systems/system.ts'
import type { Load } from './load.ts'
import { coldAndWarm } from './phases.ts'

const TASKS = 10_000
const FIRST_SINGLE = 20
const FIRST_AT_ONCE = 300
const figures = ['tasks/s', 'CPU ms/task']

export const throughput: Load = {
  title: '10,000 tasks that do nothing',
  rows: { cold: figures, warm: figures },
  measure: system =>
    staged(system, async stage => {
      await stage.connect()
      await stage.sequence(FIRST_SINGLE)
      await stage.many(nothing(FIRST_AT_ONCE))
      return coldAndWarm(() => timed(stage))
    })
}

async function timed(stage: Stage): Promise<Record<string, number>> {
  const before = await stage.used()
  const { ms } = await stage.many(nothing(TASKS))
  const after = await stage.used()
  return { 'tasks/s': (1000 * TASKS) / ms, 'CPU ms/task': (after.cpuMs - before.cpuMs) / TASKS }
}

function nothing(count: number): number[] {
  return Array.from({ length: count }, () => 0)
}
