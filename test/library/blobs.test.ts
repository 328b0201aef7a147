/** Payloads and results that are too large for the log: through the cluster and back, over real sockets and disks. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { Node } from '../../src/index.ts'
import { endAll, privateOptions, startNode } from './nodes.ts'

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
})
