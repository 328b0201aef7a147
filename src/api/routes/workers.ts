/** Workers outside the process of the node: connected, or asking for one task at a time; and what they say of a task. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { z } from 'zod'
import type {
  ClaimOptions,
  LeasedTask,
  LeaseFailure,
  LeaseResult,
  LeaseView,
  WorkerLine,
  WorkerOptions,
  WorkersApi
} from '../../node/api/node-api.ts'
import { endAnswer } from '../openapi/answers.ts'
import { json, lines, type Question } from '../openapi/question.ts'
import type { Service } from '../openapi/service.ts'
import { answerEnds, completion, endLine, failure } from '../worker/lease-ends.ts'
import { sendLines } from '../worker/session-lines.ts'
import { blobRef } from './contents.ts'

type NoQuery = Record<string, never>

/** What is larger goes into a blob first. */
const BODY_BYTES_MAX = 1_048_576
/** Of one request; each is cut at 8 KiB. */
const LINES_MAX = 1000

const v = z.literal(1)
const done = z.strictObject({ v })
const LEASE = { lease: 'the lease, as it came with the task' }
const WORKER = { worker: 'the name of the worker, as its stream says first' }
const LEASES = ['LeaseLost', 'LeaseEnded'] as const

const leasedTask: z.ZodType<LeasedTask> = z.strictObject({
  v,
  task: z.string(),
  lease: z.string(),
  type: z.string(),
  payload: z.unknown(),
  payloadBlob: blobRef.nullable(),
  attempt: z.int().min(1),
  epoch: z.int().min(0),
  timeoutMs: z.int().nullable(),
  deadline: z.iso.datetime().nullable(),
  leaseMs: z.int().nullable(),
  traceparent: z.string().nullable(),
  checkpointBlob: blobRef.nullable().exactOptional(),
  dependencies: z.record(
    z.string(),
    z.strictObject({
      result: z.unknown(),
      resultBlob: blobRef.nullable()
    })
  )
})
const workerLine: z.ZodType<WorkerLine> = z.union([
  z.strictObject({ v, worker: z.string() }),
  leasedTask,
  z.strictObject({ v, cancel: z.string(), reason: z.string() }),
  z.strictObject({ v, drain: z.literal(true) }),
  z.strictObject({ v, ping: z.literal(true) })
])
const leaseView: z.ZodType<LeaseView> = z.strictObject({
  v,
  leaseMs: z.int().nullable(),
  cancelled: z.boolean(),
  reason: z.string().nullable(),
  draining: z.boolean()
})

const offer: z.ZodType<WorkerOptions> = z.strictObject({
  types: z.array(z.string()),
  slots: z.int(),
  name: z.string().exactOptional(),
  labels: z.record(z.string(), z.string()).exactOptional(),
  leaseMs: z.int().exactOptional()
})
const CONNECT: Question<NoQuery, WorkerOptions> = {
  summary: 'A worker connects; it gets tasks for as long as it reads the answer',
  body: { as: 'json', schema: offer, bytesMax: BODY_BYTES_MAX },
  answers: [lines(workerLine, 'its name first, then tasks, and what becomes of them')]
}
const DRAIN: Question = {
  summary: 'A worker gets nothing more; its stream ends when it has ended what it has',
  params: WORKER,
  answers: [json(done, 'it gets nothing more')],
  problems: ['UnknownWorkerError']
}
const DISCONNECT: Question = {
  summary: 'A worker goes; what it has is given back, and nothing counts as lost',
  params: WORKER,
  answers: [json(done, 'it is gone')],
  problems: ['UnknownWorkerError']
}

const claim: z.ZodType<ClaimOptions> = z.strictObject({
  types: z.array(z.string()),
  waitMs: z.int().exactOptional(),
  leaseMs: z.int().exactOptional()
})
const CLAIM: Question<NoQuery, ClaimOptions> = {
  summary: 'One task, under a lease that is renewed by each call on it',
  body: { as: 'json', schema: claim, bytesMax: BODY_BYTES_MAX },
  answers: [
    json(leasedTask, 'the task'),
    { status: 204, what: 'none came in time, or the node drains', as: 'nothing' }
  ]
}

const progress = z.strictObject({
  fraction: z.number().min(0).max(1),
  message: z.string().exactOptional()
})
const PROGRESS = onLease('How far the run is', progress)
const logLines = z.strictObject({ lines: z.array(z.string()).max(LINES_MAX) })
const LOGS = onLease('What the run has to say', logLines)
const extension = z.strictObject({ leaseMs: z.int().exactOptional() })
const EXTEND = onLease('The worker is there; with `leaseMs`, for how long from now on', extension)

const SAVE: Question = {
  summary: 'Saves where the run stands, for the next attempt on whatever node',
  params: LEASE,
  body: {
    as: 'bytes',
    what: 'the checkpoint, as the next attempt is to read it: JSON text, or any bytes'
  },
  answers: [json(leaseView, 'how the lease stands: what was sent is in two places')],
  problems: [...LEASES, 'TooLargeError', 'DiskFullError']
}

const COMPLETE: Question<NoQuery, LeaseResult> = {
  summary: 'The run has completed, with a value or a blob that was written before',
  params: LEASE,
  body: { as: 'json', schema: completion, bytesMax: BODY_BYTES_MAX },
  answers: [json(done, 'it is taken, now or before')],
  problems: [...LEASES, 'DiskFullError']
}
const FAIL: Question<NoQuery, LeaseFailure> = {
  summary: 'The run has failed; with `retryAfterMs` it came too early, and uses no retry',
  params: LEASE,
  body: { as: 'json', schema: failure, bytesMax: BODY_BYTES_MAX },
  answers: [json(done, 'it is taken, now or before')],
  problems: LEASES
}
const RELEASE: Question = {
  summary: 'The run is given back, or a cancelled one is over; it uses no retry',
  params: LEASE,
  answers: [json(done, 'it is taken, now or before')],
  problems: LEASES
}
const ENDS: Question = {
  summary: 'Ends of any number of leases; the request may stay open, and each is answered at once',
  body: {
    as: 'lines',
    what: 'a lease and its end, a line each: what the request of that name has as its body',
    shape: endLine
  },
  answers: [
    lines(endAnswer, 'in the same order: it is taken, now or before, or an `error` says why not')
  ]
}

function onLease<T>(summary: string, schema: z.ZodType<T>): Question<NoQuery, T> {
  return {
    summary,
    params: LEASE,
    body: { as: 'json', schema, bytesMax: BODY_BYTES_MAX },
    answers: [json(leaseView, 'how the lease stands: the call has renewed it')],
    problems: LEASES
  }
}

export function serveWorkers(service: Service, workers: WorkersApi, closing: AbortSignal): void {
  service.add('post', '/v1/workers', CONNECT, (c, { given }) => {
    const ended = new AbortController()
    const { outgoing } = connectionOf(c)
    outgoing.once('close', () => ended.abort(new Error('the worker is gone')))
    sendLines(workers.attach(given, AbortSignal.any([closing, ended.signal])), outgoing)
    return RESPONSE_ALREADY_SENT
  })
  service.add('post', '/v1/workers/:worker/drain', DRAIN, c => {
    workers.drain(c.req.param('worker')!)
    return c.json({ v: 1 })
  })
  service.add('delete', '/v1/workers/:worker', DISCONNECT, c => {
    workers.disconnect(c.req.param('worker')!)
    return c.json({ v: 1 })
  })
  service.add('post', '/v1/claims', CLAIM, async (c, { given }) => {
    const gone = AbortSignal.any([c.req.raw.signal, closing])
    const task = await workers.claim(given, gone)
    return task === null ? c.body(null, 204) : c.json(task)
  })
  serveLeases(service, workers, closing)
}

function serveLeases(service: Service, workers: WorkersApi, closing: AbortSignal): void {
  service.add('post', '/v1/leases/ends', ENDS, c => {
    void answerEnds(workers, connectionOf(c), closing)
    return RESPONSE_ALREADY_SENT
  })
  service.add('post', '/v1/leases/:lease/progress', PROGRESS, (c, { given }) =>
    c.json(workers.progress(leaseOf(c), given.fraction, given.message))
  )
  service.add('post', '/v1/leases/:lease/logs', LOGS, (c, { given }) =>
    c.json(workers.log(leaseOf(c), given.lines))
  )
  service.add('post', '/v1/leases/:lease/extend', EXTEND, (c, { given }) =>
    c.json(workers.extend(leaseOf(c), given.leaseMs))
  )
  service.add('post', '/v1/leases/:lease/checkpoint', SAVE, async c => {
    const { body } = c.req.raw
    try {
      return c.json(await workers.save(leaseOf(c), piecesOf(body)))
    } finally {
      // An answer before the end of the question would be lost with the connection.
      if (body !== null) for await (const _ of body);
    }
  })
  service.add('post', '/v1/leases/:lease/complete', COMPLETE, async (c, { given }) => {
    await workers.complete(leaseOf(c), given)
    return c.json({ v: 1 })
  })
  service.add('post', '/v1/leases/:lease/fail', FAIL, (c, { given }) => {
    workers.fail(leaseOf(c), given)
    return c.json({ v: 1 })
  })
  service.add('post', '/v1/leases/:lease/release', RELEASE, c => {
    workers.release(leaseOf(c))
    return c.json({ v: 1 })
  })
}

/** The connection of a request, for answers that are written to it. */
function connectionOf(c: Context): HttpBindings {
  return c.env as HttpBindings
}

/** What is sent, piece by piece. Who stops reading leaves the rest. */
async function* piecesOf(
  body: ReadableStream<Uint8Array> | null
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body !== null) yield* body.values({ preventCancel: true })
}

function leaseOf(c: Context): string {
  return c.req.param('lease')!
}
