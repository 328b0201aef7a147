/**
 * How long one task takes, and how many go through: no-op functions on six nodes.
 *
 * Runs stand apart by how warm the cluster is: in the first ones six processes compile what they run, on the same cores.
 */
import { BenchCluster } from './cluster.ts'
import { figure, quantile, type Row } from './figures.ts'
import { Profile, type Profiled } from './profile.ts'

const NODES = 6
const SEQUENTIAL = 300
const MANY = 10_000
/** Of a payload, as JSON. */
const PAYLOAD = 'x'.repeat(98)
/** In order. From the second run of throughput on, as many old tasks are forgotten as new ones come. */
const LATENCY_RUNS = { first: 1, later: 5 }
const PROFILED_RUNS = 3
const THROUGHPUT_RUNS = { first: 1, warming: 3, warm: 7 }

type Latency = Readonly<{ p50: number; p99: number }>
type Throughput = Readonly<{ rate: number; cpuMs: number }>

/** One task after the other: from the call of `createTask` until its result is known where it was submitted. */
export async function latency(say: (text: string) => void): Promise<Row[]> {
  const runs = await measured(LATENCY_RUNS, timeSequence, say)
  return Array.from(runs, ([which, list]) => ({
    tasks: SEQUENTIAL,
    runs: which,
    'p50 ms': figure(list.map(({ p50 }) => p50)),
    'p99 ms': figure(list.map(({ p99 }) => p99))
  }))
}

/** Many tasks at once, submitted at one node. */
export async function throughput(say: (text: string) => void): Promise<Row[]> {
  const runs = await measured(THROUGHPUT_RUNS, timeMany, say)
  return Array.from(runs, ([which, list]) => ({
    tasks: MANY,
    runs: which,
    'results/s': figure(list.map(({ rate }) => rate)),
    'CPU ms/task': figure(list.map(({ cpuMs }) => cpuMs))
  }))
}

/** Where the submitting node and another one spend their time under that load, once they are warm. */
export async function profile(): Promise<{ submitting: Profiled; other: Profiled }> {
  const cluster = await BenchCluster.start(NODES)
  try {
    await cluster.node.startWorker()
    for (let i = 0; i < THROUGHPUT_RUNS.first + THROUGHPUT_RUNS.warming; i++) await runMany(cluster)
    const own = new Profile()
    await own.start()
    await cluster.ask('profile')
    for (let i = 0; i < PROFILED_RUNS; i++) await runMany(cluster)
    const submitting = await own.stop()
    const [other] = await cluster.ask<Profiled>('profiled')
    return { submitting, other: other! }
  } finally {
    await cluster.stop()
  }
}

/** Runs on one cluster, in order. @param phases how many runs belong together, by what they are called */
async function measured<T>(
  phases: Readonly<Record<string, number>>,
  run: (cluster: BenchCluster) => Promise<T>,
  say: (text: string) => void
): Promise<Map<string, T[]>> {
  const cluster = await BenchCluster.start(NODES)
  try {
    await cluster.node.startWorker()
    const done = new Map<string, T[]>()
    for (const [phase, count] of Object.entries(phases)) {
      const list: T[] = []
      done.set(phase, list)
      for (let i = 1; i <= count; i++) {
        list.push(await run(cluster))
        say(`${phase}, run ${i} of ${count}: done`)
      }
    }
    return done
  } finally {
    await cluster.stop()
  }
}

async function timeSequence({ node }: BenchCluster): Promise<Latency> {
  const times: number[] = []
  for (let i = 0; i < SEQUENTIAL; i++) {
    const startedAt = performance.now()
    await node.waitForTask(await node.createTask('noop', null))
    times.push(performance.now() - startedAt)
  }
  times.sort((x, y) => x - y)
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

async function timeMany(cluster: BenchCluster): Promise<Throughput> {
  const cpuBefore = await cluster.cpuMs()
  const startedAt = performance.now()
  await runMany(cluster)
  const rate = (1000 * MANY) / (performance.now() - startedAt)
  return { rate, cpuMs: ((await cluster.cpuMs()) - cpuBefore) / MANY }
}

/** Submits many no-op tasks at one node, and waits there until all their results are known. */
async function runMany({ node }: BenchCluster): Promise<void> {
  const submissions = Array.from({ length: MANY }, () => node.createTask('noop', PAYLOAD))
  await Promise.all(submissions.map(async id => node.waitForTask(await id)))
}
