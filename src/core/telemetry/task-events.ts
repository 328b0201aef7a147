/**
 * Tells observers what becomes of tasks, here and on other nodes.
 *
 * Whatever road a change came by, a task is looked at here when it has been decided upon, and what is new since the
 * last look is told. So every node tells the same story, if not with the same words: several changes that arrive at
 * once are told as the newest of them. How a task ended is told when that is safe on two disks, which is known
 * elsewhere.
 */
import type { Context } from '../context.ts'
import type { TaskEvent } from '../effect.ts'
import type { Entry } from '../log/entry.ts'
import { isOther } from '../base/shape.ts'
import { isSettled, type ClaimCause } from '../task/record.ts'

const EVENT_OF = {
  grant: 'task:stolen',
  retry: 'task:retrying',
  'retry-after': 'task:retrying',
  reclaim: 'task:reclaimed'
} as const satisfies Record<Exclude<ClaimCause, 'submit'>, TaskEvent['name']>

/** Tells what is new about a task. */
export function taskEventsOf({ emit }: Context, entry: Entry): void {
  const { record, told } = entry
  const { claim, started, spec } = record
  const startEpoch = started?.epoch ?? -1
  if (told?.claim === claim && told.startEpoch === startEpoch) return
  entry.told = { claim, startEpoch }
  const taskId = entry.id
  if (told === null) {
    // Of what was over before it came here nothing more is told than how it ended.
    if (isSettled(record)) return
    const event: TaskEvent = { name: 'task:submitted', taskId, by: spec.submittedBy, attempt: 1 }
    emit({ kind: 'notify', event })
  }
  const { holder, attempt, epoch, cause } = claim
  const isStartNew = started !== null && startEpoch > (told?.startEpoch ?? -1)
  if (isStartNew && startEpoch < epoch) {
    // Of a claim that came and went unseen only the start is known.
    const of = told?.claim.epoch === startEpoch ? told.claim.attempt : null
    emit({ kind: 'notify', event: { name: 'task:started', taskId, by: started.by, attempt: of } })
  }
  const isClaimNew = told?.claim.epoch !== epoch || told.claim.holder !== holder
  // Why a later version claims is not known here.
  if (isClaimNew && cause !== 'submit' && !isOther(cause)) {
    const before = told?.claim.holder ?? holder
    const from = before === holder ? null : before
    emit({ kind: 'notify', event: { name: EVENT_OF[cause], taskId, by: holder, attempt, from } })
  }
  if (isStartNew && startEpoch >= epoch) {
    const of = startEpoch === epoch ? attempt : null
    emit({ kind: 'notify', event: { name: 'task:started', taskId, by: started.by, attempt: of } })
  }
}
