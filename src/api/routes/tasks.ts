/** Tasks: submitted, listed, looked at, waited for. */
import type { Context } from 'hono'
import { z } from 'zod'
import { DURATION_MS_MAX } from '../../shared/durations.ts'
import { TASK_ID } from '../../shared/names.ts'
import { within } from '../../shared/within.ts'
import type {
  EndListener,
  IdListener,
  OutputApi,
  QueriesApi,
  Submitted,
  TasksApi,
  TaskView
} from '../../node/api/node-api.ts'
import { batchStream } from '../batch.ts'
import { listStream, pulledStream, textOf } from '../events.ts'
import { problemOf } from '../problem.ts'
import { batchAnswer, batchEnd, logEntry, waitAnswer } from '../openapi/answers.ts'
import { json, lines, published, type Question } from '../openapi/question.ts'
import type { Service } from '../openapi/service.ts'
import { check, ndjson, parse } from '../request.ts'
import type { BatchAnswer } from '../batch.ts'
import { waitLine, waitStream } from '../waits.ts'
import { blobRef } from './contents.ts'
import { LineRefs } from './line-refs.ts'

/** Larger payloads are written to disk first, by `PUT /v1/blobs`: the body of a submission is in memory. */
const BODY_BYTES_MAX = 1_048_576

const submission = z.strictObject({
  type: z.string(),
  payload: z.unknown().default(null),
  payloadBlob: blobRef.nullable().default(null),
  options: z.record(z.string(), z.unknown()).default({})
})
const SUBMIT: Question<Record<string, never>, z.infer<typeof submission>> = {
  summary: 'Submits a task',
  body: { as: 'json', schema: submission, bytesMax: BODY_BYTES_MAX },
  answers: [json(published('submitted'), 'it is accepted', 201)],
  problems: [
    'UnknownTaskError',
    'AmbiguousTaskError',
    'DependencyForgottenError',
    'PayloadRejectedError',
    'TooLargeError',
    'NotReplicatedError',
    'DiskFullError'
  ]
}

const batchLine = submission.omit({ payloadBlob: true }).extend({ line: z.int() })
const batchQuery = z.strictObject({
  wait: z.enum(['true', 'false']).optional(),
  refs: z.enum(['true', 'false']).optional()
})
const BATCH: Question<z.infer<typeof batchQuery>> = {
  summary:
    'Submits many tasks over one request; with `wait`, also tells how each ends; with `refs`, a line may depend on `ref:NAME`, a line before it',
  query: batchQuery,
  body: { as: 'lines', what: 'a task each', shape: batchLine },
  answers: [
    lines(
      z.union([batchAnswer, batchEnd]),
      'in the order of the lines, an answer each; ends among them'
    )
  ],
  problems: []
}

const ONE = ['UnknownTaskError', 'AmbiguousTaskError'] as const
const GET: Question = {
  summary: 'A task',
  answers: [json(published('task'), 'the task')],
  problems: ONE
}
const HISTORY: Question = {
  summary: 'What has happened to a task, as far as the node remembers',
  answers: [lines(published('event'), 'an event each, oldest first')],
  problems: ONE
}
const following = z.strictObject({ follow: z.enum(['true', 'false']).optional() })
const LOGS: Question<z.infer<typeof following>> = {
  summary: 'What the runs of a task have said; with `follow`, until it has settled',
  query: following,
  answers: [lines(logEntry, 'what was said, in order')],
  problems: ONE
}
const CANCEL: Question = {
  summary: 'Cancels a task; answered when it has settled, after 5 s in any case',
  answers: [json(published('cancelled'), 'how it has settled, or that it is requested')],
  problems: ONE
}
const retried = z.strictObject({ dependents: z.enum(['true', 'false']).optional() })
const RETRY: Question<z.infer<typeof retried>> = {
  summary:
    'Submits a copy of a task that has failed or was cancelled; with `dependents`, also of what was cancelled with it',
  query: retried,
  answers: [json(published('submitted'), 'the copy', 201)],
  problems: [...ONE, 'TaskStateError', 'BlobUnavailableError', 'NotReplicatedError']
}
const WHY: Question = {
  summary: 'Why a task does not run, for each node',
  answers: [json(published('why'), 'the reasons')],
  problems: ONE
}

const patience = z.strictObject({
  timeoutMs: z.coerce.number().min(0).max(DURATION_MS_MAX).optional()
})
const WAIT: Question<z.infer<typeof patience>> = {
  summary: 'Answered when the task has settled, however it ended',
  query: patience,
  answers: [json(published('task'), 'the task')],
  problems: [...ONE, 'WaitTimeoutError']
}
const WAITS: Question<z.infer<typeof patience>> = {
  summary: 'Waits for any number of tasks',
  query: patience,
  body: { as: 'lines', what: 'a task each, with a number of its own', shape: waitLine },
  answers: [lines(waitAnswer, 'a task each, as it settles')]
}

type Served = TasksApi & QueriesApi & OutputApi

export function serveTasks(service: Service, node: Served, closing: AbortSignal): void {
  service.add('post', '/v1/tasks', SUBMIT, async (c, { given }) => {
    const { type, payload, payloadBlob, options } = given
    const full = await withFullIds(node, options)
    const submitted =
      payloadBlob === null
        ? await node.submit(type, payload, full, c.req.raw.signal)
        : await node.submitBlob(type, payloadBlob, full, c.req.raw.signal)
    return c.json({ v: 1, ...submitted }, 201)
  })
  service.add('post', '/v1/batch', BATCH, (c, { query }) => {
    const { body, signal } = c.req.raw
    const refs = query.refs === 'true' ? new LineRefs() : null
    const batch = {
      answer: (line: string, listener?: EndListener) => one(node, line, refs, signal, listener),
      wait: query.wait === 'true',
      gone: AbortSignal.any([signal, closing])
    }
    return ndjson(batchStream(textOf(body), batch))
  })
  service.add('get', '/v1/tasks/:part', GET, async c => {
    const id = await node.resolveId(partOf(c))
    await node.refreshProgress()
    return c.json(node.task(id))
  })
  service.add('get', '/v1/tasks/:part/history', HISTORY, async c => {
    return ndjson(listStream(node.history(await node.resolveId(partOf(c)))))
  })
  service.add('get', '/v1/tasks/:part/logs', LOGS, async (c, { query }) => {
    const id = await node.resolveId(partOf(c))
    const ended = new AbortController()
    const signal = AbortSignal.any([c.req.raw.signal, closing, ended.signal])
    return ndjson(pulledStream(node.logs(id, { follow: query.follow === 'true', signal }), ended))
  })
  service.add('post', '/v1/tasks/:part/cancel', CANCEL, async c => {
    return c.json(await node.cancel(partOf(c)))
  })
  service.add('post', '/v1/tasks/:part/retry', RETRY, async (c, { query }) => {
    const options = { withDependents: query.dependents === 'true' }
    return c.json({ v: 1, ...(await node.retry(partOf(c), options)) }, 201)
  })
  service.add('get', '/v1/tasks/:part/why', WHY, async c => {
    return c.json(node.why(await node.resolveId(partOf(c))))
  })
  serveWaits(service, node, closing)
}

function serveWaits(service: Service, node: TasksApi, closing: AbortSignal): void {
  service.add('get', '/v1/tasks/:part/wait', WAIT, async (c, { query: { timeoutMs } }) => {
    const gone = AbortSignal.any([c.req.raw.signal, closing])
    return c.json(await wait(node, await waitedId(node, partOf(c)), timeoutMs, gone))
  })
  service.add('post', '/v1/waits', WAITS, (c, { query: { timeoutMs } }) => {
    const { body, signal } = c.req.raw
    const waits = {
      follow: async (part: string, listener: EndListener) =>
        node.follow(await waitedId(node, part), listener),
      timeoutMs,
      gone: AbortSignal.any([signal, closing])
    }
    return ndjson(waitStream(textOf(body), waits))
  })
}

/** The part of an id that a path names. */
function partOf(c: Context): string {
  return c.req.param('part')!
}

/** Of what has just been pruned the node may still know how it ended, by its whole id. */
async function waitedId(tasks: Pick<TasksApi, 'resolveId'>, part: string): Promise<string> {
  return TASK_ID.test(part) ? part : tasks.resolveId(part)
}

/** A line of a batch. What is wrong with it is its answer, and no reason to refuse the others. */
async function one(
  tasks: TasksApi,
  text: string,
  refs: LineRefs | null,
  gone: AbortSignal,
  listener?: EndListener
): Promise<BatchAnswer> {
  const { line, type, payload, options } = check(batchLine, parse(text))
  const submit = async (
    tied: Readonly<Record<string, unknown>>,
    named?: IdListener
  ): Promise<Submitted> => {
    const full = await withFullIds(tasks, tied)
    return tasks.submit(type, payload, full, gone, listener, named)
  }
  try {
    const submitted = await (refs === null ? submit(options) : refs.submit(options, submit))
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
  options: Readonly<Record<string, unknown>>
): Promise<Readonly<Record<string, unknown>>> {
  const { dependsOn } = options
  if (!Array.isArray(dependsOn)) return options
  const full = dependsOn.map((id: unknown) =>
    typeof id !== 'string' || TASK_ID.test(id) ? id : tasks.resolveId(id)
  )
  return { ...options, dependsOn: await Promise.all(full) }
}
