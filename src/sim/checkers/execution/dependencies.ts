/**
 * Invariant 7: what had completed where a task was submitted does not cancel it, if it is pruned for lack of room
 * alone.
 */
import type { BootId, TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { TaskRecord } from '../../../core/task/record.ts'
import { show } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

export class NeedChecker {
  readonly #history: History
  /**
   * Task -> each boot that has submitted it, and whether all that it depends on had completed there. A key may be
   * submitted on both sides of a cut, and what the task depends on fail on one of them.
   */
  readonly #submitters = new Map<TaskId, Map<BootId, boolean>>()

  constructor(history: History) {
    this.#history = history
  }

  /** A node has written a state of a task. */
  wrote(node: SimNode, { spec, claim, started }: TaskRecord): void {
    const { boot } = node.options
    if (spec.submittedBy !== boot || claim.epoch > 0 || started !== null) return
    const { view } = node.core
    const isSure = spec.dependsOn.every(id => view.record(id)?.outcome?.status === 'completed')
    const submitters = this.#submitters.get(spec.id) ?? new Map<BootId, boolean>()
    this.#submitters.set(spec.id, submitters.set(boot, isSure || submitters.get(boot) === true))
  }

  check(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'settled') continue
      const record = node.core.view.record(effect.taskId)
      if (record?.outcome?.reason !== 'DependencyFailed') continue
      if (!this.#isSure(effect.taskId)) continue
      // One that only its submitter had may have gone with it, and come back late.
      if (this.#history.accepted.get(effect.taskId) !== null) continue
      throw new Violation(7, `${show(node, record)} is cancelled, and all it depends on completed`)
    }
  }

  #isSure(id: TaskId): boolean {
    const submitters = [...(this.#submitters.get(id)?.values() ?? [])]
    if (this.#history.isApart(id) && submitters.includes(false)) return false
    return submitters.includes(true)
  }
}
