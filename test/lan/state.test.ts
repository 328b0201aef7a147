/** State files between real nodes: what was saved outlives the loss of every node, and loading never does harm. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createNode } from '../../src/create-node.ts'
import { newKey } from '../../src/key.ts'
import type { Node } from '../../src/node/node.ts'
import { until } from '../support/until.ts'

const key = newKey()
let folder: string
let file: string
let nodes: Node[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-state-'))
  file = join(folder, 'state.json')
  nodes = []
})
afterEach(async () => {
  await Promise.all(nodes.map(node => node.leave(0)))
  await rm(folder, { recursive: true, force: true })
})

type Settings = { peer?: Node; data?: string; cluster?: string; ownKey?: string }

async function start(instance: number, settings: Settings = {}): Promise<Node> {
  const { peer, data = `data-${instance}`, cluster = 'state', ownKey = key } = settings
  const node = await createNode({
    cluster,
    computer: 'computer-a',
    instance,
    data: join(folder, data),
    key: ownKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    peers: peer === undefined ? [] : peer.addresses,
    mdns: false,
    concurrency: 4,
    logLevel: 'silent'
  })
  nodes.push(node)
  return node
}

async function stop(...ended: Node[]): Promise<void> {
  await Promise.all(ended.map(node => node.leave(0)))
  nodes = nodes.filter(node => !ended.includes(node))
}

const idsOf = (node: Node): string[] => Array.from(node.tasks(), ({ id }) => id).sort()
const linked = (node: Node): boolean => node.nodes().some(n => !n.self && n.connected)

/** Two nodes with ten completed tasks and ten that nobody can run, and a file of all that. */
async function savedCluster(): Promise<{ ids: string[]; pair: [Node, Node] }> {
  const a = await start(1)
  const b = await start(2, { peer: a })
  await until(() => linked(a) && linked(b), 'the two to meet')
  a.registerTaskHandler('double', (n: number) => n * 2)
  await a.startWorker()
  const done = await Promise.all(Array.from({ length: 10 }, (_, i) => b.createTask('double', i)))
  await Promise.all(done.map(id => a.waitForTask(id)))
  const open = await Promise.all(Array.from({ length: 10 }, (_, i) => b.createTask('later', i)))
  await until(() => idsOf(a).length === 20, 'all tasks to be known to the one that saves')
  await a.saveState(file)
  return { ids: [...done, ...open].sort(), pair: [a, b] }
}

describe('a state file', () => {
  test('brings all tasks back after every node has been lost, and those that were open run', async () => {
    const { ids, pair } = await savedCluster()
    await stop(...pair)
    const c = await start(3)
    const d = await start(4, { peer: c })
    await until(() => linked(c) && linked(d), 'the new two to meet')
    expect(await c.loadState(file)).toEqual({ v: 1, loaded: 20, known: 0, skipped: 0 })
    expect(idsOf(c)).toEqual(ids)
    await until(() => idsOf(d).length === 20, 'the tasks to spread')
    d.registerTaskHandler('later', (n: number) => n + 100)
    await d.startWorker()
    const open = [...c.tasks({ type: 'later' })]
    const results = await Promise.all(open.map(({ id }) => c.waitForTask(id, { timeout: 30_000 })))
    expect(results).toEqual(open.map(({ payload }) => (payload as number) + 100))
    const done = [...d.tasks({ type: 'double' })]
    expect(done.map(({ result }) => result)).toEqual(
      done.map(({ payload }) => (payload as number) * 2)
    )
  })

  test('carries large payloads and results to nodes that have never seen them', async () => {
    const a = await start(1)
    const b = await start(2, { peer: a })
    await until(() => linked(a) && linked(b), 'the two to meet')
    a.registerTaskHandler('twice', (text: string) => text + text)
    await a.startWorker()
    const done = await b.createTask('twice', 'x'.repeat(200_000))
    await b.waitForTask(done)
    const open = await b.createTask('later', 'y'.repeat(400_000))
    await b.saveState(file)
    await stop(a, b)
    const c = await start(3)
    const d = await start(4, { peer: c })
    await until(() => linked(c) && linked(d), 'the new two to meet')
    await c.loadState(file)
    expect(await d.waitForTask(done)).toBe('x'.repeat(400_000))
    d.registerTaskHandler('later', (text: string) => text.length)
    await d.startWorker()
    expect(await c.waitForTask(open, { timeout: 30_000 })).toBe(400_000)
  })

  test('changes nothing where everything is known, however often and wherever it is loaded', async () => {
    const { ids, pair } = await savedCluster()
    const before = pair.map(node => [...node.tasks()])
    for (const node of [...pair, ...pair]) {
      expect(await node.loadState(file)).toEqual({ v: 1, loaded: 0, known: 20, skipped: 0 })
    }
    expect(pair.map(node => [...node.tasks()])).toEqual(before)
    expect(idsOf(pair[0])).toEqual(ids)
  })

  test('loaded in a live cluster by a newcomer runs nothing twice', async () => {
    const { pair } = await savedCluster()
    let runs = 0
    const count = (): number => ++runs
    pair[0].registerTaskHandler('later', count)
    await Promise.all(
      [...pair[0].tasks({ type: 'later' })].map(({ id }) => pair[0].waitForTask(id))
    )
    const c = await start(3, { peer: pair[0] })
    c.registerTaskHandler('later', count)
    await c.startWorker()
    await c.loadState(file)
    await until(
      () => [...c.tasks({ state: 'completed' })].length === 20,
      'the newcomer to have caught up'
    )
    expect(runs).toBe(10)
  })

  test('survives the restart of the node that loaded it', async () => {
    const { ids, pair } = await savedCluster()
    await stop(...pair)
    const c = await start(3)
    await c.loadState(file)
    await stop(c)
    const again = await start(3)
    expect(idsOf(again)).toEqual(ids)
    expect(await again.loadState(file)).toMatchObject({ loaded: 0, known: 20 })
  })

  test('replaces an older one as a whole, and only its owner can read it', async () => {
    await writeFile(file, 'x'.repeat(100_000))
    const node = await start(1)
    await node.saveState(file)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      v: 3,
      kind: 'hearsay-state',
      cluster: 'state',
      node: 'computer-a/1',
      tasks: []
    })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).sort()).toEqual(['data-1', 'state.json'])
  })
})

describe('a state file is refused, and changes nothing,', () => {
  const refuses = async (node: Node, message: RegExp): Promise<void> => {
    await expect(node.loadState(file)).rejects.toThrow(
      expect.objectContaining({
        name: 'ForeignStateFileError',
        message: expect.stringMatching(message)
      })
    )
    expect(idsOf(node)).toEqual([])
  }

  test('if it is of another cluster, or of one with another key', async () => {
    const { pair } = await savedCluster()
    await stop(...pair)
    await refuses(await start(3, { cluster: 'other' }), /of the cluster "state"/)
    await refuses(await start(4, { ownKey: newKey() }), /with another key/)
  })

  test('if it was cut off, changed, or is no state file', async () => {
    const { pair } = await savedCluster()
    await stop(...pair)
    const text = await readFile(file, 'utf8')
    const node = await start(3)
    for (const part of [0.1, 0.5, 0.99]) {
      await writeFile(file, text.slice(0, text.length * part))
      await refuses(node, /no state file|damaged/)
    }
    await writeFile(file, text.slice(0, text.lastIndexOf(']')))
    await refuses(node, /ends in the middle/)
    await writeFile(file, text.replace('"payload":"3"', '"payload":"4"'))
    await refuses(node, /checksum does not fit/)
    await writeFile(file, text.replace('"v":3', '"v":5'))
    await refuses(node, /version is 5 .* newer one/)
    for (const other of [
      '',
      '[]',
      'null',
      '{"nodes": 3}\n',
      '\0'.repeat(1000),
      'hello\n'.repeat(9)
    ]) {
      await writeFile(file, other)
      await refuses(node, /no state file/)
    }
  })

  test('if it is not there, as an option that is wrong', async () => {
    const node = await start(1)
    await expect(node.loadState(join(folder, 'none.json'))).rejects.toMatchObject({
      name: 'InvalidOptionError'
    })
    await expect(node.saveState(join(folder, 'no', 'folder.json'))).rejects.toMatchObject({
      name: 'InvalidOptionError'
    })
  })
})
