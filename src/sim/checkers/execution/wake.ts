/**
 * Invariant 3, for a node that stood still: what had completed elsewhere when it woke it does not start, as long as
 * others whom it knew are there to be asked, and it has not waited for them in vain.
 */
import type { TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** When a node woke, and who had which tasks on disk as completed by then. */
type Wake = Readonly<{ at: number; completed: ReadonlyMap<TaskId, SimNode> }>

export class WakeChecker {
  readonly #nodes: readonly SimNode[]
  readonly #unreachableMs: number
  readonly #steps = new Map<SimNode, number>()
  readonly #wakes = new Map<SimNode, Wake>()

  constructor(nodes: readonly SimNode[], { unreachableMs }: Scenario) {
    this.#nodes = nodes
    this.#unreachableMs = unreachableMs
  }

  check(node: SimNode, effects: readonly Effect[]): void {
    const { now } = node
    const before = this.#steps.get(node) ?? now
    this.#steps.set(node, now)
    if (now - before >= this.#unreachableMs) this.#wakes.set(node, this.#wake(node, now, before))
    const wake = this.#wakes.get(node)
    if (wake === undefined || now - wake.at >= this.#unreachableMs) return
    for (const effect of effects) {
      if (effect.kind !== 'start') continue
      const { taskId } = effect.run
      const by = wake.completed.get(taskId)
      if (by === undefined || by.gone) continue
      const what = `${node.options.name} wakes and starts ${taskId}, completed at ${by.options.name}`
      throw new Violation(3, what)
    }
  }

  #wake(node: SimNode, at: number, before: number): Wake {
    const known = new Map(
      node.core.view.members(before).map(({ heartbeat, status }) => [heartbeat.boot, status])
    )
    const there = this.#nodes.filter(
      other => !other.gone && !other.hasSaidGoodbye && known.get(other.options.boot) === 'alive'
    )
    const completed = new Map<TaskId, SimNode>()
    for (const other of there) {
      for (const { spec, outcome } of other.core.view.records()) {
        if (outcome?.status !== 'completed' || !other.core.view.isReported(spec.id)) continue
        completed.set(spec.id, other)
      }
    }
    return { at, completed }
  }
}
