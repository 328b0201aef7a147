/** What an earlier version has left opens: its data folder, as a store and as a node, and its state file. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createNode, type Node, type NodeOptions, type TaskView } from '../../src/index.ts'
import { openStore } from '../../src/store/store.ts'
import { until } from '../support/until.ts'
import { today } from './baseline.ts'
import { MixedCluster } from './cluster.ts'
import { Kept, versions } from './kept.ts'

const handlers = fileURLToPath(new URL('./fixtures/handlers.ts', import.meta.url))
const OVER = ['completed', 'failed', 'cancelled']
/** What the open tasks come to, by their payloads, once somebody works. */
const RESULTS: Readonly<Record<string, unknown>> = {
  '100': 200,
  '101': 202,
  '102': 204,
  '103': 206,
  '104': 208,
  '"later"': 2,
  null: 200,
  '{"argv":["echo","later"]}': { exitCode: 0, signal: null }
}

let folder: string
let nodes: Node[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-kept-'))
  nodes = []
})
afterEach(async () => {
  await Promise.all(nodes.map(node => node.leave(0)))
  await rm(folder, { recursive: true, force: true })
})

async function start(options: NodeOptions): Promise<Node> {
  const node = await createNode(options)
  nodes.push(node)
  return node
}

const working: NodeOptions = { handlers: [handlers], commands: true, labels: { zone: 'west' } }
const isOver = ({ state }: TaskView): boolean => OVER.includes(state)
const byId = (node: Node): TaskView[] => [...node.tasks()].sort((x, y) => (x.id < y.id ? -1 : 1))

/** What a settled task was, or what an open one asks for: the rest may change at any time. */
function lasting(task: TaskView): Partial<TaskView> {
  if (isOver(task)) return task
  const { id, type, priority, submittedBy, submittedAt, payload, payloadBlob, labels } = task
  return {
    id,
    type,
    priority,
    submittedBy,
    submittedAt,
    payload,
    payloadBlob: payloadBlob!,
    labels
  }
}

/** Works until all tasks are over, and looks at what they have come to. */
async function workOff(node: Node, { tasks }: Kept, known = lasting): Promise<void> {
  await node.startWorker()
  await until(() => [...node.tasks()].every(isOver), 'all tasks to be over', 30_000)
  for (const { id, payload, payloadBlob } of tasks.filter(task => !isOver(task))) {
    const expected = payloadBlob ? 40_000 : RESULTS[JSON.stringify(payload)]
    expect(await node.waitForTask(id)).toEqual(expected)
  }
  const settled = tasks.filter(isOver)
  expect(byId(node)).toMatchObject(
    tasks.map(task => (isOver(task) ? known(task) : { id: task.id, state: 'completed' }))
  )
  expect(settled.length).toBeGreaterThan(20)
}

/** Whoever has never met a node knows its id, and not its name. */
function nameless(task: TaskView): Partial<TaskView> {
  const { submittedBy: _submitter, holder: _holder, lost: _lost, ...rest } = lasting(task)
  return rest
}

/** Large payloads and results are there, byte for byte. */
async function expectBlobs(node: Node, { tasks }: Kept): Promise<void> {
  for (const { id, payload, payloadBlob, resultBlob } of tasks) {
    if (resultBlob) {
      expect(await node.waitForTask(id)).toBe((payload as string).repeat(20_000))
    }
    if (!payloadBlob) continue
    let text = ''
    for await (const chunk of await node.readBlob(payloadBlob))
      text += Buffer.from(chunk).toString()
    expect(JSON.parse(text)).toMatch(/^(y{30000}|w{40000})$/)
  }
}

describe.each(versions)('the data folder of a node of %s', version => {
  const kept = new Kept(version)

  test('comes back value by value', async () => {
    await kept.unpackData(folder)
    const warnings: string[] = []
    const store = await openStore(folder, { log: { warn: message => warnings.push(message) } })
    const { damaged, floor, ...found } = await store.journal.replay()
    const values = Object.entries(found).map(([name, each]) => [name, [...(each ?? [])]] as const)
    expect(Object.fromEntries(values)).toMatchObject(kept.replayed)
    expect(damaged).toBe(0)
    // Of versions that had none.
    expect(floor).toBe(0)
    expect(warnings).toEqual([])
    await store.close()
  })

  test('is that of a node which starts, has all tasks with what is large, and goes on with the open ones', async () => {
    await kept.unpackData(folder)
    const before = await readFile(join(folder, 'identity'), 'utf8')
    const node = await start({ ...kept.options(folder), ...working })
    expect(await readFile(join(folder, 'identity'), 'utf8')).toBe(before)
    expect(byId(node)).toMatchObject(kept.tasks.map(lasting))
    await expectBlobs(node, kept)
    expect(node.nodes().map(({ name, status }) => [name, status])).toEqual([
      ['computer-a/1', 'alive'],
      ['computer-b/2', 'left'],
      ['computer-e/5', null]
    ])
    await workOff(node, kept)
  })

  test('can be started again and again, and a key in it names the task that it named', async () => {
    await kept.unpackData(folder)
    for (const isLast of [false, false, true]) {
      const node = await start({ ...kept.options(folder), ...working })
      expect(byId(node)).toMatchObject(kept.tasks.map(lasting))
      const again = await node.submit('double', 0, { idempotencyKey: 'the third' })
      expect(again.deduplicated).toBe(true)
      expect(node.task(again.id).result).toBe(6)
      if (isLast) await workOff(node, kept)
      await node.leave(0)
      nodes = []
    }
  })
})

describe.each(versions)('a state file of %s', version => {
  const kept = new Kept(version)

  test('brings all its tasks to a node that knows nothing, once, and those that were open run', async () => {
    const file = join(folder, 'state.json')
    await kept.unpackState(file)
    const node = await start({ ...kept.options(join(folder, 'data')), ...working })
    const { length } = kept.tasks
    expect(await node.loadState(file)).toEqual({ v: 1, loaded: length, known: 0, skipped: 0 })
    expect(await node.loadState(file)).toEqual({ v: 1, loaded: 0, known: length, skipped: 0 })
    expect(byId(node)).toMatchObject(kept.tasks.map(nameless))
    await expectBlobs(node, kept)
    await workOff(node, kept, nameless)
    expect(await node.loadState(file)).toMatchObject({ loaded: 0, known: length })
    await workOff(node, kept, nameless)
  })

  test('is loaded by the verb, too, and twice does no harm', async () => {
    const { key = '' } = kept.options('')
    const cluster = await MixedCluster.make('fixture', key ?? '')
    try {
      const file = cluster.path('state.json')
      await kept.unpackState(file)
      const node = await cluster.start(today, 'computer-z/9')
      for (const [loaded, known] of [
        [kept.tasks.length, 0],
        [0, kept.tasks.length]
      ]) {
        const answer = await cluster.verb(today, node, 'state', 'load', file, '--json')
        expect(JSON.parse(answer.stdout)).toEqual({ v: 1, loaded, known, skipped: 0 })
      }
    } finally {
      await cluster.down()
    }
  })

  test('changes nothing at the node that wrote it', async () => {
    const file = join(folder, 'state.json')
    await kept.unpackState(file)
    await kept.unpackData(join(folder, 'data'))
    const node = await start(kept.options(join(folder, 'data')))
    const { length } = kept.tasks
    expect(await node.loadState(file)).toEqual({ v: 1, loaded: 0, known: length, skipped: 0 })
    expect(byId(node)).toMatchObject(kept.tasks.map(lasting))
  })
})
