/**
 * Who keeps a blob: the two nodes of greatest rendezvous weight for it. Everybody computes the same two without a word,
 * blobs spread evenly, and when a node comes or goes only its own share moves.
 */
import { compareText } from '../base/order.ts'
import type { NodeId } from '../base/ids.ts'
import { weight } from '../base/weight.ts'
import type { BlobHash } from '../task/content.ts'

/** Two copies survive the loss of any one node. */
const COPIES = 2

/** All of these nodes, the first in line for the blob first. */
export function lineFor(hash: BlobHash, nodes: readonly NodeId[]): NodeId[] {
  const weighed = nodes.map(node => ({ node, weight: weight(hash, node) }))
  weighed.sort((x, y) => y.weight - x.weight || compareText(x.node, y.node))
  return weighed.map(({ node }) => node)
}

/** Those of the nodes that are to keep the blob: two, or all if there are fewer. */
export function holdersOf(hash: BlobHash, nodes: readonly NodeId[]): NodeId[] {
  return lineFor(hash, nodes).slice(0, COPIES)
}
