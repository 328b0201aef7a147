/**
 * The nodes that share all blobs among them. Members that come and go at once move nothing: only after a while without
 * change does it count who there is.
 */
import type { NodeId } from '../base/ids.ts'

export class Sharers {
  /** Empty until this node has had time to look round. */
  nodes: readonly NodeId[] = []
  #seen = { nodes: '', since: 0 }

  /** These could share now. Whether they have been the same for so long, and are not those who do. */
  isDue(candidates: readonly NodeId[], now: number, quietMs: number): boolean {
    const key = candidates.join()
    if (key !== this.#seen.nodes) this.#seen = { nodes: key, since: now }
    return key !== this.nodes.join() && now - this.#seen.since >= quietMs
  }
}
