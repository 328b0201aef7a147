/** All that is measured from outside, by name. */
import { balance } from './balance.ts'
import { batch } from './batch.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import type { Load } from './load.ts'
import { start } from './start.ts'
import { throughput } from './throughput.ts'

export const LOADS: Readonly<Record<string, Load>> = {
  throughput,
  latency,
  balance,
  batch,
  idle,
  start
}
