/**
 * Hybrid logical clock: the wall clock in microseconds, pushed forward by whatever is seen from others, so that
 * an effect is never stamped earlier than its cause. One number, which the name of a boot has to have room for.
 *
 * After Kulkarni et al., "Logical Physical Clocks" (2014), with the counter folded into the microseconds: the
 * wall clock is read in milliseconds, which leaves 1000 stamps a millisecond before the clock runs ahead.
 */
export type Hlc = number

/** How far ahead of the wall clock a stamp from elsewhere may push us. Guess: far above NTP's errors on a LAN. */
export const SKEW_MAX_US: number = 60_000_000

/**
 * How far ahead of our own time a time may lie that others say of a third. Guess: above a clock that is set to another
 * time zone, or to the wrong half of the day; what is further off says so itself, on its own link. And a ban by it is
 * over in a day.
 */
export const THIRD_PARTY_AHEAD_US = 86_400_000_000

/** The latest stamp there is: ten digits in base 36, as in the name of a boot. In November 2085. */
export const STAMP_MAX: Hlc = 36 ** 10 - 1

/** No clock shows more, in ms: a day before that, so that stamps which run ahead of it have room. */
export const CLOCK_MS_MAX: number = Math.floor(STAMP_MAX / 1000) - 86_400_000

/**
 * The time to go by where a clock shows `nowMs`: the same, if it lies between 1970 and 2085. Any other is that of a
 * clock without a battery; it goes on as fast from elsewhere within that range, and is as wrong there as it was before.
 */
export function clockMs(nowMs: number): number {
  if (nowMs >= 0 && nowMs <= CLOCK_MS_MAX) return nowMs
  return ((nowMs % CLOCK_MS_MAX) + CLOCK_MS_MAX) % CLOCK_MS_MAX
}

export class HybridClock {
  #last: Hlc = 0

  /** A stamp later than every one made or adopted before. `nowMs` is the wall clock. */
  stamp(nowMs: number): Hlc {
    const wall = Math.min(Math.max(0, Math.floor(nowMs * 1000)), STAMP_MAX)
    this.#last = Math.min(Math.max(wall, this.#last + 1), STAMP_MAX)
    return this.#last
  }

  /** Takes note of a stamp made elsewhere, unless it is further ahead than a clock may honestly be. */
  adopt(seen: Hlc, nowMs: number): void {
    if (!(seen <= STAMP_MAX)) return
    if (seen - nowMs * 1000 <= SKEW_MAX_US) this.#last = Math.max(this.#last, seen)
  }

  /** The wall clock has turned out to be ahead: stamps begin anew from where it really stands. */
  setBack(nowMs: number): void {
    this.#last = Math.min(this.#last, Math.floor(nowMs * 1000))
  }
}

/** Milliseconds since 1970 of a stamp. */
export function hlcMs(stamp: Hlc): number {
  return Math.floor(stamp / 1000)
}
