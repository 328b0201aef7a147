/** How long one task takes, and how many go through: no-op functions on six nodes. */
import { BenchCluster } from './cluster.ts'
import { figure, quantile, type Row } from './figures.ts'

const NODES = 6
const SEQUENTIAL = 300
const WARM_UP = 30
const MANY = 10_000
/** Of a payload, as JSON. */
const PAYLOAD = 'x'.repeat(98)
const RUNS = 5

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

/**
 * Many tasks at once, submitted at one node. The first run stands apart: in it every process compiles what it runs, and from
 * the second on as many old tasks are forgotten as new ones come.
 */
export async function throughput(say: (text: string) => void): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES)
  try {
    await cluster.node.startWorker()
    const first = await timeMany(cluster)
    say('first run: done')
    const later: Run[] = []
    for (let run = 1; run <= RUNS; run++) {
      later.push(await timeMany(cluster))
      say(`run ${run} of ${RUNS} after it: done`)
    }
    return [rowOf('first', [first]), rowOf('later', later)]
  } finally {
    await cluster.stop()
  }
}

type Run = Readonly<{ rate: number; cpuMs: number }>

async function timeMany(cluster: BenchCluster): Promise<Run> {
  const cpuBefore = await cluster.cpuMs()
  const startedAt = performance.now()
  await runMany(cluster)
  const rate = (1000 * MANY) / (performance.now() - startedAt)
  return { rate, cpuMs: ((await cluster.cpuMs()) - cpuBefore) / MANY }
}

function rowOf(runs: string, measured: readonly Run[]): Row {
  return {
    tasks: MANY,
    runs,
    'results/s': figure(measured.map(({ rate }) => rate)),
    'CPU ms/task': figure(measured.map(({ cpuMs }) => cpuMs))
  }
}

/** Submits many no-op tasks at one node, and waits there until all their results are known. */
export async function runMany({ node }: BenchCluster): Promise<void> {
  const submissions = Array.from({ length: MANY }, () => node.createTask('noop', PAYLOAD))
  await Promise.all(submissions.map(async id => node.waitForTask(await id)))
}
