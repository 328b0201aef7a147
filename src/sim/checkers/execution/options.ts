/**
 * What was asked for is kept. Invariant 13: nothing starts before its time, after its deadline, where it may not run,
 * or at a node that knows that it is cancelled. Invariant 21: what is to be cancelled ends as cancelled, unless it had
 * ended otherwise before the node that ended it knew of the wish.
 */
import type { TaskId } from '../../../core/base/ids.ts'
import type { CoreEvent, Effect } from '../../../core/effect.ts'
import { deadlineOf, startTimeOf } from '../../../core/task/times.ts'
import { isSettled, type Outcome } from '../../../core/task/record.ts'
import { isAble, show } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** A wish to cancel, from when a node knows of it. */
export class CancelChecker {
  /**
   * Node -> tasks of which it knew after its last step that they are to be cancelled, and which had not settled there;
   * and how an attempt had ended by then.
   */
  readonly #wished = new Map<SimNode, ReadonlyMap<TaskId, Outcome | null>>()

  /** After a step of the node. */
  check(node: SimNode): void {
    for (const [id, before] of this.#wished.get(node) ?? []) {
      const record = node.core.view.record(id)
      const outcome = record?.outcome ?? null
      if (outcome?.by !== node.options.boot || outcome.status === 'cancelled') continue
      // A node that had taken it over says that it has ended as it had ended then.
      if (!isSettled(record!) || outcome.at === before?.at) continue
      const { name } = node.options
      throw new Violation(
        21,
        `${name} ends ${id} as ${outcome.status}, and knows that it is cancelled`
      )
    }
    const records = [...node.core.view.records()]
    const open = records.filter(record => record.cancelRequest !== null && !isSettled(record))
    this.#wished.set(node, new Map(open.map(({ spec, outcome }) => [spec.id, outcome])))
  }

  /** When all has calmed down: the holder need not be able to run it. */
  final(node: SimNode): void {
    for (const id of this.#wished.get(node)?.keys() ?? []) {
      throw new Violation(21, `${show(node, node.core.view.record(id)!)} is never cancelled`)
    }
  }
}

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
