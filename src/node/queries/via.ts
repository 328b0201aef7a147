/** How a task came to the node that holds it, in the words that users meet. */
import { isOther } from '../../core/base/shape.ts'
import type { Via } from '../../core/message.ts'
import type { Claim } from '../../core/task/record.ts'

export function viaOf({ cause, unasked }: Pick<Claim, 'cause' | 'unasked'>): Via {
  switch (cause) {
    case 'submit':
      return 'submitted'
    case 'reclaim':
      return 'reclaimed'
    case 'retry':
    case 'retry-after':
      return 'retried'
    case 'grant':
      // A node of an earlier version does not say whether anybody had asked.
      return unasked === undefined || isOther(unasked) ? 'stolen' : unasked
    default:
      // Why a later version claims is not known here; it came from somewhere.
      return 'handed-on'
  }
}
