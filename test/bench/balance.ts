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

type Run = Readonly<{ makespanMs: number; ratio: number }>

/** The first run stands apart: in it every process compiles what it runs. */
export async function balance(say: (text: string) => void): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES, { concurrency: 1 })
  try {
    await cluster.node.startWorker()
    await runAll(
      cluster,
      Array.from({ length: WARM_UP }, () => 5)
    )
    const runs: Run[] = []
    for (let run = 0; run <= RUNS; run++) {
      runs.push(await timed(cluster, skewed(run)))
      const which = run === 0 ? 'first run' : `run ${run} of ${RUNS} after it`
      say(`${which}: ${runs.at(-1)!.ratio.toFixed(3)} of the floor`)
    }
    return [rowOf('first', runs.slice(0, 1)), rowOf('later', runs.slice(1))]
  } finally {
    await cluster.stop()
  }
}

async function timed(cluster: BenchCluster, lengthsMs: readonly number[]): Promise<Run> {
  const slept = await runAll(cluster, lengthsMs)
  const makespanMs =
    Math.max(...slept.map(({ endedAt }) => endedAt)) -
    Math.min(...slept.map(({ startedAt }) => startedAt))
  const durations = slept.map(({ startedAt, endedAt }) => endedAt - startedAt)
  return { makespanMs, ratio: makespanMs / floorOf(NODES, durations) }
}

function rowOf(runs: string, measured: readonly Run[]): Row {
  return {
    tasks: TASKS,
    runs,
    'makespan ms': figure(measured.map(({ makespanMs }) => makespanMs)),
    'of the floor': figure(measured.map(({ ratio }) => ratio))
  }
}

async function runAll({ node }: BenchCluster, all: readonly number[]): Promise<Slept[]> {
  const ids = await Promise.all(all.map(ms => node.createTask('sleep', ms)))
  return Promise.all(ids.map(id => node.waitForTask(id) as Promise<Slept>))
}
