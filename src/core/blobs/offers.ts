/**
 * What one step has to say about blobs, gathered so that a hundred blobs make one message to each member.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import type { Effect } from '../effect.ts'
import { BLOBS_PER_MESSAGE_MAX } from '../options.ts'
import type { BlobHash, BlobRef } from '../task/content.ts'

export class Offers {
  readonly #self: BootId
  readonly #offers = new Map<NodeId, BlobRef[]>()
  readonly #answers = new Map<NodeId, BlobHash[]>()

  constructor(self: BootId) {
    this.#self = self
  }

  /** Asks a member to keep a blob that is here. */
  offer(to: NodeId, ref: BlobRef): void {
    gather(this.#offers, to, ref)
  }

  /** Tells a member that a blob is here. */
  answer(to: NodeId, hash: BlobHash): void {
    gather(this.#answers, to, hash)
  }

  send(emit: (effect: Effect) => void): void {
    // As a rule there is nothing, and even to clear what is empty costs a new table.
    if (this.#offers.size + this.#answers.size === 0) return
    const boot = this.#self
    for (const [to, all] of this.#offers) {
      for (const blobs of parts(all)) {
        emit({ kind: 'send', to, message: { kind: 'offer', boot, blobs } })
      }
    }
    for (const [to, all] of this.#answers) {
      for (const hashes of parts(all)) {
        emit({ kind: 'send', to, message: { kind: 'kept', boot, hashes } })
      }
    }
    this.#offers.clear()
    this.#answers.clear()
  }
}

function gather<T>(lists: Map<NodeId, T[]>, to: NodeId, item: T): void {
  const list = lists.get(to)
  if (list === undefined) lists.set(to, [item])
  else list.push(item)
}

function* parts<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += BLOBS_PER_MESSAGE_MAX) {
    yield all.slice(at, at + BLOBS_PER_MESSAGE_MAX)
  }
}
