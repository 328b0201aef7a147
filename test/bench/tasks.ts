/** How long one task takes, and how many go through: no-op functions on six nodes. */
import { BenchCluster } from './cluster.ts'
import { figure, quantile, type Row } from './figures.ts'

const NODES = 6
const SEQUENTIAL = 300
const WARM_UP = 30
const MANY = 10_000
/** Of a payload, as JSON. */
const PAYLOAD = 'x'.repeat(98)
const RUNS = 3

/** One task after the other: from the call of `createTask` until its result is known where it was submitted. */
export async function latency(): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES)
  try {
    const { node } = cluster
    await node.startWorker()
    const times: number[] = []
    for (let i = 0; i < WARM_UP + SEQUENTIAL; i++) {
      const startedAt = performance.now()
      await node.waitForTask(await node.createTask('noop', null))
      if (i >= WARM_UP) times.push(performance.now() - startedAt)
    }
    times.sort((x, y) => x - y)
    return [{ tasks: SEQUENTIAL, 'p50 ms': quantile(times, 0.5), 'p99 ms': quantile(times, 0.99) }]
  } finally {
    await cluster.stop()
  }
}

/** Many tasks at once, submitted at one node. */
export async function throughput(say: (text: string) => void): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES)
  try {
    const { node } = cluster
    await node.startWorker()
    const rates: number[] = []
    const costs: number[] = []
    for (let run = 0; run < RUNS; run++) {
      const cpuBefore = await cluster.cpuMs()
      const startedAt = performance.now()
      await runMany(cluster)
      rates.push((1000 * MANY) / (performance.now() - startedAt))
      costs.push(((await cluster.cpuMs()) - cpuBefore) / MANY)
      say(`run ${run + 1} of ${RUNS}: done`)
    }
    return [{ tasks: MANY, 'results/s': figure(rates), 'CPU ms/task': figure(costs) }]
  } finally {
    await cluster.stop()
  }
}

/** Submits many no-op tasks at one node, and waits there until all their results are known. */
export async function runMany({ node }: BenchCluster): Promise<void> {
  const submissions = Array.from({ length: MANY }, () => node.createTask('noop', PAYLOAD))
  await Promise.all(submissions.map(async id => node.waitForTask(await id)))
}
