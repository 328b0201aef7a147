/**
 * What the death of a node costs a batch of work: 200 tasks of 100 ms, one at a time on each of six nodes, and one node
 * is killed while it runs one of them. Early in the batch the others also do the dead node's share; near its end all
 * that counts is how soon the lost task is found, taken over and run again.
 */
import { until } from '../support/until.ts'
import { BenchCluster } from './cluster.ts'
import { figure, type Row } from './figures.ts'

const NODES = 6
const TASKS = 200
const TASK_MS = 100
const KILL_AT = { 'a third': 1 / 3, '95 %': 0.95 }

type Run = Readonly<{ ms: number; found: number; taken: number; settled: number }>
/** `overMs`: how much longer it took than the run of the same round in which nobody died. */
type Killed = Run & Readonly<{ overMs: number }>

export async function lateKill(say: (text: string) => void, rounds: number): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES, { concurrency: 1 })
  try {
    const { node } = cluster
    await node.startWorker()
    await runOnce(cluster, null)
    const rows: Row[] = []
    const plain: number[] = []
    const killed = new Map(Object.keys(KILL_AT).map((name): [string, Killed[]] => [name, []]))
    for (let round = 1; round <= rounds; round++) {
      const { ms: plainMs } = await runOnce(cluster, null)
      plain.push(plainMs)
      for (const [name, share] of Object.entries(KILL_AT)) {
        const run = await runOnce(cluster, share)
        killed.get(name)!.push({ ...run, overMs: run.ms - plainMs })
      }
      say(`round ${round} of ${rounds}: done`)
    }
    const usual = figure(plain).median
    rows.push({ ...rowOf('never', []), 'run ms': figure(plain) })
    for (const [name, runs] of killed) rows.push(rowOf(name, runs, usual, KILL_AT))
    return rows
  } finally {
    await cluster.stop()
  }
}

function rowOf(
  name: string,
  runs: readonly Killed[],
  usual: number = 0,
  shares: Readonly<Record<string, number>> = {}
): Row {
  const of = (value: (run: Killed) => number): Row[string] =>
    runs.length === 0 ? null : figure(runs.map(value))
  // What is left is done by one node less.
  const missing = usual * (1 - (shares[name] ?? 1)) * (1 / (NODES - 1))
  return {
    'killed at': name,
    'run ms': of(({ ms }) => ms),
    'over the plain run ms': of(({ overMs }) => overMs),
    'of which a slot less': runs.length === 0 ? null : missing,
    'detection ms': of(({ found }) => found),
    'reclaim ms': of(({ found, taken }) => taken - found),
    'settling and rerun ms': of(({ taken, settled }) => settled - taken)
  }
}

/** @param killAt when this share of the tasks is done, whoever runs one dies; null: nobody does */
async function runOnce(cluster: BenchCluster, killAt: number | null): Promise<Run> {
  const { node } = cluster
  const startedAt = performance.now()
  const ids = await Promise.all(
    Array.from({ length: TASKS }, () => node.createTask('sleep', TASK_MS, { acks: 1 }))
  )
  let done = 0
  const all = Promise.all(ids.map(id => node.waitForTask(id).then(() => done++)))
  if (killAt === null) {
    await all
    return { ms: performance.now() - startedAt, found: 0, taken: 0, settled: 0 }
  }
  await until(
    () => done >= TASKS * killAt,
    'the share of tasks to be done at which a node is killed',
    60_000
  )
  const victim = (): string | undefined =>
    node.nodes().find(({ self, name, running }) => !self && name !== null && running > 0)?.name ??
    undefined
  await until(() => victim() !== undefined, 'another node to be busy', 10_000)
  const name = victim()!
  const times = { found: 0, taken: 0, settled: 0 }
  const killedAt = performance.now()
  const passed = (): number => performance.now() - killedAt
  const lost = ids.filter(id => node.task(id).holder === name && node.task(id).settledAt === null)
  const stop = node.onEvent(({ event, node: who }) => {
    if (event === 'node:crashed' && who === name) times.found = passed()
  })
  await cluster.kill(name)
  const last = Promise.all(lost.map(id => node.waitForTask(id))).then(
    () => (times.settled = passed())
  )
  // The last word of the dead node may have been that it was done.
  const isTaken = (id: string): boolean =>
    node.task(id).holder !== name || node.task(id).settledAt !== null
  await until(() => lost.every(isTaken), 'a reclaim', 60_000)
  times.taken = passed()
  await Promise.all([all, last])
  const ms = performance.now() - startedAt
  stop()
  await cluster.restart(name)
  return { ms, ...times }
}
