/** Large payloads and results over the local API: written before the task, read apart from it. */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, test } from 'vitest'
import { socketPath } from '../../src/api/address.ts'
import { Client } from '../../src/api/client.ts'
import { TASK_LIMITS } from '../../src/core/options.ts'
import { serveFakeNode } from './served.ts'

const at = serveFakeNode()
let client: Client
beforeEach(async () => {
  client = await Client.open({ data: at.folder })
})

/** A request by hand, for what the client never sends. */
async function ask(method: string, path: string, body = ''): Promise<[number, unknown]> {
  const { promise, resolve, reject } = Promise.withResolvers<[number, unknown]>()
  const sent = request({ socketPath: socketPath(at.folder), method, path }, response => {
    const answered = async (): Promise<[number, unknown]> => [
      response.statusCode!,
      JSON.parse(await text(response))
    ]
    answered().then(resolve, reject)
  })
  sent.once('error', reject)
  sent.end(body)
  return promise
}

describe('a payload', () => {
  test('that fits into a record goes with the submission, a larger one before it', async () => {
    const fitting = 'x'.repeat(TASK_LIMITS.inlineBytesMax - 2)
    await client.submit('quick', fitting)
    expect(at.node.blobs.size).toBe(0)
    await client.submit('quick', `${fitting}ä`)
    expect(at.node.submissions.map(({ payload }) => payload)).toEqual([fitting, `${fitting}ä`])
    expect([...at.node.blobs.values()].map(String)).toEqual([JSON.stringify(`${fitting}ä`)])
  })

  test('of some megabytes arrives as it was', async () => {
    const payload = { text: 'ä😀'.repeat(1_000_000) }
    await client.submit('quick', payload)
    expect(at.node.submissions[0]!.payload).toEqual(payload)
  })

  test.each([
    ['a hash that is none', { hash: '../../etc/passwd', bytes: 10 }],
    ['a size that is none', { hash: 'a'.repeat(64), bytes: -1 }],
    ['a size above the bound', { hash: 'a'.repeat(64), bytes: TASK_LIMITS.blobBytesMax + 1 }],
    ['something else', 'a'.repeat(64)]
  ])('is refused by name with %s', async (_, payloadBlob) => {
    const [status, problem] = await ask(
      'POST',
      '/v1/tasks',
      JSON.stringify({ type: 'quick', payloadBlob })
    )
    expect(status).toBe(400)
    expect(problem).toMatchObject({ error: { name: 'InvalidOptionError' } })
  })
})

describe('a blob', () => {
  test('is read as it was written', async () => {
    const [status, written] = await ask('PUT', '/v1/blobs', '[1, 2,\n3]')
    expect(status).toBe(201)
    expect(written).toMatchObject({ v: 1, bytes: 9 })
    expect(await client.blob(written as { hash: string; bytes: number })).toBe('[1, 2,\n3]')
  })

  test('that no node has is a problem with a name', async () => {
    await expect(client.blob({ hash: 'a'.repeat(64), bytes: 9000 })).rejects.toMatchObject({
      name: 'BlobUnavailableError'
    })
  })

  test.each(['/v1/blobs/abc?bytes=9', `/v1/blobs/${'a'.repeat(64)}`, '/v1/blobs/..%2f..?bytes=9'])(
    'asked for as %s is refused',
    async path => {
      const [status] = await ask('GET', path)
      expect(status).toBe(400)
    }
  )
})
