/** What those do who look after the nodes of a simulated cluster: each picks the node by the dice. */
import { instanceName, type Cluster, type World } from '../world/cluster.ts'
import { labelsOf, poolsOf } from './workload.ts'
import type { SimNode } from '../world/sim-node.ts'

export class Operators {
  readonly #world: World
  readonly #cluster: Cluster

  constructor(world: World, cluster: Cluster) {
    this.#world = world
    this.#cluster = cluster
  }

  /** A node is told to leave. */
  leave(): void {
    const { random, scenario } = this.#world
    // The goodbye of one of two under an identity would be taken for that of the other.
    const open = this.#cluster
      .alive()
      .filter(node => !this.#cluster.isLast(node) && !this.#cluster.isTwin(node))
    if (open.length === 0) return
    random.pick(open).leave(scenario.hasty > 0 && random.chance(scenario.hasty))
  }

  /**
   * A node can run something else than before, and more or less of it, and pools come and go; or it says something else
   * of itself.
   */
  change(): void {
    const { random, scenario } = this.#world
    const node = this.#anyButTheLast()
    if (node === null) return
    if (random.chance(0.3)) {
      return node.feed({ kind: 'labels', labels: labelsOf(random, scenario, false) })
    }
    const handlers = scenario.types.filter(() => random.chance(0.6))
    const slots = random.whole(0, 3)
    node.feed({ kind: 'worker', slots, handlers, pools: poolsOf(random, scenario) })
  }

  /** A node is told to drain: where it is, or from another. */
  drain(): void {
    const { random } = this.#world
    const node = this.#anyButTheLast()
    if (node !== null) random.pick(this.#cluster.alive()).feed({ kind: 'drain', node: node.id })
  }

  /** An operator says which instances there are to be. */
  expect(): void {
    const { random, scenario } = this.#world
    const alive = this.#cluster.alive()
    if (alive.length === 0) return
    const names = Array.from({ length: scenario.nodes }, (_, i) => instanceName(i, scenario))
    random.pick(alive).feed({ kind: 'expect', names })
  }

  #anyButTheLast(): SimNode | null {
    const nodes = this.#cluster.open().filter(node => !this.#cluster.isLast(node))
    return nodes.length === 0 ? null : this.#world.random.pick(nodes)
  }
}
