/**
 * A set of boots that knows which of them are of one node: a node that comes and goes has thousands, and no lookup
 * should have to look through those of all others for them.
 */
import { assert } from './assert.ts'
import { nodeOf, type BootId, type NodeId } from './ids.ts'

const NONE: ReadonlySet<BootId> = new Set()

export class Boots {
  readonly #byNode = new Map<NodeId, Set<BootId>>()

  add(boot: BootId): void {
    const boots = this.#byNode.get(nodeOf(boot))
    if (boots === undefined) this.#byNode.set(nodeOf(boot), new Set([boot]))
    else boots.add(boot)
  }

  delete(boot: BootId): void {
    const boots = this.#byNode.get(nodeOf(boot))
    if (boots?.delete(boot) === true && boots.size === 0) this.#byNode.delete(nodeOf(boot))
  }

  of(node: NodeId): ReadonlySet<BootId> {
    return this.#byNode.get(node) ?? NONE
  }

  /** @param boots that are to be in the set, and no others: the keys of a map */
  assertInvariants(boots: ReadonlyMap<BootId, unknown>): void {
    let count = 0
    for (const [node, ofNode] of this.#byNode) {
      assert(ofNode.size > 0, 'no node is kept of which there is no boot', node)
      count += ofNode.size
    }
    for (const boot of boots.keys())
      assert(this.of(nodeOf(boot)).has(boot), 'a boot is in the set', boot)
    assert(count === boots.size, 'no other boots are in the set')
  }

  /** This boot and those of its node that were started before it. */
  upTo(boot: BootId): BootId[] {
    return [...this.of(nodeOf(boot))].filter(each => each <= boot)
  }
}
