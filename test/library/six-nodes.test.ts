/** What only several nodes at once can show, with real sockets and disks: six nodes in one process. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HandlerContext, Node, NodeOptions } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, forget, privateOptions, startNode } from './nodes.ts'

const NODES = 6
const blocksFile = fileURLToPath(new URL('./fixtures/blocks.ts', import.meta.url))

const nodes: Node[] = []
/** Of the last node, to start it again. */
let options: NodeOptions
let runs: string[] = []

beforeAll(async () => {
  for (let i = 1; i < NODES; i++) nodes.push(await work(await startNode({ concurrency: 4 })))
  nodes.push(await start())
})
afterAll(endAll)

/** Starts the last node, with what it has on disk. */
async function start(): Promise<Node> {
  options ??= await privateOptions({ concurrency: 4 })
  const peers = nodes.flatMap(({ addresses }) => addresses)
  return work(await startNode({ ...options, peers }))
}

async function work(node: Node): Promise<Node> {
  node.registerTaskHandler('note', (name: string) => {
    runs.push(name)
    return name
  })
  node.registerTaskHandler('number', (number: number) => number)
  node.registerTaskHandler('sum', (_: null, { dependencies }: HandlerContext) =>
    Object.values(dependencies as Record<string, number>).reduce((sum, part) => sum + part, 0)
  )
  await node.startWorker()
  return node
}

test('a key that is submitted on six nodes in one instant names one task, which runs once', async () => {
  runs = []
  const keys = ['one', 'two', 'three']
  for (const key of keys) {
    const submitted = nodes.map(node => node.submit('note', key, { idempotencyKey: key }))
    const answers = await Promise.all(submitted)
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1)
    const results = await Promise.all(nodes.map(node => node.waitForTask(answers[0]!.id)))
    expect(results).toEqual(nodes.map(() => key))
  }
  expect(runs).toEqual(keys)
})

test('a key names the same task after a restart', async () => {
  runs = []
  const key = { idempotencyKey: 'lasts' }
  const last = nodes.pop()!
  const { id } = await last.submit('note', 'before', key)
  expect(await last.waitForTask(id)).toBe('before')
  forget(last)
  await last.leave(0)
  const again = await start()
  nodes.push(again)
  expect(await again.submit('note', 'before', key)).toMatchObject({ id, deduplicated: true })
  expect(await nodes[0]!.submit('note', 'before', key)).toMatchObject({ id, deduplicated: true })
  expect(await again.waitForTask(id)).toBe('before')
  expect(runs).toEqual(['before'])
})

test('a task waits for a thousand others on all nodes, and gets all their results', async () => {
  const parts = Array.from({ length: 1000 }, (_, i) => i)
  const ids = await Promise.all(parts.map(part => nodes[part % NODES]!.createTask('number', part)))
  const id = await nodes[1]!.createTask('sum', null, { dependsOn: ids, priority: 10 })
  expect(await nodes[4]!.waitForTask(id)).toBe((999 * 1000) / 2)
})

test('a handler that blocks its thread disturbs neither heartbeats nor other tasks', async () => {
  const folder = options.data!
  const file = join(folder, 'enough')
  const [asker, worker] = [nodes[0]!, nodes[1]!]
  await worker.registerTaskHandler('blocks', blocksFile)
  await worker.registerTaskHandler('quick', blocksFile)
  const id = await asker.createTask('blocks', file)
  await until(() => asker.task(id).state === 'running', 'it to run')

  const numbers = Array.from({ length: 20 }, (_, i) => i)
  const quick = await Promise.all(numbers.map(n => asker.createTask('quick', n)))
  expect(await Promise.all(quick.map(each => asker.waitForTask(each)))).toEqual(numbers)
  expect(new Set(quick.map(each => asker.task(each).holder))).toEqual(new Set([worker.name]))
  let heard = 0
  let ageMs = 0
  await until(() => {
    const { heartbeatAgeMs } = asker.checkWorkerHealth().find(({ name }) => name === worker.name)!
    if (heartbeatAgeMs! < ageMs) heard++
    ageMs = heartbeatAgeMs!
    return heard === 2
  }, 'two heartbeats of the node whose thread is blocked')
  expect(asker.task(id)).toMatchObject({ state: 'running', holder: worker.name })
  await writeFile(file, '')
  expect(await asker.waitForTask(id)).toBe('at last')
})
