/**
 * Real processes, `kill -9`, and what was promised: whatever was accepted is there afterwards, and completes.
 *
 * `CHAOS_ROUNDS=10` (or `npm run soak -- kill-all`) kills all six that often, each time in the middle of another 2,000
 * tasks. A cluster lives through several rounds, and nothing of the rounds before may be missing either.
 */
import { afterAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import type { Client } from '../../src/api/client.ts'
import type { Submitted, TaskView } from '../../src/node/api/node-api.ts'
import { until } from '../support/until.ts'
import { ChaosCluster } from './cluster.ts'

const rounds = Number(process.env['CHAOS_ROUNDS'] ?? 2)
const TASKS = 2000
/** Submissions at once, on each of the nodes that tasks are submitted to. */
const CALLERS = 20
const TEST_MS_MAX = 150_000
const SETTLE_MS_MAX = 60_000

let cluster: ChaosCluster | undefined

async function start(): Promise<void> {
  cluster = await ChaosCluster.start()
}

async function endCluster(): Promise<void> {
  await cluster?.down()
  cluster = undefined
}

beforeEach(() => {
  onTestFailed(() => console.error(cluster?.stderr))
})

/** Submits to three nodes at once; `onAccepted` hears of each that was accepted. Ends early when the nodes die. */
async function submit(
  count: number,
  onAccepted: (submitted: Submitted, n: number) => void
): Promise<void> {
  let next = 0
  const caller = async (place: number): Promise<void> => {
    const client = await cluster!.client(place)
    while (next < count) {
      const n = next++
      onAccepted(await client.submit('nap', { ms: 5 + (n % 16), n }), n)
    }
  }
  const callers = [0, 2, 4].flatMap(place => Array.from({ length: CALLERS }, () => caller(place)))
  await Promise.allSettled(callers)
}

async function runsTasks(client: Client, node: string): Promise<boolean> {
  for await (const task of client.list({ state: 'running', node })) return task.state === 'running'
  return false
}

/** What a node says of a task, as far as all have to agree on it. Names of nodes that are gone not all of them know. */
function agreed({ state, epoch, attempt, startedAt, settledAt, result }: TaskView): unknown {
  return { state, epoch, attempt, startedAt, settledAt, result }
}

async function expectAllKept(accepted: ReadonlyMap<string, number>): Promise<void> {
  await cluster!.settled(SETTLE_MS_MAX)
  const views = await Promise.all(cluster!.running.map(place => cluster!.tasks(place)))
  const [first] = views
  for (const tasks of views) {
    const missing = [...accepted.keys()].filter(id => !tasks.has(id))
    expect(missing).toEqual([])
    const wrong = [...accepted].filter(([id, n]) => {
      const { state, result } = tasks.get(id)!
      return state !== 'completed' || (result as { n: number }).n !== n
    })
    expect(wrong).toEqual([])
    expect(tasks.size).toBe(first!.size)
    const different = [...tasks].filter(
      ([id, task]) => JSON.stringify(agreed(task)) !== JSON.stringify(agreed(first!.get(id)!))
    )
    expect(different.map(([id]) => id)).toEqual([])
  }
}

/** Kills all six when half of the tasks have been accepted. Those that count are added. */
async function killAllHalfWay(
  accepted: Map<string, number>,
  counts: (submitted: Submitted) => boolean
): Promise<void> {
  const half = accepted.size + TASKS / 2
  const dying: Promise<unknown>[] = []
  await submit(TASKS, (submitted, n) => {
    if (counts(submitted)) accepted.set(submitted.id, n)
    if (accepted.size >= half && dying.length === 0) {
      dying.push(cluster!.kill(...cluster!.running))
    }
  })
  await Promise.all(dying)
  expect(cluster!.running).toEqual([])
}

describe('all six killed in the same instant, and started again', () => {
  /** Of all rounds that this cluster has lived through. */
  let accepted = new Map<string, number>()

  /** A cluster with room for another round: no more than 10,000 settled tasks are kept. */
  async function startRound(): Promise<void> {
    if (cluster?.running.length === 6 && accepted.size <= 3 * TASKS) return
    await cluster?.down()
    accepted = new Map()
    await start()
  }

  afterAll(endCluster)

  test.each(Array.from({ length: rounds }, (_, i) => i + 1))(
    'have all that was accepted, complete it, and agree (round %i)',
    async () => {
      await startRound()
      const before = accepted.size
      await killAllHalfWay(accepted, () => true)
      await cluster!.startAll()
      await submit(before + TASKS - accepted.size, ({ id }, n) => accepted.set(id, n))
      expect(accepted.size).toBeGreaterThanOrEqual(before + TASKS)
      await expectAllKept(accepted)
    },
    TEST_MS_MAX
  )

  test.each(Array.from({ length: Math.ceil(rounds / 3) }, (_, i) => i + 1))(
    'have all that was accepted with a second copy, also when one of them has lost its disk (round %i)',
    async round => {
      await startRound()
      await killAllHalfWay(accepted, ({ acks }) => acks > 0)
      await cluster!.loseDisk(round % 6)
      await cluster!.startAll()
      await expectAllKept(accepted)
    },
    TEST_MS_MAX
  )
})

describe('a busy node that is killed', () => {
  afterAll(endCluster)

  test(
    'loses nothing: its tasks complete elsewhere without it',
    async () => {
      await start()
      const accepted = new Map<string, number>()
      const reactions: number[] = []
      for (const victim of [1, 2, 3, 4, 5]) {
        const client = await cluster!.client(0)
        // Long enough to be in the middle of one when it is killed, however busy the machine is.
        const submitted = Array.from({ length: 48 }, (_, n) =>
          client.submit('nap', { ms: 1500, n })
        )
        for (const [n, { id }] of (await Promise.all(submitted)).entries()) accepted.set(id, n)
        await until(() => runsTasks(client, cluster!.name(victim)), `${victim} to be busy`)
        const killedAt = await cluster!.kill(victim)
        await cluster!.settled(SETTLE_MS_MAX)
        const tasks = [...(await cluster!.tasks(0)).values()]
        const rescued = tasks.filter(
          ({ lost, startedAt }) =>
            lost.includes(cluster!.name(victim)) && Date.parse(startedAt!) >= killedAt
        )
        expect(rescued.length).toBeGreaterThan(0)
        const first = Math.min(...rescued.map(({ startedAt }) => Date.parse(startedAt!)))
        reactions.push(first - killedAt)
        await expectAllKept(accepted)
        await cluster!.startAll()
      }
      const median = reactions.toSorted((x, y) => x - y)[2]
      console.log(
        `from kill -9 to the first run elsewhere: ${reactions.join(', ')} ms, median ${median} ms`
      )
    },
    TEST_MS_MAX
  )
})
