/** A node with pools, and a process that works for it: what runs beside what, on real nodes, and how that is shown. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HandlerContext, Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, startNode } from './nodes.ts'

/** Submits. */
let a: Node
/** Works: a model runs one at a time, all else two at a time. */
let b: Node
let gate: PromiseWithResolvers<void>

beforeAll(async () => {
  a = await startNode()
  b = await startNode({
    concurrency: 2,
    labels: { zone: 'x' },
    pools: [{ name: 'model', slots: 1, types: ['embed'], labels: { gpu: '1' } }]
  })
  gate = Promise.withResolvers()
  const hold = async (_: null, { signal }: HandlerContext): Promise<void> => {
    await Promise.race([gate.promise, new Promise(done => signal.addEventListener('abort', done))])
  }
  b.registerTaskHandler('embed', hold)
  b.registerTaskHandler('quick', () => 'done')
  await b.startWorker()
})
afterAll(endAll)

test('a model and short tasks live on one node, and neither waits for the other', async () => {
  const models = [await a.createTask('embed', null), await a.createTask('embed', null)]
  await until(() => models.some(id => a.task(id).state === 'running'), 'a model to run')
  for (let i = 0; i < 5; i++) {
    const id = await a.createTask('quick', null)
    expect(await a.waitForTask(id)).toBe('done')
    expect(a.task(id)).toMatchObject({ holder: b.name, pool: 'default', slot: null })
  }
  const running = models.filter(id => a.task(id).state === 'running')
  expect(running).toHaveLength(1)
  expect(a.task(running[0]!)).toMatchObject({ pool: 'model', slot: 0 })
  const waiting = models.find(id => !running.includes(id))!
  const taken = { reason: 'SlotsBusy', words: '1 of the 1 slots of its pool model are taken' }
  expect(b.why(waiting).nodes).toContainEqual({ node: b.name, ...taken })
  await until(() => {
    const seen = a.nodes().find(({ name }) => name === b.name)
    return seen?.running === 1 && seen.queued + a.nodes()[0]!.queued >= 1
  }, 'the other node to hear of it')
  expect(a.nodes().find(({ name }) => name === b.name)).toMatchObject({
    slots: 3,
    running: 1,
    handlers: ['embed', 'quick'],
    labels: { zone: 'x' },
    pools: [
      { name: 'default', slots: 2, running: 0, types: ['quick'], labels: { zone: 'x' } },
      {
        name: 'model',
        slots: 1,
        running: 1,
        types: ['embed'],
        labels: { zone: 'x', gpu: '1' },
        external: false
      }
    ]
  })
  expect(await b.metricsText()).toMatch(/^hearsay_pool_slots\{pool="model",state="busy"\} 1$/m)
  gate.resolve()
  for (const id of models) expect(await a.waitForTask(id)).toBe(null)
})

test('why names the label that no pool with a handler has', async () => {
  const id = await a.createTask('embed', null, { labels: { require: { gpu: '2' } } })
  expect(b.why(id).nodes).toContainEqual({
    node: b.name,
    reason: 'LabelsUnmatched',
    words: 'in its pool model, the label gpu is 1, and gpu = 2 is required'
  })
  await a.cancel(id)
})
