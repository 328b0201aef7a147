/** Tasks: submitted, listed, looked at, waited for. */
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { DURATION_MS_MAX } from '../../shared/durations.ts'
import { TooLargeError } from '../../shared/errors.ts'
import { TASK_ID, TASK_STATES } from '../../shared/names.ts'
import { within } from '../../shared/within.ts'
import type {
  EndListener,
  OutputApi,
  QueriesApi,
  TaskFilter,
  TasksApi,
  TaskView
} from '../../node/api/node-api.ts'
import { batchStream } from '../batch.ts'
import { listStream, pulledStream, textOf } from '../events.ts'
import { problemOf } from '../problem.ts'
import { body, check, ndjson, parse } from '../request.ts'
import type { BatchAnswer } from '../batch.ts'
import { waitStream } from '../waits.ts'
import { blobRef } from './contents.ts'

/** Larger payloads are written to disk first, by `PUT /v1/blobs`: the body of a submission is in memory. */
const BODY_BYTES_MAX = 1_048_576

const submission = z.strictObject({
  type: z.string(),
  payload: z.unknown().default(null),
  payloadBlob: blobRef.nullable().default(null),
  options: z.record(z.string(), z.unknown()).default({})
})
const batchLine = submission.omit({ payloadBlob: true }).extend({ line: z.int() })
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

const waiting = z.strictObject({ wait: z.enum(['true', 'false']).optional() })
const following = z.strictObject({ follow: z.enum(['true', 'false']).optional() })

type Served = TasksApi & QueriesApi & OutputApi

export function serveTasks(app: Hono, node: Served, closing: AbortSignal): void {
  const tooLarge = (): never => {
    throw new TooLargeError(`a request may have at most ${BODY_BYTES_MAX} bytes`)
  }
  app.post('/v1/tasks', bodyLimit({ maxSize: BODY_BYTES_MAX, onError: tooLarge }), async c => {
    const { type, payload, payloadBlob, options } = check(submission, await body(c.req))
    const full = await withFullIds(node, options)
    const submitted =
      payloadBlob === null
        ? await node.submit(type, payload, full, c.req.raw.signal)
        : await node.submitBlob(type, payloadBlob, full, c.req.raw.signal)
    return c.json({ v: 1, ...submitted }, 201)
  })
  app.post('/v1/batch', c => {
    const { body: lines, signal } = c.req.raw
    const batch = {
      answer: (line: string, listener?: EndListener) => one(node, line, signal, listener),
      wait: check(waiting, c.req.query()).wait === 'true',
      gone: AbortSignal.any([signal, closing])
    }
    return ndjson(batchStream(textOf(lines), batch))
  })
  app.get('/v1/tasks', async c => {
    await node.refreshProgress()
    const tasks = node.tasks(withoutUndefined(check(filter, c.req.query())))
    return ndjson(listStream(tasks))
  })
  app.get('/v1/tasks/:part', async c => {
    const id = await node.resolveId(c.req.param('part'))
    await node.refreshProgress()
    return c.json(node.task(id))
  })
  app.get('/v1/tasks/:part/history', async c => {
    return ndjson(listStream(node.history(await node.resolveId(c.req.param('part')))))
  })
  app.get('/v1/tasks/:part/logs', async c => {
    const follow = check(following, c.req.query()).follow === 'true'
    const id = await node.resolveId(c.req.param('part'))
    const ended = new AbortController()
    const signal = AbortSignal.any([c.req.raw.signal, closing, ended.signal])
    return ndjson(pulledStream(node.logs(id, { follow, signal }), ended))
  })
  app.post('/v1/tasks/:part/cancel', async c => c.json(await node.cancel(c.req.param('part'))))
  app.post('/v1/tasks/:part/retry', async c => {
    return c.json({ v: 1, ...(await node.retry(c.req.param('part'))) }, 201)
  })
  app.get('/v1/tasks/:part/why', async c => {
    return c.json(node.why(await node.resolveId(c.req.param('part'))))
  })
  serveWaits(app, node, closing)
}

function serveWaits(app: Hono, node: TasksApi, closing: AbortSignal): void {
  app.get('/v1/tasks/:part/wait', async c => {
    const { timeoutMs } = check(patience, c.req.query())
    const gone = AbortSignal.any([c.req.raw.signal, closing])
    return c.json(await wait(node, await waitedId(node, c.req.param('part')), timeoutMs, gone))
  })
  app.post('/v1/waits', c => {
    const { body: lines, signal } = c.req.raw
    const waits = {
      follow: async (part: string, listener: EndListener) =>
        node.follow(await waitedId(node, part), listener),
      timeoutMs: check(patience, c.req.query()).timeoutMs,
      gone: AbortSignal.any([signal, closing])
    }
    return ndjson(waitStream(textOf(lines), waits))
  })
}

/** Of what has just been pruned the node may still know how it ended, by its whole id. */
async function waitedId(tasks: Pick<TasksApi, 'resolveId'>, part: string): Promise<string> {
  return TASK_ID.test(part) ? part : tasks.resolveId(part)
}

/** A line of a batch. What is wrong with it is its answer, and no reason to refuse the others. */
async function one(
  tasks: TasksApi,
  text: string,
  gone: AbortSignal,
  listener?: EndListener
): Promise<BatchAnswer> {
  const { line, type, payload, options } = check(batchLine, parse(text))
  try {
    const full = await withFullIds(tasks, options)
    const submitted = await tasks.submit(type, payload, full, gone, listener)
    return { v: 1, line, ...submitted }
  } catch (error) {
    return { ...problemOf(error).problem, line }
  }
}

async function wait(
  tasks: Pick<TasksApi, 'settled'>,
  id: string,
  timeoutMs: number | undefined,
  gone: AbortSignal
): Promise<TaskView> {
  if (timeoutMs === undefined) return tasks.settled(id, gone)
  const message = `${id} has not settled within ${timeoutMs} ms: it goes on`
  return within(timeoutMs, message, ended => tasks.settled(id, AbortSignal.any([gone, ended])))
}

/** Dependencies may be named by a part of their id; what is whole may be a task not yet known here. */
async function withFullIds(
  tasks: Pick<TasksApi, 'resolveId'>,
  options: Record<string, unknown>
): Promise<Record<string, unknown>> {
  const { dependsOn } = options
  if (!Array.isArray(dependsOn)) return options
  const full = dependsOn.map((id: unknown) =>
    typeof id !== 'string' || TASK_ID.test(id) ? id : tasks.resolveId(id)
  )
  return { ...options, dependsOn: await Promise.all(full) }
}

function withoutUndefined(value: z.infer<typeof filter>): TaskFilter {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined))
}
