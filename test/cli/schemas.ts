/**
 * What `--json` prints, and a line of a file of tasks, as schemas: tied to the types of the code by the compiler, to the output of every verb and to the
 * files in config/schemas by tests.
 */
import { z } from 'zod'
import { VIAS } from '../../src/core/message.ts'
import { TASK_STATES } from '../../src/shared/names.ts'
import { CODES, SEVERITIES, type Finding } from '../../src/doctor/finding.ts'
import type { Client } from '../../src/api/client.ts'
import type { DashboardLink } from '../../src/cli/commands/dashboard.ts'
import type { Reloaded } from '../../src/api/routes/reload.ts'
import type { BulkResult, TaskRow } from '../../src/node/api/lists-api.ts'
import type {
  BlobRef,
  LabelConditionsOption,
  CancelResult,
  LoadedState,
  LogEntry,
  NodeView,
  PoolView,
  StatusView,
  Submitted,
  TaskView,
  WhyView
} from '../../src/node/api/node-api.ts'
import { taskLine } from './task-line.ts'

type Shape<T> = z.ZodType<T>

const v = z.literal(1)
const count = z.int().min(0)
const time = z.iso.datetime()
const taskId = z.string().regex(/^[0-9a-f-]{36}$/)
const states = z.record(z.enum(TASK_STATES), count)
const conditions: Shape<LabelConditionsOption> = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.array(z.union([z.string(), z.number()]))])
)
const blob: Shape<BlobRef> = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(1)
})

const taskFields = {
  v,
  id: taskId,
  type: z.string(),
  state: z.enum(TASK_STATES),
  reason: z.string().nullable(),
  priority: z.int().min(1).max(10),
  attempt: z.int().min(1),
  maxRetries: count,
  epoch: count,
  holder: z.string(),
  submittedBy: z.string(),
  submittedAt: time,
  startedAt: time.nullable(),
  pool: z.string().nullable(),
  slot: count.nullable(),
  settledAt: time.nullable(),
  durationMs: z.number().min(0).nullable(),
  payload: z.json(),
  payloadBlob: blob.nullable(),
  result: z.json(),
  resultBlob: blob.nullable(),
  error: z
    .strictObject({ name: z.string(), message: z.string(), stack: z.string().exactOptional() })
    .nullable(),
  dependsOn: z.array(taskId),
  labels: z.strictObject({ require: conditions, prefer: conditions }),
  tags: z.array(z.string()),
  ref: z.string().nullable(),
  idempotencyKey: z.string().nullable(),
  traceparent: z.string().nullable(),
  progress: z
    .strictObject({ fraction: z.number().min(0).max(1), message: z.string().nullable() })
    .nullable(),
  retryOf: taskId.nullable(),
  acks: count,
  checkpoint: z.strictObject({ epoch: count, bytes: count }).nullable(),
  lost: z.array(z.string()),
  via: z.enum(VIAS)
}
const task: Shape<TaskView> = z.strictObject(taskFields)
const taskRow: Shape<TaskRow> = z.strictObject(taskFields).omit({
  payload: true,
  result: true,
  dependsOn: true,
  labels: true,
  idempotencyKey: true,
  traceparent: true,
  acks: true,
  checkpoint: true
})

const pool: Shape<PoolView> = z.strictObject({
  name: z.string(),
  slots: count,
  running: count,
  types: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  external: z.boolean()
})

const nodeFields = {
  v,
  name: z.string().nullable(),
  id: z.string().nullable(),
  computer: z.string().nullable(),
  instance: z.string().nullable(),
  status: z.enum(['alive', 'suspect', 'unreachable', 'crashed', 'left']).nullable(),
  draining: z.boolean(),
  paused: z.enum(['disk', 'alone', 'waking', 'other']).nullable(),
  loopLagMs: count,
  settledMax: count.nullable(),
  self: z.boolean(),
  found: z.boolean(),
  connected: z.boolean(),
  synced: z.boolean(),
  slots: count,
  running: count,
  queued: count,
  pools: z.array(pool),
  handlers: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  addresses: z.array(z.string()),
  heartbeatAgeMs: z.number().min(0).nullable(),
  boot: z.string().nullable(),
  version: z.string().nullable()
}
const node: Shape<NodeView> = z.strictObject(nodeFields)

const status: Shape<StatusView> = z.strictObject({
  v,
  cluster: z.string(),
  node: z.string(),
  id: z.string(),
  version: z.string(),
  members: z.strictObject({ alive: count, connected: count, synced: count, expected: count }),
  tasks: states,
  types: z.record(z.string(), states),
  slots: z.strictObject({ total: count, running: count }),
  quorum: z.boolean(),
  settled: z.strictObject({ kept: count, max: count, differs: z.boolean() }),
  submitters: z.strictObject({
    waiting: count,
    heldBackBy: z.enum(['disk', 'copies', 'room']).nullable()
  })
})

const submittedFields = {
  id: taskId,
  acks: count,
  deduplicated: z.boolean(),
  warnings: z.array(z.string()),
  runAt: time.exactOptional()
}
const submitted: Shape<Submitted & { v: 1; dependents?: string[] }> = z.strictObject({
  v,
  ...submittedFields,
  dependents: z.array(taskId).exactOptional()
})
const each = z.strictObject({
  v,
  ...submittedFields,
  line: z.int().min(1),
  ref: z.string().nullable()
})

/** Events bring what they are about; the names are those of the documentation. */
const event = z
  .object({ v, at: time, event: z.string().regex(/^[a-z]+:[a-z-]+$/), cursor: z.string() })
  .catchall(z.json())
const taskWithHistory = z.strictObject({ ...taskFields, history: z.array(event) })

const loaded: Shape<LoadedState> = z.strictObject({
  v,
  loaded: count,
  known: count,
  skipped: count
})

const logLine: Shape<Omit<LogEntry, 'text'> & { line: string; cut?: true }> = z.strictObject({
  v,
  at: time,
  attempt: z.int().min(1),
  node: z.string().nullable(),
  stream: z.enum(['stdout', 'stderr', 'log', 'note']),
  line: z.string(),
  cut: z.literal(true).exactOptional()
})

const key = { v, cluster: z.string(), key: z.string(), fingerprint: z.string() }
const cancelled: Shape<CancelResult> = z.strictObject({
  v,
  id: taskId,
  status: z.enum(['cancelled', 'completed', 'failed', 'requested'])
})

const bulk: Shape<BulkResult> = z.strictObject({
  v,
  matched: count,
  changed: count,
  refused: z.array(z.strictObject({ id: taskId, why: z.string() })),
  refusedMore: count
})

const why: Shape<WhyView> = z.strictObject({
  type: z.string(),
  ref: z.string().nullable(),
  tags: z.array(z.string()),
  idempotencyKey: z.string().nullable(),
  dependencies: z.array(
    z.strictObject({
      id: taskId,
      type: z.string().nullable(),
      ref: z.string().nullable(),
      state: z.enum(TASK_STATES).nullable(),
      reason: z.string().nullable()
    })
  ),
  v,
  id: taskId,
  state: z.enum(TASK_STATES),
  reason: z.string().nullable(),
  words: z.string(),
  nodes: z.array(z.strictObject({ node: z.string(), reason: z.string(), words: z.string() }))
})

const left: Shape<{ v: 1 } & Pick<Awaited<ReturnType<Client['status']>>, 'node' | 'cluster'>> =
  z.strictObject({ v, node: z.string(), cluster: z.string() })

const diagnosis = z.strictObject({
  v,
  cluster: z.string(),
  node: z.string().nullable(),
  heard: count.nullable(),
  others: z.array(z.strictObject({ cluster: z.string(), nodes: count })),
  findings: z.array(
    z.strictObject({
      code: z.enum(CODES),
      severity: z.enum(SEVERITIES),
      what: z.string(),
      cure: z.string()
    }) satisfies Shape<Finding>
  )
})

const reloaded: Shape<{ v: 1 } & Reloaded> = z.strictObject({
  v,
  handlers: z.array(z.string()),
  added: z.array(z.string()),
  removed: z.array(z.string()),
  notes: z.array(z.string())
})

/** By the name of the file in config/schemas. */
export const SCHEMAS = {
  task,
  'task-row': taskRow,
  'task-with-history': taskWithHistory,
  node,
  status,
  submitted,
  event,
  cancelled,
  bulk,
  why,
  diagnosis,
  'task-line': taskLine,
  'submitted-each': each,
  'log-line': logLine,
  'state-loaded': loaded,
  'state-saved': z.strictObject({ v, file: z.string(), tasks: count, missing: count }),
  'dashboard-link': z.strictObject({
    v,
    link: z.string().regex(/^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}$/),
    validMs: count
  }) satisfies Shape<DashboardLink>,
  'key-new': z.strictObject({ ...key, file: z.string().nullable() }),
  'key-show': z.strictObject({ ...key, source: z.string() }),
  left,
  reloaded,
  metrics: z.strictObject({ v, text: z.string() }),
  config: z.strictObject({
    v,
    options: z.record(z.string(), z.strictObject({ value: z.json(), source: z.string() }))
  }),
  simulation: z.strictObject({
    v,
    seeds: z.int().min(1),
    violations: z.array(
      z.strictObject({
        seed: count,
        invariant: z.int(),
        message: z.string(),
        replay: z.string()
      })
    )
  }),
  top: z.strictObject({
    v,
    at: time,
    status: status.nullable(),
    nodes: z.array(z.strictObject({ ...nodeFields, rate: z.number().min(0) })),
    rate: z.number().min(0),
    steals: count,
    failures: z.array(z.record(z.string(), z.string())),
    trouble: z.string().nullable()
  })
} as const satisfies Readonly<Record<string, z.ZodType>>
