/**
 * Far more tasks than six nodes have processor time for (test/lan/overload.ts): what it costs, and whether anybody was
 * taken for gone.
 */
import { fileURLToPath } from 'node:url'
import { Cluster } from '../lan/cluster.ts'
import { CpuGroup, groupUnavailable } from '../lan/cpu-group.ts'
import { Lan, lanUnavailable } from '../lan/lan.ts'
import { overload } from '../lan/overload.ts'

const handlers = fileURLToPath(new URL('../lan/fixtures/noop.ts', import.meta.url))
/** Of a core, for all six. */
const CPUS = 0.3
/** Guess: five times what a task takes, alone on a cluster with that much of a core. */
const MS_PER_TASK_MAX = 150
const REST_MS = 60_000

export async function overloaded(count: number): Promise<boolean> {
  const unavailable = lanUnavailable() ?? groupUnavailable()
  if (unavailable !== null) {
    console.log(`nothing is overloaded: ${unavailable}`)
    return true
  }
  const lan = await Lan.up()
  const group = CpuGroup.make(CPUS)
  let cluster: Cluster | undefined
  try {
    cluster = await Cluster.start(lan, () => [handlers])
    const settleMsMax = 60_000 + count * MS_PER_TASK_MAX
    const figures = await overload(cluster, { count, lan, group, settleMsMax, restMs: REST_MS })
    const { alarms, refused, completed, reclaimed, settledAfter, cpuSeconds } = figures
    const given = settledAfter * CPUS
    console.log(
      `${completed} of ${figures.count} completed after ${settledAfter.toFixed(0)} s, submitted after ` +
        `${figures.submittedAfter.toFixed(0)} s, ${refused.length} refused ${refused[0] ?? ''}`
    )
    console.log(
      `${(completed / settledAfter).toFixed(0)} a second; ${((1000 * cpuSeconds) / completed).toFixed(1)} ms of a core each; ` +
        `${cpuSeconds.toFixed(0)} s used of ${given.toFixed(0)} s given`
    )
    console.log(`alarms: ${JSON.stringify(alarms)}; reclaimed: ${reclaimed}`)
    console.log(`MiB at most: ${figures.peakMib.join(' ')}; after: ${figures.restMib.join(' ')}`)
    console.log(
      `a submission: ${figures.idleMs.toFixed(0)} ms before, ${figures.afterMs.toFixed(0)} ms after`
    )
    const isQuiet = Object.keys(alarms).length === 0 && reclaimed === 0
    return isQuiet && refused.length === 0 && completed === figures.count
  } finally {
    await cluster?.down()
    await lan.down()
    await group.removeWhenEmpty()
  }
}
