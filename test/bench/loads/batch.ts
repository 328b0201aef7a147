/**
 * A batch of 200 tasks of 100 ms, and what the death of a worker near its end costs: by then nothing counts but how soon
 * its task is found, taken over and run again.
 */
import { staged } from '../systems/system.ts'
import type { Load } from './load.ts'

const FIRST = 20
const KILL_AT = 0.95
const LENGTHS_MS = Array.from({ length: 200 }, () => 100)

export const batch: Load = {
  title: '200 tasks of 100 ms',
  rows: {
    'nobody killed, cold': ['ms'],
    'nobody killed, warm': ['ms'],
    'one killed at 95 %': ['ms', 'ms more']
  },
  measure: system =>
    staged(system, async stage => {
      await stage.connect()
      await stage.sequence(FIRST)
      const cold = await stage.many(LENGTHS_MS)
      const warm = await stage.many(LENGTHS_MS)
      const killed = await stage.manyKilling(LENGTHS_MS, KILL_AT)
      return {
        'nobody killed, cold': { ms: cold.ms },
        'nobody killed, warm': { ms: warm.ms },
        'one killed at 95 %': { ms: killed.ms, 'ms more': killed.ms - warm.ms }
      }
    })
}
