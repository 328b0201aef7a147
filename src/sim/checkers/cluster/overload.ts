/**
 * Invariant 23. Slower, never wrong: where nodes are only busy, none of them is taken for gone, and nothing is taken
 * from it.
 */
import type { Effect } from '../../../core/effect.ts'
import { isCostly } from '../../world/cpu.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** Number of this rule among the invariants. */
const INVARIANT = 23

export class OverloadChecker {
  readonly #nodes: readonly SimNode[]

  /** Whether nothing else than load can keep a node from being heard. */
  static fits({ cpu, partitions, pauses, crashes, crashAll, loads, network }: Scenario): boolean {
    if (!isCostly(cpu)) return false
    const { linkBreak, gossipLoss } = network
    return partitions + pauses + crashes + loads + linkBreak + gossipLoss === 0 && !crashAll
  }

  constructor(nodes: readonly SimNode[]) {
    this.#nodes = nodes
  }

  check(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'notify') continue
      const { event } = effect
      if (event.name === 'node:unreachable' && this.#lives(({ id }) => id === event.node)) {
        throw new Violation(INVARIANT, `${node.options.name} takes ${event.nodeName} for gone`)
      }
      if (event.name !== 'task:reclaimed' || event.by !== node.options.boot) continue
      if (this.#lives(({ options }) => options.boot === event.from)) {
        throw new Violation(
          INVARIANT,
          `${node.options.name} reclaims ${event.taskId} from ${event.from}`
        )
      }
    }
  }

  #lives(fits: (node: SimNode) => boolean): boolean {
    return this.#nodes.some(node => fits(node) && !node.gone && !node.hasSaidGoodbye)
  }
}
