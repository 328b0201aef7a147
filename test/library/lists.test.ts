/**
 * Tasks as many, over real nodes: one timeline of all that ran anywhere, with who is missing; a graph; one word for all
 * tasks; and the live view as a program reads it.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Node, TimelineView } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, privateOptions, startNode } from './nodes.ts'

const script = fileURLToPath(new URL('./children/worker.ts', import.meta.url))

let asker: Node
let worker: Node
let child: ChildProcess | null = null

beforeEach(async () => {
  asker = await startNode()
  worker = await startNode({ commands: true, concurrency: 2, labels: { zone: 'a' } })
  await worker.startWorker()
})
afterEach(async () => {
  child?.kill('SIGKILL')
  child = null
  await endAll()
})

const command = (script: string, options = {}): Promise<string> =>
  asker.createTask('command', { argv: [script], shell: true }, { maxRetries: 0, ...options })

function spansOf(view: TimelineView, id: string): TimelineView['spans'] {
  return view.spans.filter(({ task }) => task === id)
}

test('the timeline has the runs of all nodes, and names the one that was killed', async () => {
  const options = await privateOptions({ commands: true, concurrency: 1, labels: { gpu: '1' } })
  const peers = [asker, worker].flatMap(({ addresses }) => addresses)
  const third = fork(script, [JSON.stringify({ ...options, peers })])
  child = third
  await new Promise(resolve => third.once('message', resolve))
  const done = await command('true', { labels: { require: { gpu: 1 } } })
  await asker.waitForTask(done)
  const running = await command('sleep 60', { labels: { require: { zone: 'a' } } })
  await until(async () => spansOf(await asker.timeline(), running).length === 1, 'the run to show')
  const name = asker.task(done).holder
  for (const node of [asker, worker]) {
    const view = await node.timeline()
    expect(view.missing).toEqual([])
    expect(spansOf(view, done)).toMatchObject([
      { type: 'command', node: name, pool: 'default', slot: 0, attempt: 1, outcome: 'completed' }
    ])
    expect(['placed', 'stolen']).toContain(spansOf(view, done)[0]!.via)
    expect(spansOf(view, running)).toMatchObject([{ to: null, outcome: null }])
  }
  third.kill('SIGKILL')
  await until(async () => {
    const { missing, spans } = await asker.timeline()
    return missing.length === 1 && spans.every(({ node }) => node === worker.name)
  }, 'the dead node to be missed')
  expect((await asker.timeline()).missing).toEqual([name])
  await asker.cancel(running)
  const [ended] = spansOf(await asker.timeline(), running)
  expect(ended).toMatchObject({ node: worker.name, outcome: 'cancelled' })
})

test('a task says how it came to its holder, also from elsewhere', async () => {
  const id = await command('true')
  await asker.waitForTask(id)
  expect(asker.task(id)).toMatchObject({ holder: worker.name })
  expect(['placed', 'stolen']).toContain(asker.task(id).via)
  expect(worker.task(id).via).toBe(asker.task(id).via)
})

test('a graph has what a task waits for, and what waits for it', async () => {
  const first = await command('true')
  const second = await command('true', { dependsOn: [first] })
  const third = await command('true', { dependsOn: [second] })
  await asker.waitForTask(third)
  const { nodes, edges } = await asker.graph(second, { depth: 1 })
  expect(nodes.map(({ id, depth }) => [id, depth])).toEqual([
    [second, 0],
    [first, -1],
    [third, 1]
  ])
  expect(edges).toEqual(
    expect.arrayContaining([
      { from: first, to: second },
      { from: second, to: third }
    ])
  )
})

test('one word cancels all that fit, wherever they are, and another one tries them again', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => command('sleep 60', { tags: ['night'] }))
  )
  const other = await command('sleep 60')
  const filter = { tag: 'night' }
  expect(await worker.previewBulk({ action: 'cancel', filter })).toMatchObject({ matched: 20 })
  const wrong = asker.bulk({ action: 'cancel', filter, expect: 19 })
  await expect(wrong).rejects.toMatchObject({ name: 'CountMismatchError' })
  expect(await asker.bulk({ action: 'cancel', filter, expect: 20 })).toMatchObject({ changed: 20 })
  await until(() => ids.every(id => asker.task(id).state === 'cancelled'), 'all to be cancelled')
  expect(asker.task(other).settledAt).toBeNull()
  const refused = await asker.bulk({ action: 'retry', filter, allowCommands: false })
  expect(refused).toMatchObject({ matched: 20, changed: 0, refused: { length: 20 } })
  expect(await worker.bulk({ action: 'retry', filter })).toMatchObject({ changed: 20, refused: [] })
  const copies = (await worker.listTasks({ ...filter, state: ['queued', 'running'] })).rows
  expect([...copies].map(({ retryOf }) => String(retryOf)).toSorted()).toEqual(ids.toSorted())
  expect(await worker.bulk({ action: 'retry', filter })).toMatchObject({ matched: 0, changed: 0 })
})

test('the live view follows a task from elsewhere to its end', async () => {
  const ended = new AbortController()
  const states: string[] = []
  const view = asker.watch({ rows: 5 }, ended.signal)
  let id = ''
  for await (const line of view) {
    if (line.event === 'view:live' && id === '')
      id = await worker.createTask('command', { argv: ['true'] })
    for (const row of (line['tasks'] as { id: string; state: string }[] | undefined) ?? []) {
      if (row.id === id) states.push(row.state)
    }
    if (states.at(-1) === 'completed') break
  }
  ended.abort()
  expect(states.at(-1)).toBe('completed')
  const { states: counted } = await asker.countTasks({ type: 'command' })
  expect(counted).toMatchObject({ completed: 1, running: 0 })
})
