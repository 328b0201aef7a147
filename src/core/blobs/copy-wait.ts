/**
 * What waits until a blob is on another node's disk, too, of another computer if one is there: a submission that is to
 * be written down with its payload, a run that is to be reported with its result, and what a run saves for the next one.
 *
 * Waiting comes before writing, so a blob that any record names has been in two places, if there were two, on two
 * computers, if there were two.
 */
import type { OncePlaced, Release, Waiting } from '../pending.ts'
import type { BlobHash } from '../task/content.ts'

export type AwaitedCopy = Readonly<{
  hash: BlobHash
  /** How many others have to have it, if there are any. */
  wanted: number
  /** When to stop waiting. */
  deadline: number
  /** What is due then. */
  pending: OncePlaced
}>

/** Where a blob is, this node apart. */
export type Where = Readonly<{ copies: number; isApart: boolean }>

export class CopyWait {
  readonly #open = new Map<BlobHash, AwaitedCopy[]>()

  get isEmpty(): boolean {
    return this.#open.size === 0
  }

  has(hash: BlobHash): boolean {
    return this.#open.has(hash)
  }

  /** Whether a blob is waited for, and only by attempts that have saved it. */
  isSaved(hash: BlobHash): boolean {
    return this.#open.get(hash)?.every(({ pending }) => pending.kind === 'save') ?? false
  }

  add(awaited: AwaitedCopy): void {
    const { hash } = awaited
    const open = this.#open.get(hash)
    if (open === undefined) this.#open.set(hash, [awaited])
    else open.push(awaited)
  }

  /**
   * Releases everything that has its copies, or has waited long enough: short if no other has the blob, or none on
   * another computer that is there.
   *
   * @param hashes of which something has changed. @default all are looked at
   */
  releaseDue(
    now: number,
    others: Readonly<{ count: number; apart: boolean }>,
    where: (hash: BlobHash) => Where,
    release: Release,
    hashes: Iterable<BlobHash> = this.#open.keys()
  ): void {
    const due: [AwaitedCopy, Where][] = []
    for (const hash of hashes) {
      const open = this.#open.get(hash)
      if (open === undefined) continue
      const { copies, isApart } = where(hash)
      const isTogether = others.apart && !isApart
      const waits = ({ wanted, deadline }: AwaitedCopy): boolean =>
        (copies < Math.min(wanted, others.count) || (wanted > 0 && isTogether)) && now < deadline
      for (const awaited of open) {
        if (!waits(awaited)) due.push([awaited, { copies, isApart: !isTogether }])
      }
      const left = open.filter(waits)
      if (left.length > 0) this.#open.set(hash, left)
      else this.#open.delete(hash)
    }
    // Only now: what is released may bring the next one.
    for (const [{ pending }, { copies, isApart }] of due) {
      release({ ...pending, copies, short: copies === 0 || !isApart })
    }
  }

  *pending(): Generator<Waiting> {
    for (const { hash, wanted, deadline, pending } of [...this.#open.values()].flat()) {
      yield { pending, until: { on: 'blob copies', hash, wanted, deadline } }
    }
  }
}
