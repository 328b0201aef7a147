/**
 * Invariant 24: of two processes under one identity, that is on a data folder and on a copy of it, the one that was
 * started later ends itself, and nobody else ever does. In the end there is one, which counts for all others.
 */
import type { NodeId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { History } from '../../history.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** Number of this rule among the invariants. */
const INVARIANT = 24

export class TwinChecker {
  readonly #history: History

  constructor(history: History) {
    this.#history = history
  }

  /** @param effects of the step, which have not been performed yet */
  check(node: SimNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'give-way') continue
      const others = this.#history.alive().filter(other => other !== node)
      const isBefore =
        effect.why === 'name'
          ? others.some(({ options }) => options.name === node.options.name)
          : others.some(({ id, options }) => id === node.id && options.boot < node.options.boot)
      if (!isBefore)
        throw violation(`${node.options.name} gives way, and nobody was there before it`)
      this.#history.lose(node.options.disk)
    }
  }

  /** When all has calmed down. */
  final(): void {
    const alive = this.#history.alive()
    const processes = Map.groupBy(alive, ({ id }) => id)
    for (const [id, [one, another]] of processes) {
      if (another !== undefined) throw violation(`two processes are ${id}`)
      for (const node of alive) if (node.id !== id) this.#counts(node, id, one!)
    }
  }

  #counts(node: SimNode, id: NodeId, one: SimNode): void {
    const members = node.core.view.members(node.now)
    const seen = members.find(({ heartbeat }) => heartbeat.boot === one.options.boot)
    if (seen?.status === 'alive' && seen.linked) return
    const how =
      seen === undefined ? 'not there' : `${seen.status}${seen.linked ? '' : ', not linked'}`
    throw violation(`${node.options.name} takes ${one.options.boot} of ${id} for ${how}`)
  }
}

function violation(what: string): Violation {
  return new Violation(INVARIANT, what)
}
