/** Tasks as tools show them: in brief, and their values as JSON text that may be cut. */
import { z } from 'zod'
import type { Client } from '../../api/client.ts'
import type { TaskRow } from '../../node/api/lists-api.ts'
import type { BlobRef, TaskView } from '../../node/api/node-api.ts'
import { TASK_STATES } from '../../shared/names.ts'
import { cutText } from '../cut.ts'

/** Characters of an error's message in a list. */
const ERROR_LENGTH_MAX = 300

export const brief: z.ZodType<Brief> = z.object({
  id: z.string(),
  type: z.string(),
  state: z.enum(TASK_STATES),
  reason: z.string().nullable(),
  priority: z.number(),
  attempt: z.number(),
  holder: z.string(),
  submittedAt: z.string(),
  settledAt: z.string().nullable(),
  tags: z.array(z.string()),
  error: z.string().nullable()
})
/** A task without what may be large. */
export type Brief = Pick<
  TaskView,
  | 'id'
  | 'type'
  | 'state'
  | 'reason'
  | 'priority'
  | 'attempt'
  | 'holder'
  | 'submittedAt'
  | 'settledAt'
  | 'tags'
> & { error: string | null }

export function briefOf(task: TaskView | TaskRow): Brief {
  const {
    id,
    type,
    state,
    reason,
    priority,
    attempt,
    holder,
    submittedAt,
    settledAt,
    tags,
    error
  } = task
  const words =
    error === null ? null : cutText(`${error.name}: ${error.message}`, ERROR_LENGTH_MAX).text
  return {
    id,
    type,
    state,
    reason,
    priority,
    attempt,
    holder,
    submittedAt,
    settledAt,
    tags,
    error: words
  }
}

/** A payload or result as JSON text, also if it is large. Null: there is none. */
export async function textOf(
  client: Client,
  value: unknown,
  blob: BlobRef | null
): Promise<string | null> {
  if (blob !== null) return client.blob(blob)
  return value === null ? null : JSON.stringify(value)
}
