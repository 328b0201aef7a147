/**
 * Nodes that have missed something, over real sockets and disks: what gossip never brought, and what came and went while
 * they were away. The long forms of it are `npm run soak -- away` and `-- newcomer`.
 */
import { afterEach, expect, test } from 'vitest'
import { openNode } from '../../src/create-node.ts'
import type { Message } from '../../src/core/message.ts'
import type { Node, NodeOptions } from '../../src/index.ts'
import { resolveNodeOptions } from '../../src/node-options.ts'
import type { Receiver, Transport } from '../../src/ports/ports.ts'
import { until } from '../support/until.ts'
import { adopt, endAll, forget, privateOptions } from './nodes.ts'

afterEach(endAll)

const silent = { debug: say, info: say, warn: say, error: say }
function say(): void {}

/** The same with something else in place of one of its methods. */
function withMethod<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): T {
  return new Proxy(target, {
    get: (_, asked) => {
      if (asked === name) return method
      const value: unknown = Reflect.get(target, asked, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

/** A transport that publishes heartbeats and nothing else. */
function withoutGossipOfTheLog(transport: Transport): Transport {
  return withMethod(transport, 'publish', message => {
    if (message.kind === 'heartbeat') transport.publish(message)
  })
}

/** A transport whose streams break as soon as one batch of an answer has been sent. */
function breaking(transport: Transport): Transport {
  return withMethod(transport, 'start', receiver => {
    function* answerSync(...asked: Parameters<Receiver['answerSync']>): Generator<Message> {
      for (const message of receiver.answerSync(...asked)) {
        yield message
        if (message.kind === 'batch') throw new Error('the cable was pulled')
      }
    }
    return transport.start(withMethod(receiver, 'answerSync', answerSync))
  })
}

async function opened(
  options: NodeOptions,
  transport: (made: Transport) => Transport
): Promise<Node> {
  const node = await openNode(resolveNodeOptions(options), silent, { transport })
  adopt(node)
  return node
}

function all(node: Node): { id: string; state: string }[] {
  return [...node.tasks()].map(({ id, state }) => ({ id, state }))
}

test('six nodes that hear no gossip of the log settle everything, and agree', async () => {
  const nodes: Node[] = []
  for (let place = 0; place < 6; place++) {
    const peers = nodes.flatMap(({ addresses }) => addresses)
    const options = await privateOptions({ peers, concurrency: 2 })
    const node = await opened(options, withoutGossipOfTheLog)
    node.registerTaskHandler('echo', (payload: unknown) => payload)
    if (place > 0) await node.startWorker()
    nodes.push(node)
  }
  const [first] = nodes as [Node]
  await until(() => first.nodes().every(({ connected }) => connected), 'all to meet', 20_000)
  const ids = await Promise.all(
    Array.from({ length: 60 }, (_, n) => nodes[n % 6]!.createTask('echo', n, { acks: 0 }))
  )
  // Without gossip a task that somebody else has takes longer to be heard of than a waiter waits for it.
  for (const node of nodes) await until(() => all(node).length === 60, 'all to have all tasks')
  const results = await Promise.all(
    ids.map((id, n) => nodes[(n + 3) % 6]!.waitForTask(id, { timeout: '30s' }))
  )
  expect(results).toEqual(ids.map((_, n) => n))
  for (const node of nodes) {
    await until(() => all(node).filter(({ state }) => state === 'completed').length === 60, 'all')
  }
})

const ways: readonly [string, (transport: Transport) => Transport][] = [
  ['in sync soon', transport => transport],
  ['in sync also if every answer breaks off in the middle', breaking]
]

test.each(ways)(
  'a node that was away while hundreds came and went is %s, and brings nothing back',
  async (_name, transport) => {
    const ran = new Map<unknown, number>()
    const count = (payload: unknown): void => void ran.set(payload, (ran.get(payload) ?? 0) + 1)
    const a = await opened(await privateOptions(), transport)
    const b = await opened(await privateOptions({ peers: a.addresses }), transport)
    const options = await privateOptions({ peers: [...a.addresses, ...b.addresses] })
    const away = await opened(options, transport)
    await until(() => away.getSystemStatus().members.synced === 3, 'the third to be in sync')
    const open = Array.from({ length: 100 }, (_, n) =>
      a.createTask('count', `old ${n}`, { retention: 1, acks: 2 })
    )
    await Promise.all(open)
    await until(() => all(away).length === 100, 'the third to have them all')
    await away.leave(0)
    forget(away)
    for (const node of [a, b]) {
      node.registerTaskHandler('count', count)
      await node.startWorker()
    }
    const others = Array.from({ length: 400 }, (_, n) =>
      b.createTask('count', `new ${n}`, { retention: 1 })
    )
    await Promise.all(others)
    await until(() => ran.size === 500, 'all to have run', 20_000)
    await until(() => all(a).length + all(b).length === 0, 'all to be forgotten', 20_000)

    const kept = await b.createTask('count', 'kept')
    await b.waitForTask(kept)
    const back = await opened(options, transport)
    back.registerTaskHandler('count', count)
    await back.startWorker()
    await until(() => back.getSystemStatus().members.synced === 3, 'it to be in sync again', 20_000)
    const last = await back.createTask('count', 'last')
    await back.waitForTask(last)
    for (const node of [a, b, back]) {
      await until(() => all(node).length === 2, 'what is not over to be there')
      expect(
        all(node)
          .map(({ id }) => id)
          .sort()
      ).toEqual([kept, last].sort())
    }
    expect(ran.size).toBe(502)
    expect([...ran.values()].every(times => times === 1)).toBe(true)
  }
)
