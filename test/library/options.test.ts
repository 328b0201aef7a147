/** Options of tasks over two real nodes: disks, sockets and handlers. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RetryAfterError, type Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, startNode } from './nodes.ts'

/** Submits. */
let a: Node
/** Works. */
let b: Node
let calls = 0

beforeAll(async () => {
  a = await startNode()
  b = await startNode({ concurrency: 2, labels: { zone: 'x' } })
  b.registerTaskHandler('fail-until', (attempts: number, { attempt }: { attempt: number }) => {
    calls++
    if (attempt < attempts) throw new Error('not yet')
    return attempt
  })
  b.registerTaskHandler('later', () => {
    if (calls++ === 0) throw new RetryAfterError(50)
    return calls
  })
  b.registerTaskHandler('wait', (_: null, { signal }: { signal: AbortSignal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
  })
  await b.startWorker()
})
afterAll(endAll)

const backoff = { delay: 10 }

test('a failed attempt is followed by others, up to the number of retries', async () => {
  const id = await a.createTask('fail-until', 3, { backoff })
  expect(await a.waitForTask(id)).toBe(3)
  const hopeless = await a.createTask('fail-until', 9, { maxRetries: 1, backoff })
  await expect(a.waitForTask(hopeless)).rejects.toMatchObject({ message: 'not yet' })
  expect(a.task(hopeless)).toMatchObject({ state: 'failed', attempt: 2, maxRetries: 1 })
})

test('a handler may ask to be called again later', async () => {
  calls = 0
  const id = await a.createTask('later', null, { maxRetries: 0 })
  expect(await a.waitForTask(id)).toBe(2)
})

test('a running task is cancelled from another node, and may be tried once more', async () => {
  const id = await a.createTask('wait', null)
  await until(() => a.task(id).state === 'running', 'the task to run')
  expect(await a.cancel(id)).toEqual({ v: 1, id, status: 'cancelled' })
  await expect(b.waitForTask(id)).rejects.toMatchObject({ name: 'TaskCancelledError' })
  const { id: copy } = await b.retry(id)
  expect(b.task(copy)).toMatchObject({ retryOf: id, type: 'wait' })
  await b.cancel(copy)
})

test('what was cancelled with a task is tried once more with it: copies depend on copies', async () => {
  const root = await a.createTask('wait', null)
  const middle = await a.createTask('wait', null, { dependsOn: [root], ref: 'middle' })
  const last = await a.createTask('wait', null, { dependsOn: [middle, root], ref: 'last' })
  await a.cancel(root)
  await until(() => b.task(last).state === 'cancelled', 'the last one to be cancelled')
  const plain = await b.retry(root)
  expect(plain.warnings.join()).toMatch(
    /^2 tasks that depend on it were cancelled with it: --with-dep/
  )
  expect(plain.dependents).toBeUndefined()
  const { id, dependents = [] } = await b.retry(root, { withDependents: true })
  expect(dependents.map(each => b.task(each))).toMatchObject([
    { ref: 'middle', retryOf: middle, dependsOn: [id] },
    { ref: 'last', retryOf: last, dependsOn: [dependents[0], id] }
  ])
  for (const each of [plain.id, id]) await b.cancel(each)
})

test('what depends on two that failed is tried once more with the second of them, on both copies', async () => {
  const [x, y] = [await a.createTask('wait', null), await a.createTask('wait', null)]
  const both = await a.createTask('wait', null, { dependsOn: [x, y], ref: 'both' })
  const after = await a.createTask('wait', null, { dependsOn: [both], ref: 'after' })
  for (const id of [x, y]) await a.cancel(id)
  await until(() => b.task(after).state === 'cancelled', 'the last one to be cancelled')
  const first = await b.retry(x, { withDependents: true })
  expect(first.dependents).toEqual([])
  expect(first.warnings.join()).toContain(`${both} is not tried once more yet: it depends on ${y}`)
  const second = await b.retry(y, { withDependents: true })
  expect(second.dependents!.map(each => b.task(each))).toMatchObject([
    { ref: 'both', retryOf: both, dependsOn: [first.id, second.id] },
    { ref: 'after', retryOf: after, dependsOn: [second.dependents![0]] }
  ])
  for (const { id } of [first, second]) await b.cancel(id)
})

test('a key names one task on all nodes', async () => {
  const options = { idempotencyKey: 'one and only', backoff }
  const answers = await Promise.all([
    a.submit('fail-until', 1, options),
    b.submit('fail-until', 1, options)
  ])
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
  expect(answers.filter(({ deduplicated }) => deduplicated)).toHaveLength(1)
  expect(await a.waitForTask(answers[0].id)).toBe(1)
})

test('what no node can run says why, and a deadline ends it', async () => {
  const labels = { require: { zone: ['y', 'z'] } }
  const submitted = await a.submit('wait', null, { labels, deadline: 1000 })
  expect(submitted.warnings.join()).toContain('has the labels zone = y or z')
  expect(a.why(submitted.id)).toMatchObject({ state: 'queued', reason: 'LabelsUnmatched' })
  const view = await b.settled(submitted.id)
  expect(view).toMatchObject({ state: 'failed', reason: 'DeadlineExceeded' })
})

test('a task that requires a label is run by a node that gets it while it runs', async () => {
  const labels = { require: { zone: 'y' } }
  const id = await a.createTask('fail-until', 1, { labels })
  expect(a.task(id)).toMatchObject({ state: 'queued', reason: 'LabelsUnmatched' })
  b.setLabels({ zone: 'y' })
  expect(await a.waitForTask(id)).toBe(1)
  expect(() => b.setLabels({ 'a b': 'y' })).toThrow(/labels/)
})

test.each([
  [{ delay: 600_000 }, 'delayed', 'NotBefore'],
  [{ dependsOn: ['0198a1b2-c3d4-8000-8000-000000000001'] }, 'waiting', 'DependencyOpen']
])('%j: %s, %s', async (options, state, reason) => {
  const id = await a.createTask('wait', null, options)
  expect(a.task(id)).toMatchObject({ state, reason })
  expect(await b.cancel(id)).toMatchObject({ status: 'cancelled' })
})
