/**
 * From the death of a busy node to its work running elsewhere, as a node that looks on sees it, and where the time goes:
 * until somebody found out, until the task was taken over, and until it had been started again.
 */
import { until } from '../support/until.ts'
import { BenchCluster } from './cluster.ts'
import { figure, type Row } from './figures.ts'

const NODES = 6

type Times = Readonly<{ found: number; taken: number; started: number }>

export async function recovery(say: (text: string) => void, reps: number): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES, { concurrency: reps })
  try {
    const times: Times[] = []
    for (let round = 1; round <= reps; round++) {
      times.push(await killHolder(cluster))
      say(`round ${round} of ${reps}: done`)
    }
    return [
      {
        kills: reps,
        'detection ms': figure(times.map(({ found }) => found)),
        'reclaim ms': figure(times.map(({ found, taken }) => taken - found)),
        'settling and start ms': figure(times.map(({ taken, started }) => started - taken)),
        'all ms': figure(times.map(({ started }) => started))
      }
    ]
  } finally {
    await cluster.stop()
  }
}

/** Kills whoever runs a task, waits until another one does, and starts the dead one again. */
async function killHolder(cluster: BenchCluster): Promise<Times> {
  const { node } = cluster
  const id = await node.createTask('hold', null)
  const isRunning = (): boolean => node.task(id).state === 'running'
  await until(isRunning, 'a task to run')
  const { holder } = node.task(id)
  const killedAt = performance.now()
  const passed = (): number => performance.now() - killedAt
  const noticed: number[] = []
  const stop = node.onEvent(({ event, node: name }) => {
    if (event === 'node:crashed' && name === holder) noticed.push(passed())
  })
  await cluster.kill(holder)
  await until(() => node.task(id).holder !== holder, 'a reclaim')
  const taken = passed()
  await until(isRunning, 'a new start')
  const started = passed()
  await until(() => noticed.length > 0, 'its death to be noticed here')
  stop()
  await cluster.restart(holder)
  // Whoever took over may have noticed before this node did.
  return { found: Math.min(noticed[0]!, taken), taken, started }
}
