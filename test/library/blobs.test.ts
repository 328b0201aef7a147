/** Payloads and results that are too large for the log: through the cluster and back, over real sockets and disks. */
import { existsSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { Node } from '../../src/index.ts'
import { TASK_LIMITS } from '../../src/core/options.ts'
import { until } from '../support/until.ts'
import { endAll, forget, privateOptions, startNode } from './nodes.ts'

const large = fileURLToPath(new URL('./fixtures/large.ts', import.meta.url))
const MB = 1_000_000

type Kept = { node: Node; data: string }

async function start(runs: boolean): Promise<Kept> {
  const { data } = await privateOptions()
  const node = await startNode({ data: data! })
  if (runs) {
    for (const type of ['turn', 'sum', 'make']) await node.registerTaskHandler(type, large)
    await node.startWorker()
  }
  return { node, data: data! }
}

function blobsOf({ data }: Kept): string[] {
  const folder = join(data, 'blobs')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(({ name }) => name)
}

/** Cuts the copies of a blob on these nodes short. Returns how many there were. */
function damage(kept: readonly Kept[], hash: string): number {
  const damaged = kept.filter(each => blobsOf(each).includes(hash))
  for (const { data } of damaged) truncateSync(join(data, 'blobs', hash.slice(0, 2), hash), 100)
  return damaged.length
}

afterEach(endAll)

describe('a payload and a result of 20 MB', () => {
  test('reach the handler and the one who waits, whichever nodes these are', async () => {
    const [a, b] = [await start(false), await start(true)]
    const c = await start(false)
    const text = 'abcdefghij'.repeat(2 * MB)
    const id = await a.node.createTask('turn', { text })
    const { text: turned } = (await c.node.waitForTask(id)) as { text: string }
    expect(turned.length).toBe(20 * MB)
    expect(turned.slice(0, 10)).toBe('jihgfedcba')
    const { payload, payloadBlob, result, resultBlob } = b.node.task(id)
    expect([payload, result]).toEqual([null, null])
    expect(payloadBlob!.bytes).toBe(20 * MB + 11)
    for (const { hash } of [payloadBlob!, resultBlob!]) {
      const copies = [a, b, c].filter(kept => blobsOf(kept).includes(hash))
      expect(copies.length).toBeGreaterThanOrEqual(2)
    }
  })

  test('reach a task that depends on them', async () => {
    const [a] = [await start(false), await start(true)]
    const first = await a.node.createTask('make', { letters: 2 * MB })
    const second = await a.node.createTask('turn', { text: 'x'.repeat(MB) })
    const id = await a.node.createTask('sum', null, { dependsOn: [first, second] })
    expect(await a.node.waitForTask(id)).toBe(3 * MB)
  })

  test('are still there when a node that kept them has gone', async () => {
    const [a, b] = [await start(false), await start(true)]
    const c = await start(false)
    const id = await a.node.createTask('make', { letters: 2 * MB })
    await a.node.waitForTask(id)
    const { hash } = a.node.task(id).resultBlob!
    for (const gone of [a, b, c].filter(kept => blobsOf(kept).includes(hash)).slice(0, 1)) {
      await gone.node.leave(0)
      forget(gone.node)
      const [reader] = [a, b, c].filter(kept => kept !== gone)
      const { text } = (await reader!.node.waitForTask(id)) as { text: string }
      expect(text.length).toBe(2 * MB)
    }
  })

  test('pass through a handler that is a function', async () => {
    const { node } = await start(false)
    node.registerTaskHandler('double', (text: string) => text + text)
    await node.startWorker()
    const id = await node.createTask('double', 'x'.repeat(MB))
    expect(((await node.waitForTask(id)) as string).length).toBe(2 * MB)
  })
})

describe('a large payload', () => {
  test('can be written piece by piece, and submitted after that', async () => {
    const a = await start(true)
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"text":"')
      for (let i = 0; i < 20; i++) yield Buffer.alloc(100_000, 'x')
      yield Buffer.from('"}')
    }
    const blob = await a.node.writeBlob(pieces())
    const { id } = await a.node.submitBlob('turn', blob)
    expect(((await a.node.waitForTask(id)) as { text: string }).text.length).toBe(2 * MB)
  })

  test('that was written but is small goes with the task', async () => {
    const a = await start(true)
    const blob = await a.node.writeBlob([Buffer.from('{"text":"abc"}')])
    const { id } = await a.node.submitBlob('turn', blob)
    expect(a.node.task(id)).toMatchObject({ payload: { text: 'abc' }, payloadBlob: null })
    expect(await a.node.waitForTask(id)).toEqual({ text: 'cba' })
  })

  test('that is no JSON fails its task, with words', async () => {
    const a = await start(true)
    const blob = await a.node.writeBlob([Buffer.alloc(20_000, 'x')])
    const { id } = await a.node.submitBlob('turn', blob)
    await expect(a.node.waitForTask(id)).rejects.toMatchObject({ name: 'PayloadUnreadableError' })
  })

  test('that was never written is refused', async () => {
    const a = await start(false)
    const blob = { hash: 'a'.repeat(64), bytes: 20_000 }
    await expect(a.node.submitBlob('turn', blob)).rejects.toMatchObject({
      name: 'InvalidOptionError'
    })
    await expect(a.node.readBlob(blob)).rejects.toMatchObject({ name: 'BlobUnavailableError' })
  })

  test('is still there after a restart', async () => {
    const a = await start(false)
    const id = await a.node.createTask('turn', { text: 'x'.repeat(MB) })
    await a.node.leave(0)
    forget(a.node)
    const again = await startNode({ data: a.data, computer: 'computer-again' })
    await again.registerTaskHandler('turn', large)
    await again.startWorker()
    expect(((await again.waitForTask(id)) as { text: string }).text.length).toBe(MB)
  })
})

describe('a copy that is damaged on disk', () => {
  test('is fetched again by the node that runs the task', async () => {
    const [a, b] = [await start(false), await start(false)]
    const id = await a.node.createTask('turn', { text: 'ab'.repeat(MB) })
    const { hash } = a.node.task(id).payloadBlob!
    expect(damage([a], hash)).toBe(1)
    await a.node.registerTaskHandler('turn', large)
    await a.node.startWorker()
    expect(((await a.node.waitForTask(id)) as { text: string }).text.slice(0, 2)).toBe('ba')
    expect(a.node.task(id).attempt).toBe(1)
    expect([a, b].every(kept => blobsOf(kept).includes(hash))).toBe(true)
  })

  test('is no obstacle to whoever reads the result', async () => {
    const [a, b] = [await start(true), await start(false)]
    const id = await a.node.createTask('make', { letters: MB })
    await a.node.waitForTask(id)
    const { hash } = a.node.task(id).resultBlob!
    await until(() => blobsOf(b).includes(hash), 'the second copy')
    for (const { node } of [a, b]) {
      expect(damage([a], hash)).toBe(1)
      expect(((await node.waitForTask(id)) as { text: string }).text.length).toBe(MB)
    }
  })

  test('as all others are is lost, and so is the task that reads it', async () => {
    const [a, b] = [await start(false), await start(false)]
    const id = await a.node.createTask('turn', { text: 'x'.repeat(MB) })
    const { hash } = a.node.task(id).payloadBlob!
    expect(damage([a, b], hash)).toBe(2)
    await a.node.registerTaskHandler('turn', large)
    await a.node.startWorker()
    await expect(a.node.waitForTask(id)).rejects.toMatchObject({ name: 'BlobUnavailableError' })
    expect(a.node.task(id)).toMatchObject({ state: 'failed', reason: 'PayloadLost' })
  }, 60_000)
})

test('a result above the maximum fails its task as too large', async () => {
  const a = await start(false)
  a.node.registerTaskHandler('huge', () => 'x'.repeat(TASK_LIMITS.blobBytesMax))
  await a.node.startWorker()
  const id = await a.node.createTask('huge', null)
  await expect(a.node.waitForTask(id)).rejects.toMatchObject({ name: 'TooLargeError' })
  expect(a.node.task(id)).toMatchObject({ state: 'failed', reason: 'TooLarge' })
  await until(() => blobsOf(a).length === 0, 'what was written of it to be removed')
})
