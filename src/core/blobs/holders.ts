/**
 * Who keeps a blob: the node of greatest rendezvous weight for it, and the heaviest one on another computer. Everybody
 * computes the same two without a word, blobs spread evenly, and when a node comes or goes only its own share moves.
 *
 * Nodes of earlier versions take the two heaviest, wherever they are, and let go of all else. So as long as one of them
 * shares the blobs, those two keep them as well, and the one on another computer is one that knows that it is to.
 */
import { areApart } from '../base/computers.ts'
import { compareText } from '../base/order.ts'
import type { NodeId } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import type { BlobHash } from '../task/content.ts'

/** A node that can keep blobs. */
export type Keeper = Readonly<{
  node: NodeId
  /** Null: not known. */
  computer: string | null
  /** Whether it keeps what it is to keep as the heaviest on another computer. */
  keepsApart: boolean
  /** Whether it keeps what only a checkpoint names. */
  keepsCheckpoints: boolean
}>

/** Two copies survive the loss of any one computer. */
const COPIES = 2

/** All of these nodes, the first in line for the blob first. */
export function lineFor(hash: BlobHash, nodes: readonly NodeId[]): NodeId[] {
  return inLine(
    hash,
    nodes.map(node => ({ node }))
  ).map(({ node }) => node)
}

/** Those that are to keep the blob: two, or all if there are fewer; three at most while versions are mixed. */
export function holdersOf(hash: BlobHash, keepers: readonly Keeper[]): NodeId[] {
  const line = inLine(hash, keepers)
  const heaviest = line.slice(0, COPIES)
  const [first] = heaviest
  const elsewhere = line.find(
    keeper =>
      areApart(keeper.computer, first!.computer) && (keeper.keepsApart || heaviest.includes(keeper))
  )
  const holders = elsewhere === undefined ? heaviest : [first!, elsewhere]
  const areAlike = keepers.every(({ keepsApart }) => keepsApart)
  return [...new Set(areAlike ? holders : [...heaviest, ...holders])].map(({ node }) => node)
}

function inLine<T extends Pick<Keeper, 'node'>>(hash: BlobHash, keepers: readonly T[]): T[] {
  const weighed = keepers.map(keeper => ({ keeper, weight: rendezvousWeight(hash, keeper.node) }))
  weighed.sort((x, y) => y.weight - x.weight || compareText(x.keeper.node, y.keeper.node))
  return weighed.map(({ keeper }) => keeper)
}
