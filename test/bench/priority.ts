/**
 * How near to strict the order of priority is over a whole cluster: tasks of all priorities, which become ready on one of six
 * nodes at the same instant, one slot each.
 *
 * The measure is by how much a task began before the last of those that are more urgent: what a node has taken ahead, or
 * was on its way, when those were still waiting elsewhere. Strict would be no more than nothing.
 */
import { earlyMs } from '../support/virtual.ts'
import { BenchCluster } from './cluster.ts'
import { figure, quantile, type Row } from './figures.ts'
import type { Slept } from './sleep.ts'

const NODES = 6
const TASKS = 300
const TASK_MS = 20
/** By then all are submitted, and known to the node that holds them. */
const READY_MS = 1500

export async function priority(say: (text: string) => void, reps: number): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES, { concurrency: 1 })
  try {
    await cluster.node.startWorker()
    await run(cluster)
    const medians: number[] = []
    const worst: number[] = []
    for (let i = 0; i < reps; i++) {
      const early = (await run(cluster)).map(ms => Math.max(0, ms)).toSorted((x, y) => x - y)
      medians.push(quantile(early, 0.5))
      worst.push(early.at(-1)!)
      say(`run ${i + 1} of ${reps}: ${worst.at(-1)!.toFixed(0)} ms early at the most`)
    }
    return [{ tasks: TASKS, 'median early ms': figure(medians), 'most early ms': figure(worst) }]
  } finally {
    await cluster.stop()
  }
}

async function run({ node }: BenchCluster): Promise<number[]> {
  const runAt = Date.now() + READY_MS
  const tasks = Array.from({ length: TASKS }, (_, i) => 10 - (i % 10))
  const slept = await Promise.all(
    tasks.map(async level => {
      const id = await node.createTask('sleep', TASK_MS, { priority: level, runAt })
      return { ...((await node.waitForTask(id)) as Slept), priority: level }
    })
  )
  return earlyMs(slept)
}
