/** What may be larger than a node should have in memory, and is streamed: payloads, results, state files. */
import { z } from 'zod'
import { TASK_LIMITS } from '../../core/options.ts'
import type { AdminApi, BlobRef, TasksApi } from '../../node/api/node-api.ts'
import { textOf, textStream } from '../events.ts'
import { json, published, type Question } from '../openapi/question.ts'
import type { Service } from '../openapi/service.ts'
import { check } from '../request.ts'

/** Where a large payload or result is. */
export const blobRef: z.ZodType<BlobRef> = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().min(1).max(TASK_LIMITS.blobBytesMax)
})

const written = z.strictObject({ v: z.literal(1), hash: z.string(), bytes: z.int() })

const WRITE_BLOB: Question = {
  summary:
    'Writes JSON text of any size to the disk of the node, for a task that is submitted next',
  body: { as: 'bytes', what: 'JSON text; it is not looked at' },
  answers: [json(written, 'where it is', 201)],
  problems: ['TooLargeError', 'DiskFullError']
}
const size = z.strictObject({ bytes: z.coerce.number() })
const READ_BLOB: Question<z.infer<typeof size>> = {
  summary: 'A payload or result that is too large to come with its task',
  params: { hash: 'its SHA-256, in hexadecimal' },
  query: size,
  answers: [{ status: 200, what: 'the JSON text', as: 'bytes' }],
  problems: ['BlobUnavailableError']
}
const EXPORT: Question = {
  summary: 'All tasks that the node knows, as a state file',
  answers: [{ status: 200, what: 'the file', as: 'bytes' }]
}
const imported = z.strictObject({ rekey: z.enum(['true', 'false']).optional() })
const IMPORT: Question<z.infer<typeof imported>> = {
  query: imported,
  summary: 'Takes in the tasks of a state file',
  body: { as: 'bytes', what: 'the file' },
  answers: [json(published('state-loaded'), 'what became of them')],
  problems: ['ForeignStateFileError', 'DiskFullError']
}

export function serveContents(service: Service, node: TasksApi & AdminApi): void {
  service.add('put', '/v1/blobs', WRITE_BLOB, async c => {
    const { hash, bytes } = await node.writeBlob(c.req.raw.body ?? [])
    return c.json({ v: 1, hash, bytes }, 201)
  })
  service.add('get', '/v1/blobs/:hash', READ_BLOB, async (c, { query: { bytes } }) => {
    const blob = check(blobRef, { hash: c.req.param('hash'), bytes })
    const body = ReadableStream.from(await node.readBlob(blob))
    return new Response(body, {
      headers: { 'content-type': 'application/json', 'content-length': String(bytes) }
    })
  })
  service.add('get', '/v1/state', EXPORT, () => {
    return new Response(textStream(node.exportState()), {
      headers: { 'content-type': 'application/json' }
    })
  })
  service.add('post', '/v1/state', IMPORT, async (c, { query }) => {
    const pieces = textOf(c.req.raw.body)
    try {
      return c.json(await node.importState(pieces, { rekey: query.rekey === 'true' }))
    } finally {
      // An answer before the end of the question would be lost with the connection.
      for await (const _ of pieces);
    }
  })
}
