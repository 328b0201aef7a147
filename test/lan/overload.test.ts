/** Six nodes that have a third of a core together, and far more tasks than that is enough for: slower, never wrong. */
import { fileURLToPath } from 'node:url'
import { expect, onTestFailed, test } from 'vitest'
import { Cluster } from './cluster.ts'
import { CpuGroup, groupUnavailable } from './cpu-group.ts'
import { Lan, lanUnavailable } from './lan.ts'
import { overload } from './overload.ts'

const handlers = fileURLToPath(new URL('fixtures/noop.ts', import.meta.url))
const CPUS = 0.3
const COUNT = 2000
/** Alone, the tasks take 5 ms of a core each, 30 s in all. */
const SETTLE_MS_MAX = 240_000
/** What the nodes have still to tell each other. */
const REST_MS = 10_000
/** A node that has just started has 110 MiB, and 50,000 records take 100. */
const MIB_MAX = 350
/** A submission on so slow a computer, idle or not, is late by as long as the kernel lets nobody run. */
const SLOWER_MAX = 5
const LATE_MS = 1000

const unavailable = lanUnavailable() ?? groupUnavailable()
if (unavailable !== null) console.warn(`the test of overload is skipped: ${unavailable}`)

test.skipIf(unavailable !== null)(
  'six nodes on a third of a core take 2,000 tasks: nobody is taken for gone, nothing is taken over, and it passes',
  async () => {
    const lan = await Lan.up()
    const group = CpuGroup.make(CPUS)
    let cluster: Cluster | undefined
    try {
      cluster = await Cluster.start(lan, () => [handlers])
      const said = cluster
      onTestFailed(() => console.error(said.stderr))
      const given = { count: COUNT, lan, group, settleMsMax: SETTLE_MS_MAX, restMs: REST_MS }
      const figures = await overload(cluster, given)
      console.log(JSON.stringify(figures))
      expect(figures.alarms).toEqual({})
      expect(figures.refused).toEqual([])
      expect(figures.reclaimed).toBe(0)
      expect(figures.completed).toBe(figures.count)
      expect(Math.max(...figures.peakMib)).toBeLessThan(MIB_MAX)
      expect(figures.afterMs).toBeLessThan(figures.idleMs * SLOWER_MAX + LATE_MS)
    } finally {
      await cluster?.down()
      await lan.down()
      await group.removeWhenEmpty()
    }
  },
  SETTLE_MS_MAX + 180_000
)
