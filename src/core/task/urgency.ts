/** In which order one node starts tasks, as far as they are ready. */
import { compareText } from '../base/order.ts'
import type { TaskSpec } from './spec.ts'

/** Priority 10 first, then the oldest, then by id. */
export function compareUrgency(a: TaskSpec, b: TaskSpec): number {
  return b.priority - a.priority || a.submittedAt - b.submittedAt || compareText(a.id, b.id)
}
