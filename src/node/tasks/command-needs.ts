/**
 * Which nodes may run a command: what it asks for may be unknown to those of an earlier version. They would refuse it, and
 * the task would fail; so it is not given to them.
 */
import { LABEL_RULES } from '../../core/task/shapes.ts'
import type { TaskDraft } from '../../core/task/spec.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { COMMAND_TYPE } from '../../shared/names.ts'
import { withCommandsOfNow } from '../own-labels.ts'

/**
 * Names of fields that a command's payload has since the revision of now, as they stand in JSON. A text that is no field
 * may have them in it; then a newer node is asked for without need.
 */
const FIELDS = ['"stdinBase64"', '"resultFrom"']
const FIELD_LENGTH_MAX = Math.max(...FIELDS.map(field => field.length))

/** The draft of a task whose payload is this JSON text. @throws InvalidOptionError */
export function withNeeds(draft: TaskDraft, payload: string): TaskDraft {
  return draft.type === COMMAND_TYPE && mentionsField(payload) ? needingNow(draft) : draft
}

/** The same where the payload is elsewhere. @throws InvalidOptionError */
export async function withNeedsOf(
  draft: TaskDraft,
  payload: () => Promise<AsyncIterable<Uint8Array>>
): Promise<TaskDraft> {
  if (draft.type !== COMMAND_TYPE) return draft
  let end = ''
  for await (const chunk of await payload()) {
    const text = end + Buffer.from(chunk).toString('latin1')
    if (mentionsField(text)) return needingNow(draft)
    end = text.slice(-FIELD_LENGTH_MAX)
  }
  return draft
}

function mentionsField(json: string): boolean {
  return FIELDS.some(field => json.includes(field))
}

function needingNow(draft: TaskDraft): TaskDraft {
  const labels = { ...draft.labels, require: withCommandsOfNow(draft.labels.require) }
  const fault = LABEL_RULES.fault(labels)
  if (fault === null) return { ...draft, labels }
  throw new InvalidOptionError(
    `a command that is given bytes, or has its output as its result, may ask for one label less: ${fault}`
  )
}
