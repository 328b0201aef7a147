/**
 * How long a task of a type runs here, as a moving average. It decides how far ahead a thief takes work: many tasks at
 * once while they are short, one at a time when they are long.
 */

/** Weight of the newest run. Guess: forgets a change of pace within about ten runs. */
const NEWEST_WEIGHT = 0.2

export class Pace {
  readonly #averages = new Map<string, number>()

  ran(type: string, durationMs: number): void {
    const average = this.#averages.get(type)
    const next =
      average === undefined ? durationMs : average + (durationMs - average) * NEWEST_WEIGHT
    this.#averages.set(type, next)
  }

  /** The longest average among these types; undefined if one of them has never run here. */
  expectedMs(types: Iterable<string>): number | undefined {
    let longest = 0
    for (const type of types) {
      const average = this.#averages.get(type)
      if (average === undefined) return undefined
      longest = Math.max(longest, average)
    }
    return longest
  }
}
