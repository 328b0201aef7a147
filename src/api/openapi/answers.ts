/** What the local API answers beside what `--json` prints: for the document. Nothing is checked against it here. */
import { z } from 'zod'
import type { DiagnosisView, LogEntry } from '../../node/api/node-api.ts'
import type { BatchAnswer, BatchEnd } from '../batch.ts'
import type { Problem } from '../problem.ts'
import type { WaitAnswer } from '../waits.ts'
import type { EndAnswer } from '../worker/lease-ends.ts'
import { published } from './question.ts'

type Shape<T> = z.ZodType<T>

const v = z.literal(1)
const count = z.int().min(0)

const error: Shape<Problem['error']> = z.strictObject({
  name: z.string(),
  message: z.string(),
  advice: z.string(),
  taskId: z.string().exactOptional()
})

/** The body of every answer that is not a success; also the last line of a stream that broke. */
export const problem: Shape<Problem> = z.strictObject({ v, error })

export const endAnswer: Shape<EndAnswer> = z.union([
  z.strictObject({ v, lease: z.string() }),
  z.strictObject({ v, lease: z.string(), error })
])

export const batchAnswer: Shape<BatchAnswer> = z.union([
  z.strictObject({
    v,
    line: z.int(),
    id: z.string(),
    acks: count,
    deduplicated: z.boolean(),
    warnings: z.array(z.string())
  }),
  z.strictObject({ v, line: z.int(), error })
])
export const batchEnd: Shape<BatchEnd> = z.strictObject({
  v,
  task: published('task') as Shape<BatchEnd['task']>
})

export const waitAnswer: Shape<WaitAnswer> = z.union([
  z.strictObject({ v, line: z.int(), task: published('task') as Shape<BatchEnd['task']> }),
  z.strictObject({ v, line: z.int(), error })
])

export const logEntry: Shape<LogEntry> = z.strictObject({
  v,
  at: z.iso.datetime(),
  attempt: z.int().min(1),
  node: z.string().nullable(),
  stream: z.enum(['stdout', 'stderr', 'log', 'note']),
  text: z.string(),
  base64: z.string().exactOptional()
})

const unreadable: Shape<DiagnosisView['unreadable'][number]> = z.strictObject({
  node: z.string(),
  id: z.string(),
  writes: count,
  readers: z.array(z.string()),
  writer: z.string().nullable(),
  stuck: z.boolean()
})
const overfull: Shape<DiagnosisView['overfull']> = z
  .strictObject({
    kept: count,
    max: count,
    behind: z.array(z.strictObject({ node: z.string(), why: z.enum(['away', 'floor', 'records']) }))
  })
  .nullable()

export const diagnosis: Shape<DiagnosisView> = z.strictObject({
  v,
  cluster: z.string(),
  node: z.string(),
  id: z.string(),
  version: z.string(),
  fingerprints: z.record(z.string(), z.string()),
  mdns: z.strictObject({ interface: z.string().nullable() }).nullable(),
  nodes: z.array(
    z
      .looseObject({ clockOffsetMs: z.number().nullable() })
      .meta({ description: 'a node, and how far its clock is ahead' })
  ) as unknown as Shape<DiagnosisView['nodes']>,
  expected: z.array(z.string()),
  unanswered: z.array(z.strictObject({ address: z.string(), silentMs: count })),
  duplicates: z.array(z.strictObject({ node: z.string(), id: z.string(), at: z.iso.datetime() })),
  disk: z.string().nullable(),
  clockSet: z.strictObject({ at: z.iso.datetime(), byMs: z.number() }).nullable(),
  unreadable: z.array(unreadable),
  unconfirmed: z.strictObject({ tasks: count, missing: z.array(z.string()) }).nullable(),
  overfull
})
