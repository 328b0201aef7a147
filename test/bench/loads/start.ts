/** How soon six workers are there, with the broker, if there is one: until all take tasks, and until all have met. */
import { until } from '../../support/until.ts'
import { staged } from '../systems/system.ts'
import type { Load } from './load.ts'

const MEET_MS_MAX = 60_000

export const start: Load = {
  title: 'six started',
  rows: { 'until all take tasks': ['ms', 'CPU ms'], 'until all have met': ['ms'] },
  own: ['until all have met'],
  measure: system => {
    const from = performance.now()
    return staged(system, async stage => {
      const takeTasksMs = performance.now() - from
      const { cpuMs } = await stage.used()
      const haveAllMet = async (): Promise<boolean> => {
        const met = await stage.met()
        return met.every(others => others === null || others === met.length - 1)
      }
      await until(haveAllMet, 'all to meet', MEET_MS_MAX)
      const metMs = (await stage.met()).includes(null) ? null : performance.now() - from
      return {
        'until all take tasks': { ms: takeTasksMs, 'CPU ms': cpuMs },
        'until all have met': { ms: metMs }
      }
    })
  }
}
