/** What is answered about tasks as many, for the document. Nothing is checked against it here. */
import { z } from 'zod'
import type {
  BulkPreview,
  GraphView,
  SpanView,
  TaskCountsView,
  TaskRow,
  TimelineView
} from '../../node/api/lists-api.ts'
import { SPAN_OUTCOMES, VIAS } from '../../core/message.ts'
import { TASK_STATES } from '../../shared/names.ts'
import { published } from './question.ts'

type Shape<T> = z.ZodType<T>

const v = z.literal(1)
const count = z.int().min(0)
const states = z.record(z.enum(TASK_STATES), count)

/** The last line of a page. */
export const pageEnd: Shape<{ v: 1; cursor: string | null; matched: number }> = z.strictObject({
  v,
  cursor: z.string().nullable().meta({ description: 'for the next page; null: nothing follows' }),
  matched: count.meta({ description: 'how many tasks fit the filter, on all pages' })
})

export const counts: Shape<TaskCountsView> = z.strictObject({
  v,
  at: z.iso.datetime(),
  total: count,
  states,
  types: z.record(z.string(), states),
  nodes: z.record(z.string(), states)
})

const row = published('task-row') as Shape<TaskRow>
const time = z.iso.datetime()

export const graph: Shape<GraphView> = z.strictObject({
  v,
  id: z.string(),
  nodes: z.array(
    z
      .looseObject({ depth: z.int() })
      .meta({ description: 'a row, and how far away: below zero what the task depends on' })
  ) as unknown as Shape<GraphView['nodes']>,
  edges: z
    .array(z.strictObject({ from: z.string(), to: z.string() }))
    .meta({ description: '`to` depends on `from`' }),
  unknown: z.array(z.string()).meta({ description: 'what this node does not know' }),
  more: count
})

const slot = { node: z.string(), pool: z.string(), slot: count }
const span: Shape<SpanView> = z.strictObject({
  task: z.string(),
  type: z.string(),
  ...slot,
  attempt: z.int(),
  from: time,
  to: time.nullable(),
  outcome: z.enum(SPAN_OUTCOMES).nullable(),
  via: z.enum(VIAS)
})
const part = z.number().min(0).max(1)

export const timeline: Shape<TimelineView> = z.strictObject({
  v,
  from: time,
  to: time,
  spans: z.array(span),
  density: z
    .strictObject({
      bucketMs: z.number(),
      rows: z.array(z.strictObject({ ...slot, busy: z.array(part), ended: z.array(count) }))
    })
    .nullable()
    .meta({ description: 'in place of more spans than `max`' }),
  missing: z.array(z.string()).meta({ description: 'nodes that did not answer' }),
  lost: z.array(z.string()).meta({ description: 'nodes that have let go of some of their spans' })
})

export const bulkPreview: Shape<BulkPreview> = z.strictObject({
  v,
  matched: count,
  sample: z.array(row)
})
