/**
 * The nodes that share all blobs among them. Members that come and go at once move nothing: only after a while without
 * change does it count who there is.
 */
import type { Keeper } from './holders.ts'

export class PlacementRing {
  /** Empty until this node has had time to look round. */
  keepers: readonly Keeper[] = []
  #seen = { keepers: '', since: 0 }

  /** Whether these, who could share now, have been the same for `quietMs`, and are not those who do. */
  isDue(candidates: readonly Keeper[], now: number, quietMs: number): boolean {
    const key = nameOf(candidates)
    if (key !== this.#seen.keepers) this.#seen = { keepers: key, since: now }
    return key !== nameOf(this.keepers) && now - this.#seen.since >= quietMs
  }
}

function nameOf(keepers: readonly Keeper[]): string {
  return keepers
    .map(({ node, computer, keepsApart, keepsCheckpoints }) =>
      [node, computer ?? '', keepsApart, keepsCheckpoints].join(' ')
    )
    .join()
}
