/**
 * For how long a task of a type takes a slot here, as a moving average. It decides how far ahead a thief takes work: many
 * tasks at once while they are short, one at a time when they are long.
 *
 * How long its handler runs is only a part of that: a task keeps its slot while what it reads is fetched, while others
 * have to know of its start, and while its result is brought to a second place. Two thieves that left this out took
 * tasks of 5 ms from each other a hundred ahead, which kept their slots for 300 ms each. These soon had moved as often
 * as they may, and then waited in the longer queue for as long as it took.
 *
 * The average is geometric. Where most tasks are short and a few are very long, one long run would otherwise make a
 * thief expect nothing but long ones for a while, and fetch task by task. Measured in virtual time
 * (test/support/virtual.ts, 600 tasks of 5, 50 and 500 ms on six nodes, 5 ms to a disk): 1.05 instead of 1.07 of the
 * floor, at worst 1.11 instead of 1.26.
 */

/** Weight of the newest run. Guess: forgets a change of pace within about ten runs. */
const NEWEST_WEIGHT = 0.2
/** What takes no time at all has no place in a geometric average. */
const DURATION_MS_MIN = 0.01

export class RuntimeEstimate {
  readonly #averages = new Map<string, number>()

  /** @param slotMs for how long the task had a slot */
  ran(type: string, slotMs: number): void {
    const duration = Math.max(slotMs, DURATION_MS_MIN)
    const average = this.#averages.get(type) ?? duration
    this.#averages.set(type, average * (duration / average) ** NEWEST_WEIGHT)
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
