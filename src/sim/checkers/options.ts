/**
 * Invariant 13: nothing starts before its time, after its deadline, where it may not run, or at a node that knows that it
 * is cancelled.
 */
import type { CoreEvent, Effect } from '../../core/effect.ts'
import { deadlineOf, startTimeOf } from '../../core/task/times.ts'
import { isAble } from '../look.ts'
import type { SimNode } from '../sim-node.ts'
import { Violation } from '../violation.ts'

export function checkOptions(node: SimNode, effects: readonly Effect[]): void {
  for (const effect of effects) if (effect.kind === 'notify') checkEvent(node, effect.event)
}

/** A start is told of when it is written down. */
function checkEvent(node: SimNode, event: CoreEvent): void {
  if (event.name !== 'task:started' || event.by !== node.options.boot) return
  const record = node.core.view.record(event.taskId)!
  const wallMs = node.core.view.wallMs(node.now)
  const why = {
    'although it knows that it is cancelled': record.cancelRequest !== null,
    'before its time': wallMs < startTimeOf(record),
    'after its deadline': wallMs >= deadlineOf(record),
    'without what it requires': !isAble(node, record.spec)
  }
  for (const [what, isWrong] of Object.entries(why)) {
    if (isWrong) throw new Violation(13, `${node.options.name} starts ${event.taskId} ${what}`)
  }
}
