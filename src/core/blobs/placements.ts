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
  #open: Placement[] = []

  get isEmpty(): boolean {
    return this.#open.length === 0
  }

  has(hash: BlobHash): boolean {
    return this.#open.some(placement => placement.hash === hash)
  }

  add(placement: Placement): void {
    this.#open.push(placement)
  }

  /** Lets go of everything that has its copies, or has waited long enough. */
  settle(now: number, others: number, copies: (hash: BlobHash) => number): void {
    const done: [Placement, number][] = []
    this.#open = this.#open.filter(placement => {
      const count = copies(placement.hash)
      if (count < Math.min(placement.wanted, others) && now < placement.deadline) return true
      done.push([placement, count])
      return false
    })
    // Only now: what is let go may bring the next one.
    for (const [placement, count] of done) placement.done(count)
  }
}
