/**
 * State files between simulated nodes: what a node had on disk at one moment, loaded into nodes at another. Of the file
 * itself nothing is left here but its contents: that it gives back what was saved is tested elsewhere.
 */
import { newsOf } from '../../core/replication/replication.ts'
import type { Snapshot } from '../../core/replication/snapshot.ts'
import type { SimNode } from '../world/sim-node.ts'

/** What a file that is written now would hold. */
export function savedBy(node: SimNode): Snapshot {
  const { tasks, ...rest } = node.core.view.replica()
  return { ...rest, tasks: [...tasks] }
}

/** The node takes in all of it, as from a file. */
export function loadInto(node: SimNode, saved: Snapshot): void {
  let request = 0
  for (const news of newsOf(saved)) {
    if (news !== null) node.feed({ kind: 'load', request: ++request, news })
  }
}
