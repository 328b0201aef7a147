/**
 * Blobs that are here, or are to come, on nothing but the word of a member that offers them: no task here names them.
 *
 * That is so for a moment with each blob, because it comes before the record that names it. Beyond a bound nothing more
 * is taken on anybody's word; a member that has something to keep offers it again a little later.
 */
import { assert } from '../base/assert.ts'
import type { NodeId } from '../base/ids.ts'
import type { BlobHash, BlobRef } from '../task/content.ts'

/** What may be open at once. Guess: what a node brings forth in some seconds, and a tenth of a usual disk. */
export const PROVISIONAL_MAX = { blobs: 4096, bytes: 4_294_967_296 } as const
/** How many times the share of one member all members together may have open. */
const SHARES_MAX = 4

type Share = { blobs: number; bytes: number }

export class ProvisionalBlobs {
  readonly #open = new Map<BlobHash, Readonly<{ by: NodeId; bytes: number }>>()
  readonly #shares = new Map<NodeId, Share>()
  readonly #all: Share = { blobs: 0, bytes: 0 }

  get size(): number {
    return this.#open.size
  }

  /** Whether one more may be taken on this member's word. It then counts as taken. */
  take(by: NodeId, { hash, bytes }: BlobRef): boolean {
    const share = this.#shares.get(by) ?? { blobs: 0, bytes: 0 }
    if (!hasRoom(share, bytes, 1) || !hasRoom(this.#all, bytes, SHARES_MAX)) return false
    this.#open.set(hash, { by, bytes })
    this.#shares.set(by, share)
    for (const each of [share, this.#all]) move(each, 1, bytes)
    return true
  }

  /** @param isOpen whether a blob is here, or is to come, and no task names it */
  assertInvariants(isOpen: (hash: BlobHash) => boolean): void {
    const shares = new Map<NodeId, Share>()
    const all: Share = { blobs: 0, bytes: 0 }
    for (const [hash, { by, bytes }] of this.#open) {
      assert(isOpen(hash), 'a blob on a word alone is here, and no task names it', hash)
      const share = shares.get(by) ?? { blobs: 0, bytes: 0 }
      shares.set(by, share)
      for (const each of [share, all]) move(each, 1, bytes)
    }
    for (const [node, { blobs, bytes }] of shares) {
      const known = this.#shares.get(node)
      const isSame = known?.blobs === blobs && known.bytes === bytes
      assert(isSame, 'what is taken on the word of a node is counted', node)
    }
    assert(this.#shares.size === shares.size, 'no share is kept that is empty')
    const isWhole = this.#all.blobs === all.blobs && this.#all.bytes === all.bytes
    assert(isWhole, 'what is taken on the word of all is counted')
  }

  /** A task names the blob, or it is gone. */
  close(hash: BlobHash): void {
    const open = this.#open.get(hash)
    if (open === undefined) return
    this.#open.delete(hash)
    const share = this.#shares.get(open.by)!
    for (const each of [share, this.#all]) move(each, -1, -open.bytes)
    if (share.blobs === 0) this.#shares.delete(open.by)
  }
}

/** The first one has room, however large it is. */
function hasRoom({ blobs, bytes }: Share, more: number, shares: number): boolean {
  if (blobs === 0) return true
  return blobs < shares * PROVISIONAL_MAX.blobs && bytes + more <= shares * PROVISIONAL_MAX.bytes
}

function move(share: Share, blobs: number, bytes: number): void {
  share.blobs += blobs
  share.bytes += bytes
}
