/**
 * What the local API answers: a request in, a call of the node, its answer as JSON. Nothing is decided here; every
 * check of a task's options is the node's own, so that a program and the command line meet the same rules.
 */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { DURATION_MS_MAX } from '../durations.ts'
import { TASK_LIMITS } from '../core/options.ts'
import { InvalidOptionError, NodeClosedError, TooLargeError, WaitTimeoutError } from '../errors.ts'
import { TASK_ID, TASK_STATES } from '../names.ts'
import type { NodeHandle, TaskFilter, TaskView } from '../node/handle.ts'
import { eventStream, listStream, textOf, textStream } from './events.ts'
import { problemOf } from './problem.ts'

/** Larger payloads are written to disk first, by `PUT /v1/blobs`: the body of a submission is in memory. */
const BODY_BYTES_MAX = 1_048_576

const blobRef = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number().int().min(1).max(TASK_LIMITS.blobBytesMax)
})
const size = z.strictObject({ bytes: z.coerce.number() })
const submission = z.strictObject({
  type: z.string(),
  payload: z.unknown().default(null),
  payloadBlob: blobRef.nullable().default(null),
  options: z.record(z.string(), z.unknown()).default({})
})
const filter = z.strictObject({
  state: z.enum(TASK_STATES).optional(),
  type: z.string().optional(),
  tag: z.string().optional(),
  node: z.string().optional(),
  limit: z.coerce.number().int().min(1).optional()
})
const patience = z.strictObject({
  timeoutMs: z.coerce.number().min(0).max(DURATION_MS_MAX).optional()
})

/**
 * @param closing aborted with a NodeClosedError when the API closes: ends all waits and streams
 */
export function routes(node: NodeHandle, closing: AbortSignal): Hono {
  const app = new Hono()
  app.onError((error, c) => {
    const { status, problem } = problemOf(error)
    return c.json(problem, status)
  })
  app.notFound(c => {
    const what = `${c.req.method} ${c.req.path}`
    const message = `this node knows no ${what}: is its version of hearsay another one than yours?`
    return c.json(problemOf(new InvalidOptionError(message)).problem, 404)
  })
  const tooLarge = (): never => {
    throw new TooLargeError(`a request may have at most ${BODY_BYTES_MAX} bytes`)
  }
  app.post('/v1/tasks', bodyLimit({ maxSize: BODY_BYTES_MAX, onError: tooLarge }), async c => {
    const { type, payload, payloadBlob, options } = check(submission, parse(await c.req.text()))
    const full = await withFullIds(node, options)
    const submitted =
      payloadBlob === null
        ? await node.submit(type, payload, full)
        : await node.submitBlob(type, payloadBlob, full)
    return c.json({ v: 1, ...submitted }, 201)
  })
  serveBlobs(app, node)
  app.get('/v1/tasks', c => {
    const tasks = node.tasks(withoutUndefined(check(filter, c.req.query())))
    return ndjson(listStream(tasks))
  })
  app.get('/v1/tasks/:part', async c => {
    return c.json(node.task(await node.resolveId(c.req.param('part'))))
  })
  app.get('/v1/tasks/:part/wait', async c => {
    const { timeoutMs } = check(patience, c.req.query())
    const gone = AbortSignal.any([c.req.raw.signal, closing])
    return c.json(await wait(node, await node.resolveId(c.req.param('part')), timeoutMs, gone))
  })
  app.get('/v1/nodes', () => ndjson(listStream(node.nodes())))
  app.get('/v1/status', c => c.json(node.getSystemStatus()))
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
  app.get('/v1/events', () => ndjson(eventStream(listener => node.onEvent(listener), closing)))
  return app
}

/** Payloads and results of any size: streamed, for they may be larger than what a node should have in memory. */
function serveBlobs(app: Hono, node: NodeHandle): void {
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
}

/** Why all waits and streams end when the API closes. */
export function closed(): NodeClosedError {
  return new NodeClosedError('the node stops: ask another one, the task goes on')
}

async function wait(
  node: NodeHandle,
  id: string,
  timeoutMs: number | undefined,
  gone: AbortSignal
): Promise<TaskView> {
  if (timeoutMs === undefined) return node.settled(id, gone)
  const ended = new AbortController()
  const timer = setTimeout(() => {
    ended.abort(new WaitTimeoutError(`${id} has not settled within ${timeoutMs} ms: it goes on`))
  }, timeoutMs)
  try {
    return await node.settled(id, AbortSignal.any([gone, ended.signal]))
  } finally {
    clearTimeout(timer)
  }
}

/** Dependencies may be named by a part of their id; what is whole may be a task not yet known here. */
async function withFullIds(
  node: NodeHandle,
  options: Record<string, unknown>
): Promise<Record<string, unknown>> {
  const { dependsOn } = options
  if (!Array.isArray(dependsOn)) return options
  const full = dependsOn.map((id: unknown) =>
    typeof id !== 'string' || TASK_ID.test(id) ? id : node.resolveId(id)
  )
  return { ...options, dependsOn: await Promise.all(full) }
}

function ndjson(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidOptionError(`the request is no JSON: ${(error as Error).message}`)
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const { path, message } = error.issues[0] as z.core.$ZodIssue
  throw new InvalidOptionError(`${path.join('.') || 'request'}: ${message}`)
}

function withoutUndefined(value: z.infer<typeof filter>): TaskFilter {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined))
}
