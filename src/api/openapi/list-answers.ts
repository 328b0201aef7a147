/** What is answered about tasks as many, for the document. Nothing is checked against it here. */
import { z } from 'zod'
import type { TaskCountsView } from '../../node/api/lists-api.ts'
import { TASK_STATES } from '../../shared/names.ts'

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
