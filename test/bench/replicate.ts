/**
 * How fast tasks are accepted at one node and known to all. Nobody can run them, so that nothing else is measured.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { BenchCluster } from './cluster.ts'
import { figure, type Row } from './figures.ts'
import { loopbackBytes } from './usage.ts'

/** How many submissions are under way at once. */
const WINDOW = 512
/** Of a payload, as JSON. */
const PAYLOAD = 'x'.repeat(98)
/** Takes seconds: what nobody is in a hurry to say is in the next heartbeat, a second later in any case. */
const LONG_RUN = 40_000
/** Where the log is to stay about as long as it is. How cost grows with it is told by CPU time and bytes. */
const SHORT_RUN = 4000
const RUN_TIMEOUT_MS = 120_000
const NODES = [2, 3, 6, 12]
const HELD = [1000, 10_000, 100_000]
/** Heartbeats with what was before. */
const SETTLE_MS = 1500

export const guaranteed =
  'meanwhile each task was synced on its own node and on one other before it was accepted; ' +
  'a run ends when all nodes have confirmed to have all tasks on disk'

type Run = { accepted: number; replicated: number; cpuMs: number; bytes: number | null }

/** Six nodes. The first run stands apart: in it every process compiles what it runs. */
export async function replicate(say: (text: string) => void, reps: number): Promise<Row[]> {
  const cluster = await BenchCluster.start(6)
  try {
    const runs: Run[] = []
    for (let i = 0; i <= reps; i++) {
      runs.push(await runOnce(cluster, LONG_RUN))
      say(i === 0 ? 'first run: done' : `run ${i} of ${reps} after it: done`)
    }
    return [
      { tasks: LONG_RUN, runs: 'first', ...figuresOf(runs.slice(0, 1)) },
      { tasks: LONG_RUN, runs: 'later', ...figuresOf(runs.slice(1)) }
    ]
  } finally {
    await cluster.stop()
  }
}

/** How it changes with the number of nodes, and with that of tasks that are there already. */
export async function growth(say: (text: string) => void, reps: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const nodes of NODES) {
    const cluster = await BenchCluster.start(nodes)
    try {
      for (const held of nodes === 6 ? [0, ...HELD] : [0]) {
        await fill(cluster, held)
        const runs: Run[] = []
        for (let i = 0; i < reps; i++) runs.push(await runOnce(cluster, SHORT_RUN))
        rows.push({ nodes, held, ...figuresOf(runs) })
        say(`${nodes} nodes, ${held} tasks held: done`)
      }
    } finally {
      await cluster.stop()
    }
  }
  return rows
}

let submitted = 0

async function fill(cluster: BenchCluster, held: number): Promise<void> {
  const missing = held - [...cluster.node.tasks()].length
  if (missing > 0) await submitAll(cluster, missing)
  await until(() => cluster.isSynced, 'all nodes to have the log', RUN_TIMEOUT_MS)
}

async function runOnce(cluster: BenchCluster, tasks: number): Promise<Run> {
  await sleep(SETTLE_MS)
  const before = await totals(cluster)
  const startedAt = performance.now()
  await submitAll(cluster, tasks)
  const acceptedMs = performance.now() - startedAt
  await until(() => cluster.isSynced, 'all nodes to have all tasks', RUN_TIMEOUT_MS)
  const replicatedMs = performance.now() - startedAt
  const after = await totals(cluster)
  return {
    accepted: (1000 * tasks) / acceptedMs,
    replicated: (1000 * tasks) / replicatedMs,
    cpuMs: (after.cpuMs - before.cpuMs) / tasks,
    bytes: after.bytes === null ? null : (after.bytes - before.bytes!) / tasks
  }
}

async function totals(cluster: BenchCluster): Promise<{ cpuMs: number; bytes: number | null }> {
  const usage = await cluster.usage()
  return {
    cpuMs: usage.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    bytes: await loopbackBytes()
  }
}

async function submitAll({ node }: BenchCluster, count: number): Promise<void> {
  const end = submitted + count
  const submitter = async (): Promise<void> => {
    while (submitted < end) {
      submitted++
      await node.createTask('nobody', PAYLOAD, { acks: 1 })
    }
  }
  await Promise.all(Array.from({ length: WINDOW }, submitter))
}

function figuresOf(runs: readonly Run[]): Row {
  const bytes = runs.map(run => run.bytes).filter(value => value !== null)
  return {
    'accepted/s': figure(runs.map(run => run.accepted)),
    'known to all/s': figure(runs.map(run => run.replicated)),
    'CPU ms/task': figure(runs.map(run => run.cpuMs)),
    'bytes/task': bytes.length === 0 ? null : figure(bytes)
  }
}
