/** Tasks of programs that import hearsay: handlers, waiting on another node, dependencies, order, errors. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TASK_LIMITS } from '../../src/core/options.ts'
import type { HandlerContext, Node } from '../../src/index.ts'
import { endAll, startNode } from './nodes.ts'

const countFile = fileURLToPath(new URL('./fixtures/count.ts', import.meta.url))
const UNKNOWN_ID = '01a20906-f693-8000-8000-00017cdaf76b'

/** Submits, and waits. */
let a: Node
/** Works, one task at a time. */
let b: Node
const order: string[] = []
let gate: PromiseWithResolvers<void>

beforeAll(async () => {
  a = await startNode()
  b = await startNode({ concurrency: 1 })
  b.registerTaskHandler('shout', (payload: { text: string }) => payload.text.toUpperCase())
  b.registerTaskHandler('sum', (_: null, context: HandlerContext) => {
    const parts = Object.values(context.dependencies) as number[]
    return { sum: parts.reduce((x, y) => x + y, 0), ids: Object.keys(context.dependencies) }
  })
  b.registerTaskHandler('number', (payload: number) => payload)
  b.registerTaskHandler('fail', () => {
    throw new RangeError('out of reach')
  })
  b.registerTaskHandler('hold', async () => gate.promise)
  b.registerTaskHandler('note', (payload: string) => void order.push(payload))
  await b.registerTaskHandler('count', countFile)
  await b.startWorker()
})
afterAll(endAll)

test('a task has its id before it is accepted, and others may depend on it by then', async () => {
  const said: string[] = []
  const { promise: named, resolve } = Promise.withResolvers<string>()
  const submitted = a.submit('number', 2, {}, undefined, undefined, id => {
    said.push('named')
    resolve(id)
  })
  void submitted.then(() => said.push('accepted'))
  const id = await named
  const sum = await a.createTask('sum', null, { dependsOn: [id] })
  expect(await a.waitForTask(sum)).toEqual({ sum: 2, ids: [id] })
  expect((await submitted).id).toBe(id)
  expect(said).toEqual(['named', 'accepted'])
})

describe('a handler', () => {
  test('that is a function runs on the node that has it, and its result is read on another', async () => {
    const id = await a.createTask('shout', { text: 'hello' }, { priority: 8 })
    expect(await a.waitForTask(id)).toBe('HELLO')
    expect(await b.waitForTask(id)).toBe('HELLO')
    expect(a.task(id)).toMatchObject({ state: 'completed', holder: b.name, submittedBy: a.name })
  })

  test('that is a module runs in a thread of its own', async () => {
    const id = await a.createTask('count', { text: 'four' })
    expect(await a.waitForTask(id)).toEqual({ letters: 4, isMainThread: false })
  })

  test('that throws fails its task: the waiter meets the name and message of its error', async () => {
    const id = await a.createTask('fail', null)
    await expect(a.waitForTask(id)).rejects.toMatchObject({
      name: 'RangeError',
      message: 'out of reach',
      taskId: id,
      status: 'failed',
      reason: 'HandlerError'
    })
  })

  test('is not registered twice for one type, and not from a file that has none', async () => {
    expect(() => b.registerTaskHandler('shout', () => null)).toThrow(/shout has a handler already/)
    await expect(b.registerTaskHandler('shout', countFile)).rejects.toThrow(/handler/)
    await expect(b.registerTaskHandler('other', countFile)).rejects.toMatchObject({
      name: 'HandlersFileError'
    })
    await expect(b.registerTaskHandler('other', '/no/such/file.ts')).rejects.toMatchObject({
      name: 'HandlersFileError'
    })
    expect(() => b.registerTaskHandler('', () => null)).toThrow(/a task type is a text of 1 to 128/)
  })
})

describe('waiting', () => {
  test('gives up after its timeout, and the task goes on', async () => {
    gate = Promise.withResolvers()
    const id = await a.createTask('hold', null)
    const wait = a.waitForTask(id, { timeout: 20 })
    await expect(wait).rejects.toMatchObject({ name: 'WaitTimeoutError' })
    await expect(a.waitForTask(id, { timeout: '20ms' })).rejects.toThrow(/within 20 ms: it goes on/)
    gate.resolve()
    expect(await a.waitForTask(id, { timeout: '30s' })).toBe(null)
  })

  test('for a task that nobody knows ends with UnknownTaskError', async () => {
    await expect(a.waitForTask(UNKNOWN_ID)).rejects.toMatchObject({ name: 'UnknownTaskError' })
  })

  test('for what is no id is refused, as when createTask was not awaited', async () => {
    const promised = a.createTask('shout', { text: 'hello' })
    for (const id of [promised, undefined, 7] as unknown as string[]) {
      const refused = {
        name: 'InvalidOptionError',
        message: expect.stringMatching(/awaited/) as string
      }
      await expect(a.waitForTask(id)).rejects.toMatchObject(refused)
      await expect(a.cancel(id)).rejects.toMatchObject(refused)
      await expect(a.retry(id)).rejects.toMatchObject(refused)
      for (const ask of [() => a.task(id), () => a.why(id), () => a.logs(id)]) {
        expect(ask).toThrow(expect.objectContaining(refused) as Error)
      }
    }
    expect(await a.waitForTask(await promised)).toBe('HELLO')
  })

  test.each([-1, Number.NaN, 2 ** 31, 'soon', null])(
    'a timeout of %s is refused',
    async timeout => {
      const options = { timeout: timeout as number }
      await expect(a.waitForTask(UNKNOWN_ID, options)).rejects.toMatchObject({
        name: 'InvalidOptionError',
        message: expect.stringContaining('timeout must be from 0') as string
      })
    }
  )
})

describe('order', () => {
  test('a task gets the results of those that it depends on, whole ids as keys', async () => {
    const parts = await Promise.all([a.createTask('number', 2), b.createTask('number', 40)])
    const id = await a.createTask('sum', null, { dependsOn: parts })
    const { sum, ids } = (await a.waitForTask(id)) as { sum: number; ids: string[] }
    expect(sum).toBe(42)
    expect(ids.toSorted()).toEqual(parts.toSorted())
  })

  test('of those that wait for one slot, 10 is first, and equals start by age', async () => {
    gate = Promise.withResolvers()
    await b.createTask('hold', null, { priority: 10 })
    const submit = (name: string, priority: number): Promise<string> =>
      b.createTask('note', name, { priority })
    const ids = [
      await submit('low', 1),
      await submit('older', 5),
      await submit('newer', 5),
      await submit('high', 10)
    ]
    gate.resolve()
    await Promise.all(ids.map(id => b.waitForTask(id)))
    expect(order).toEqual(['high', 'older', 'newer', 'low'])
  })
})

describe('a submission', () => {
  test.each([
    [{ priority: 0 }, /priority must be a whole number from 1 to 10, not 0/],
    [{ priority: 1.5 }, /priority/],
    [{ priority: '8' }, /priority.*"8" \(string\)/],
    [{ dependsOn: UNKNOWN_ID }, /dependsOn must be a list/],
    [{ dependsOn: ['01a2'] }, /dependsOn must name whole task ids, and "01a2"/],
    [{ timeout: 0 }, /timeout must be from 1/],
    [{ timeout: '1y' }, /timeout.*"1y"/],
    [{ tags: ['a', ''] }, /tags must be a list/],
    [{ tags: ['half \ud83d'] }, /tags has half a character/],
    [{ acks: -1 }, /acks/],
    [{ prio: 8 }, /no task option prio: did you mean priority\?/]
  ])('with %j is refused by name', async (options, message) => {
    await expect(a.createTask('shout', null, options as object)).rejects.toMatchObject({
      name: 'InvalidOptionError',
      message: expect.stringMatching(message) as string
    })
  })

  test('of a type that is no name is refused', async () => {
    for (const type of ['', 'x'.repeat(129), 'half \udc00', 7, null]) {
      await expect(a.createTask(type as string, null)).rejects.toMatchObject({
        name: 'InvalidOptionError',
        message: expect.stringMatching(/^a task type/) as string
      })
    }
  })

  test('of what JSON cannot carry, or of too much of it, is refused', async () => {
    const loop: { self?: unknown } = {}
    loop.self = loop
    for (const payload of [loop, 1n, () => null]) {
      const submitted = a.createTask('shout', payload)
      await expect(submitted).rejects.toMatchObject({ name: 'PayloadRejectedError' })
    }
    const large = a.createTask('shout', 'x'.repeat(TASK_LIMITS.blobBytesMax - 1))
    await expect(large).rejects.toMatchObject({ name: 'TooLargeError' })
  })

  test('of text with half a character arrives as it was', async () => {
    const id = await a.createTask('shout', { text: 'half \ud83d' })
    expect(await a.waitForTask(id)).toBe('HALF \ud83d')
  })

  test('that nobody can run says so, and names what there is', async () => {
    const { warnings } = await a.submit('unheard-of', null)
    expect(warnings).toEqual([expect.stringMatching(/no node has a handler for unheard-of.*count/)])
  })
})
