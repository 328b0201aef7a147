/** What may be larger than a node should have in memory, and is streamed: payloads, results, state files. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { TASK_LIMITS } from '../../core/options.ts'
import type { AdminApi, BlobRef, TasksApi } from '../../node/api/node-api.ts'
import { textOf, textStream } from '../events.ts'
import { check } from '../request.ts'

/** Where a large payload or result is. */
export const blobRef: z.ZodType<BlobRef> = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().min(1).max(TASK_LIMITS.blobBytesMax)
})
const size = z.strictObject({ bytes: z.coerce.number() })

export function serveContents(app: Hono, node: TasksApi & AdminApi): void {
  app.put('/v1/blobs', async c => {
    const { hash, bytes } = await node.writeBlob(c.req.raw.body ?? [])
    return c.json({ v: 1, hash, bytes }, 201)
  })
  app.get('/v1/blobs/:hash', async c => {
    const { bytes } = check(size, c.req.query())
    const blob = check(blobRef, { hash: c.req.param('hash'), bytes })
    const body = ReadableStream.from(await node.readBlob(blob))
    return new Response(body, {
      headers: { 'content-type': 'application/json', 'content-length': String(bytes) }
    })
  })
  app.get('/v1/state', () => {
    return new Response(textStream(node.exportState()), {
      headers: { 'content-type': 'application/json' }
    })
  })
  app.post('/v1/state', async c => {
    const pieces = textOf(c.req.raw.body)
    try {
      return c.json(await node.importState(pieces))
    } finally {
      // An answer before the end of the question would be lost with the connection.
      for await (const _ of pieces);
    }
  })
}
