/**
 * A version vector as one message carries it: all of it, as a rule. Of one that has more entries than that (a disk may
 * hold any number of boots, from before there was a bound) each message carries some, and the next one goes on with
 * others. What is not said counts as nothing: it is told or fetched once more than needed.
 */
import type { BootId } from '../base/ids.ts'
import type { VersionVector } from '../message.ts'
import { HEARTBEAT_LIMITS } from '../options.ts'

export class VectorTurns {
  readonly #countMax: number
  #next = 0

  constructor(countMax: number = HEARTBEAT_LIMITS.vectorEntriesMax) {
    this.#countMax = countMax
  }

  /** A copy. @param always this entry is in every message */
  some(vector: VersionVector, always: BootId): VersionVector {
    if (vector.size <= this.#countMax) return new Map(vector)
    const entries = [...vector]
    const some = new Map(entryOf(vector, always))
    while (some.size < this.#countMax) {
      const [boot, upTo] = entries[this.#next % entries.length]!
      some.set(boot, upTo)
      this.#next = (this.#next + 1) % entries.length
    }
    return some
  }
}

/** One entry of a vector, if it is there. */
export function entryOf(vector: VersionVector, boot: BootId): [BootId, number][] {
  const upTo = vector.get(boot)
  return upTo === undefined ? [] : [[boot, upTo]]
}
