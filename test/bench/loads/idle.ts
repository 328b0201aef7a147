/**
 * What six workers cost that have nothing to do, and the broker, if there is one: CPU time over 20 s, and memory at their
 * end. They have run a few tasks, and whoever submitted these is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { staged } from '../systems/system.ts'
import type { Load } from './load.ts'

const FIRST = 20
/** A young cluster is still busy with itself. */
const SETTLE_MS = 20_000
const WINDOW_MS = 20_000
const MIB = 1024 * 1024

export const idle: Load = {
  title: 'six idle',
  rows: { '20 s after the start': ['% of a core', 'MiB'] },
  measure: system =>
    staged(system, async stage => {
      const startedAt = performance.now()
      await stage.connect()
      await stage.sequence(FIRST)
      await stage.disconnect()
      await sleep(Math.max(0, startedAt + SETTLE_MS - performance.now()))
      const before = await stage.used()
      const from = performance.now()
      await sleep(WINDOW_MS)
      const after = await stage.used()
      const percent = (100 * (after.cpuMs - before.cpuMs)) / (performance.now() - from)
      return { '20 s after the start': { '% of a core': percent, MiB: after.rssBytes / MIB } }
    })
}
