/**
 * Whoever waits for a task is told by what the core says of it, whatever becomes of the events that are made for people.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { Core } from '../../src/core/core.ts'
import { Node } from '../../src/node/node.ts'
import type { Ports } from '../../src/node/runtime/engine.ts'
import type { TaskView } from '../../src/node/api/node-api.ts'
import type { NodeSettings } from '../../src/node/settings.ts'
import type { RunEnded } from '../../src/ports/ports.ts'
import { bootOf } from '../support/tasks.ts'

const leaving: Node[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(leaving.splice(0).map(node => node.leave(0)))
})

/** A node without a network, on a disk that takes everything; its tasks end when the test says so. */
async function alone(): Promise<{ node: Node; end: () => void; lines: string[] }> {
  const lines: string[] = []
  const runs: (() => void)[] = []
  let ended: RunEnded = () => {}
  const nothing = (): void => {}
  const soon = async (): Promise<void> => {}
  const ports = {
    transport: {
      id: 'a',
      start: soon,
      stop: soon,
      publish: nothing,
      send: nothing,
      peers: () => [],
      async *askOutput() {}
    },
    journal: { write: soon, close: soon },
    blobs: {},
    runner: {
      handlers: ['work'],
      onEnded: (given: RunEnded) => void (ended = given),
      onOutput: nothing,
      onProgress: nothing,
      useBlobs: nothing,
      registerFunction: nothing,
      refusalOf: () => null,
      external: { serve: nothing, drainAll: nothing },
      onHandlersChanged: nothing,
      start({ taskId, epoch }: { taskId: string; epoch: number }) {
        runs.push(() => ended(taskId, epoch, { status: 'completed', result: '"done"' }, 0))
      },
      abort: soon,
      stop: soon
    },
    clock: { now: () => performance.now(), aheadMs: () => 0, every: () => nothing }
  }
  const say = (line: string): void => void lines.push(line)
  const settings = {
    cluster: 'test',
    name: 'a/1',
    concurrency: 1,
    pools: [],
    roster: [],
    acks: 0,
    graceMs: 0,
    log: { warn: say, error: say },
    onClosed: soon
  }
  const core = new Core({ boot: bootOf('a'), name: 'a/1', version: '0.0.0', labels: {} })
  const node = new Node(core, ports as unknown as Ports, settings as unknown as NodeSettings)
  leaving.push(node)
  await node.open()
  node.registerTaskHandler('work', () => 'done')
  await node.startWorker()
  const end = (): void => runs.splice(0).forEach(run => run())
  return { node, end, lines }
}

test('a wait is released though a listener to events throws, and the others hear of it', async () => {
  const { node, end, lines } = await alone()
  const heard: string[] = []
  node.onEvent(() => {
    throw new Error('a listener of the program')
  })
  node.onEvent(({ event }) => heard.push(event))
  const id = await node.createTask('work', null)
  const waiting = node.waitForTask(id)
  await turn()
  end()
  expect(await waiting).toBe('done')
  expect(heard).toContain('task:completed')
  // Said once and not for each event.
  expect(lines).toEqual([expect.stringContaining('a listener of the program')])
})

test('a wait is released where nobody listens', async () => {
  const { node, end } = await alone()
  const id = await node.createTask('work', null)
  const waiting = node.waitForTask(id)
  await turn()
  end()
  expect(await waiting).toBe('done')
})

test('whoever waits is told before those who listen, who may be slow', async () => {
  const { node, end } = await alone()
  const order: string[] = []
  node.onEvent(({ event }) => event === 'task:completed' && order.push(event))
  const gone = new AbortController().signal
  const { id } = await node.submit('work', null, {}, undefined, {
    gone,
    onEnd: end => order.push(end instanceof Error ? end.name : end().state)
  })
  await turn()
  end()
  await node.settled(id)
  expect(order).toEqual(['completed', 'task:completed'])
})

test('one who waits and throws when it is told keeps no other from being told', async () => {
  const { node, end, lines } = await alone()
  const gone = new AbortController().signal
  const onEnd = (): void => {
    throw new Error('a waiter of the program')
  }
  const { id } = await node.submit('work', null, {}, undefined, { gone, onEnd })
  const waiting = node.settled(id)
  await turn()
  end()
  expect((await waiting).state).toBe('completed')
  expect(lines).toEqual([expect.stringContaining('a waiter of the program')])
})

test('whoever follows a task is told once how it ended: a task that runs, one that has settled, or why not', async () => {
  const { node, end } = await alone()
  const heard: string[] = []
  const gone = new AbortController()
  const onEnd = (end: (() => TaskView) | Error): void =>
    void heard.push(end instanceof Error ? end.name : end().state)
  const listener = { gone: gone.signal, onEnd }
  const id = await node.createTask('work', null)
  await node.follow(id, listener)
  await turn()
  expect(heard).toEqual([])
  end()
  await node.settled(id)
  expect(heard).toEqual(['completed'])
  await node.follow(id, listener)
  expect(heard).toEqual(['completed', 'completed'])
  await expect(node.follow('no id', listener)).rejects.toMatchObject({ name: 'UnknownTaskError' })
  const late = await node.createTask('work', null)
  await node.follow(late, listener)
  await node.leave(0)
  expect(heard).toEqual(['completed', 'completed', 'NodeClosedError'])
  await expect(node.follow(late, listener)).rejects.toMatchObject({ name: 'NodeClosedError' })
})

test('whoever reads the output of a task that has not settled is told when the node closes', async () => {
  const { node } = await alone()
  const id = await node.createTask('work', null)
  const reading = node.logs(id, { follow: true })[Symbol.asyncIterator]().next()
  await turn()
  await node.leave(0)
  await expect(reading).rejects.toMatchObject({ name: 'NodeClosedError' })
})
