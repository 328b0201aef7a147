/** A line of a file for `submit --each`, as a schema for editors and for programs that write such files. */
import { z } from 'zod'
import { TASK_DEFAULTS, TASK_LIMITS } from '../../src/core/options.ts'
import { DELIVERIES, DEPENDENCY_FAILURE_RULES } from '../../src/core/task/spec.ts'
import type { SubmitOptions } from '../../src/node/api/node-api.ts'

const duration = z.union([z.number().min(0), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)?$/)])
const conditions = z.record(
  z.string().regex(/^[\w./-]+$/),
  z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()])).min(1)])
)
const text = (lengthMax: number): z.ZodString => z.string().min(1).max(lengthMax)

/** What the library calls them. The compiler finds one that is missing. */
const options = {
  priority: z
    .int()
    .min(TASK_LIMITS.priorityMin)
    .max(TASK_LIMITS.priorityMax)
    .describe(`10 runs first. Default: ${TASK_DEFAULTS.priority}`),
  dependsOn: z
    .array(z.string().regex(/^(ref:.+|[0-9a-f-]{1,36})$/s))
    .max(TASK_LIMITS.dependenciesMax)
    .describe('Tasks that have to complete first: "ref:NAME" of another line of the file, or ids'),
  onDependencyFailure: z
    .enum(DEPENDENCY_FAILURE_RULES)
    .describe('What becomes of it if one of these does not complete. Default: cancel'),
  maxRetries: z
    .int()
    .min(0)
    .max(TASK_LIMITS.maxRetriesMax)
    .describe(`Further attempts after a failed one. Default: ${TASK_DEFAULTS.maxRetries}`),
  maxLost: z
    .int()
    .min(0)
    .max(TASK_LIMITS.maxLostMax)
    .describe(`Starts that may end with the death of a node. Default: ${TASK_DEFAULTS.maxLost}`),
  backoff: z
    .strictObject({
      delay: duration,
      factor: z.number().min(1).max(TASK_LIMITS.backoffFactorMax),
      maxDelay: duration,
      jitter: z.number().min(0).max(1)
    })
    .partial()
    .describe('How long to wait between attempts'),
  timeout: duration.describe('Bound on one attempt: "30s", or ms'),
  deadline: duration.describe('Bound from submission to settling: "10m", or ms'),
  delay: duration.describe('It is not started earlier: "1h", or ms'),
  runAt: z
    .union([z.string(), z.number()])
    .describe('It is not started earlier: a date-time of RFC 3339, or ms since 1970'),
  labels: z
    .strictObject({ require: conditions, prefer: conditions })
    .partial()
    .describe('What it asks of the labels of the node that runs it'),
  idempotencyKey: text(TASK_LIMITS.idempotencyKeyLengthMax).describe(
    'The same key names the same task, wherever it is submitted'
  ),
  delivery: z
    .enum(DELIVERIES)
    .describe('Whether a lost start may be repeated. Default: at-least-once'),
  tags: z.array(text(TASK_LIMITS.tagLengthMax)).max(TASK_LIMITS.tagsMax).describe('For filters'),
  ref: text(TASK_LIMITS.refBytesMax).describe(
    `What the task is called: other lines of the file depend on it as "ref:NAME". Up to ${TASK_LIMITS.refBytesMax} bytes`
  ),
  traceparent: z
    .string()
    .regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/)
    .describe('The trace it belongs to, as in W3C Trace Context'),
  retention: duration.describe('How long it is kept once it has settled: "1h", or ms'),
  acks: z.int().min(0).describe('How many other members must have it on disk')
} satisfies Readonly<Record<keyof SubmitOptions, z.ZodType>>

export const taskLine = z
  .strictObject({
    type: text(TASK_LIMITS.typeLengthMax).describe(
      'What is to be done: the name of a handler. May be left out if the command line has one'
    ),
    payload: z.json().describe('What the handler is given. Default: null'),
    ...options
  })
  .partial()
