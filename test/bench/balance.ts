/**
 * How well work spreads: many tasks of very different lengths, submitted on one of six nodes, one slot each.
 *
 * The measure is the time that six workers would take who pull the same tasks in the order of their submission, without any
 * overhead. It is computed from how long the handlers really ran, so that a busy computer does not count against us.
 */
import { BenchCluster } from './cluster.ts'
import { floorOf, skewed } from '../support/virtual.ts'
import { figure, type Row } from './figures.ts'
import type { Slept } from './sleep.ts'

const NODES = 6
const TASKS = 600
const RUNS = 5
const WARM_UP = 60
export async function balance(say: (text: string) => void): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES, { concurrency: 1 })
  try {
    const { node } = cluster
    await node.startWorker()
    const ratios: number[] = []
    const spans: number[] = []
    await runAll(
      cluster,
      Array.from({ length: WARM_UP }, () => 5)
    )
    for (let run = 0; run < RUNS; run++) {
      const slept = await runAll(cluster, skewed(run + 1))
      const makespan =
        Math.max(...slept.map(({ endedAt }) => endedAt)) -
        Math.min(...slept.map(({ startedAt }) => startedAt))
      const floor = floorOf(
        NODES,
        slept.map(({ startedAt, endedAt }) => endedAt - startedAt)
      )
      ratios.push(makespan / floor)
      spans.push(makespan)
      say(`run ${run + 1} of ${RUNS}: ${(makespan / floor).toFixed(3)} of the floor`)
    }
    return [{ tasks: TASKS, 'makespan ms': figure(spans), 'of the floor': figure(ratios) }]
  } finally {
    await cluster.stop()
  }
}

async function runAll({ node }: BenchCluster, all: readonly number[]): Promise<Slept[]> {
  const ids = await Promise.all(all.map(ms => node.createTask('sleep', ms)))
  return Promise.all(ids.map(id => node.waitForTask(id) as Promise<Slept>))
}
