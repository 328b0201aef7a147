/**
 * The writes of one boot as this replica knows them: which task the first write changed, which the second, and so on,
 * without a gap. Write `seq` stands at place `seq - 1`; a place is empty once its task has been pruned.
 *
 * The order of writes is the same in every replica. So any stretch of it can be cut out and sent to a replica that
 * stands at the cut, and the tasks named in the stretch are exactly those that it lacks.
 */
import { assert } from '../base/assert.ts'
import type { Entry } from './entry.ts'

export class OriginLog {
  readonly #entries: (Entry | null)[] = []
  /** Up to which write all is on disk. */
  durableUpTo = 0

  get upTo(): number {
    return this.#entries.length
  }

  append(entry: Entry | null): void {
    this.#entries.push(entry)
  }

  /** The task that write `seq` changed, or null if it has been pruned. */
  at(seq: number): Entry | null {
    assert(seq >= 1 && seq <= this.upTo, 'only writes that were merged are asked for')
    return this.#entries[seq - 1] ?? null
  }

  /** Puts back what was read from disk. Places in between stay empty. */
  restore(seq: number, entry: Entry | null): void {
    while (this.#entries.length < seq) this.#entries.push(null)
    this.#entries[seq - 1] = entry
  }
}
