/**
 * The reference cluster, as a user meets it: six node processes on three computers, the CLI, and nothing in the middle.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import type { NodeView, Submitted, TaskView } from '../../src/node/api/node-api.ts'
import { hasPython } from '../clients/python.ts'
import { until } from '../support/until.ts'
import { Cluster } from './cluster.ts'
import { Lan, lanUnavailable, lossUnavailable } from './lan.ts'
import { checkOutsideWorkers, OutsideWorkers } from './outside/outside-workers.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`six nodes on a LAN are skipped: ${unavailable}`)

const common = fileURLToPath(new URL('fixtures/common.ts', import.meta.url))
const special = fileURLToPath(new URL('fixtures/special.ts', import.meta.url))
const specialist = 'computer-c/6'
const handlersOf = (name: string): string[] => (name === specialist ? [common, special] : [common])

const noLoss = unavailable ?? lossUnavailable()
if (noLoss !== null) console.warn(`the test of lost packets is skipped: ${noLoss}`)
/** Of the packets between two computers. */
const LOSS_PERCENT = 30
/** A stream whose packets are lost several times in a row stands still for seconds. */
const LOSSY_WAIT_MS = 60_000

const levels = [
  { level: 'six nodes on three computers, found by mDNS', onLan: true },
  { level: 'six nodes on 127.0.0.1, told where the first one is', onLan: false }
]

describe.each(levels)('$level', ({ onLan }) => {
  const skip = onLan && unavailable !== null
  let lan: Lan | null = null
  let cluster: Cluster

  beforeAll(async () => {
    if (skip) return
    if (onLan) lan = await Lan.up()
    cluster = await Cluster.start(lan, handlersOf)
  })
  afterAll(async () => {
    await cluster?.down()
    await lan?.down()
  })

  const check = (rule: string, body: () => Promise<void>): void =>
    test.skipIf(skip)(rule, async () => {
      onTestFailed(() => console.error(cluster.stderr))
      await body()
    })

  const submit = async (node: string, ...args: string[]): Promise<string> => {
    const [submitted] = await cluster.json<Submitted>(node, 'submit', ...args)
    return submitted!.id
  }
  const wait = async (node: string, ...ids: string[]): Promise<TaskView[]> =>
    cluster.json<TaskView>(node, 'wait', '--timeout', '30s', ...ids)

  check('every node names all six, alive and connected', async () => {
    const names = cluster.nodes.map(({ name }) => name)
    for (const { name } of cluster.nodes) {
      const members = await cluster.json<NodeView>(name, 'nodes')
      expect(new Set(members.map(member => member.name))).toEqual(new Set(names))
      expect(members.map(member => member.status)).toEqual(names.map(() => 'alive'))
      expect(members.filter(({ self }) => self).map(member => member.name)).toEqual([name])
    }
  })

  check('a task submitted on one computer is waited for on another', async () => {
    const id = await submit('computer-a/1', 'add', '{"amount":7}')
    const [task] = await wait('computer-b/3', id)
    expect(task).toMatchObject({ id, state: 'completed', result: 7, submittedBy: 'computer-a/1' })
  })

  check('results of a chain of dependencies arrive, whoever ran them', async () => {
    const first = await submit('computer-a/1', 'add', '{"amount":1}')
    const second = await submit('computer-b/4', 'add', '{"amount":10}', '--depends-on', first)
    const third = ['add', '{"amount":100}', '--depends-on', first, '--depends-on', second]
    const [task] = await wait('computer-a/2', await submit('computer-c/5', ...third))
    expect(task).toMatchObject({ state: 'completed', result: 112 })
  })

  check('a type that only one node handles is run there', async () => {
    const id = await submit('computer-a/1', 'whoami')
    const [task] = await wait('computer-b/3', id)
    expect(task).toMatchObject({ state: 'completed', holder: specialist })
    // Its worker threads share the pid of the node.
    expect(task?.result).toEqual({ pid: cluster.node(specialist).process.pid })
  })

  check('a burst on one node is shared by all', async () => {
    const client = await Client.open({ data: cluster.node('computer-a/1').data })
    const burst = Array.from({ length: 30 }, () => client.submit('burn', { ms: 300 }))
    const ids = (await Promise.all(burst)).map(({ id }) => id)
    const tasks = await wait('computer-c/5', ...ids)
    expect(tasks.map(({ state }) => state)).toEqual(ids.map(() => 'completed'))
    // Of 9 s of work for one slot each node can take 1.5 s: none has a reason to stay idle.
    expect(new Set(tasks.map(({ holder }) => holder)).size).toBe(cluster.nodes.length)
  })

  check('a task that fails says so with its own error, on any node', async () => {
    const id = await submit('computer-b/3', 'fail', '{"message":"too far"}')
    const { code } = await cluster.cli('computer-c/5', 'wait', id)
    expect(code).toBe(1)
    const [task] = await cluster.json<TaskView>('computer-a/2', 'get', id)
    expect(task).toMatchObject({ state: 'failed', reason: 'HandlerError' })
    expect(task?.error).toMatchObject({ name: 'RangeError', message: 'too far' })
  })

  check('a task nobody knows is told apart from a failed one', async () => {
    const { code } = await cluster.cli('computer-a/1', 'get', 'ffffffff-ffff')
    expect(code).toBe(4)
  })

  check('results are readable elsewhere after the node that took the task has left', async () => {
    const id = await submit('computer-b/4', 'add', '{"amount":5}')
    await wait('computer-b/4', id)
    expect(await cluster.node('computer-b/4').stop()).toBe(0)
    await until(async () => {
      const members = await cluster.json<NodeView>('computer-a/1', 'nodes')
      return members.some(({ name, status }) => name === 'computer-b/4' && status === 'left')
    }, 'computer-a/1 to know that computer-b/4 has left')
    for (const name of ['computer-a/1', 'computer-c/6']) {
      const [task] = await cluster.json<TaskView>(name, 'get', id)
      expect(task).toMatchObject({ state: 'completed', result: 5, submittedBy: 'computer-b/4' })
    }
  })

  // On 127.0.0.1 there are no computers, and no network that could lose anything.
  if (!onLan) return
  test.skipIf(skip || !hasPython())(
    'workers on two computers run what an agent on a third submits, and take over from each other',
    async () => {
      onTestFailed(() => console.error(cluster.stderr))
      const outside = new OutsideWorkers(lan!, cluster)
      try {
        await checkOutsideWorkers(outside)
      } finally {
        outside.end()
      }
    }
  )
  test.skipIf(noLoss !== null)(
    'everything settles where three of ten packets are lost',
    async () => {
      onTestFailed(() => console.error(cluster.stderr))
      const running = cluster.nodes.filter(({ hasEnded }) => !hasEnded)
      const clients = await Promise.all(running.map(({ data }) => Client.open({ data })))
      await lan!.lossBetween(LOSS_PERCENT)
      const results = clients.flatMap((client, n) => {
        const elsewhere = clients[(n + 1) % clients.length]!
        return Array.from({ length: 6 }, async (_, amount) => {
          const { id } = await client.submit('add', { amount })
          // It may ask about the task before it hears of it, and hear from nobody in time.
          const wait = (): Promise<TaskView> => elsewhere.wait(id, LOSSY_WAIT_MS)
          return { ...(await until(wait, `${id} to settle`, LOSSY_WAIT_MS)), amount }
        })
      })
      for (const { state, result, amount } of await Promise.all(results)) {
        expect({ state, result }).toEqual({ state: 'completed', result: amount })
      }
    }
  )
})
