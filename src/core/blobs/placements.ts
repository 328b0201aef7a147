/**
 * What waits until a blob is on another node's disk, too: a submission that is to be written down with its payload, and a
 * run that is to be reported with its result.
 *
 * Waiting comes before writing, so a blob that any record names has been in two places, if there were two.
 */
import type { BlobHash } from '../task/content.ts'

export type Placement = Readonly<{
  hash: BlobHash
  /** How many others have to have it, if there are any. */
  wanted: number
  /** When to stop waiting. */
  deadline: number
  /** Called once, with how many others have it. */
  done: (copies: number) => void
}>

export class Placements {
  readonly #open = new Map<BlobHash, Placement[]>()

  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  has(hash: BlobHash): boolean {
    return this.#open.has(hash)
  }

  add(placement: Placement): void {
    const { hash } = placement
    const open = this.#open.get(hash)
    if (open === undefined) this.#open.set(hash, [placement])
    else open.push(placement)
  }

  /**
   * Lets go of everything that has its copies, or has waited long enough.
   *
   * @param hashes of which something has changed. @default all are looked at
   */
  settle(
    now: number,
    others: number,
    copies: (hash: BlobHash) => number,
    hashes: Iterable<BlobHash> = this.#open.keys()
  ): void {
    const done: [Placement, number][] = []
    for (const hash of hashes) {
      const open = this.#open.get(hash)
      if (open === undefined) continue
      const count = copies(hash)
      const waits = ({ wanted, deadline }: Placement): boolean =>
        count < Math.min(wanted, others) && now < deadline
      for (const placement of open) if (!waits(placement)) done.push([placement, count])
      const left = open.filter(waits)
      if (left.length > 0) this.#open.set(hash, left)
      else this.#open.delete(hash)
    }
    // Only now: what is let go may bring the next one.
    for (const [placement, count] of done) placement.done(count)
  }
}
