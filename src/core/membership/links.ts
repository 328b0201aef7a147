/** The nodes to which there is a link, be they members or not. */
import { assert } from '../base/assert.ts'
import type { NodeId } from '../base/ids.ts'
import { compareText } from '../base/order.ts'

export class Links {
  readonly #nodes = new Set<NodeId>()
  /** Null: to be sorted anew. They are asked for at every step, and change seldom. */
  #inOrder: readonly NodeId[] | null = null

  /** A link came up, or went down. */
  note(node: NodeId, up: boolean): void {
    this.#nodes[up ? 'add' : 'delete'](node)
    this.#inOrder = null
  }

  has(node: NodeId): boolean {
    return this.#nodes.has(node)
  }

  /** All of them, in the order of their ids. */
  get all(): readonly NodeId[] {
    return (this.#inOrder ??= [...this.#nodes].sort(compareText))
  }

  assertInvariants(): void {
    const inOrder = this.#inOrder ?? [...this.#nodes]
    assert(inOrder.length === this.#nodes.size, 'links in their order are all links')
    for (const node of inOrder) assert(this.has(node), 'a link in its order is one', node)
  }
}
