/**
 * Hybrid logical clock: the wall clock in microseconds, pushed forward by whatever is seen from others, so that
 * an effect is never stamped earlier than its cause. One number; a safe integer until the year 2255.
 *
 * After Kulkarni et al., "Logical Physical Clocks" (2014), with the counter folded into the microseconds: the
 * wall clock is read in milliseconds, which leaves 1000 stamps a millisecond before the clock runs ahead.
 */
export type Hlc = number

/** The greatest stamp there can be, in the year 2255. */
export const HLC_MAX: Hlc = Number.MAX_SAFE_INTEGER

/** How far ahead of the wall clock a stamp from elsewhere may push us. Guess: far above NTP's errors on a LAN. */
export const SKEW_MAX_US: number = 60_000_000

export class HybridClock {
  #last: Hlc = 0

  /** A stamp later than every one made or adopted before. `nowMs` is the wall clock. */
  stamp(nowMs: number): Hlc {
    this.#last = Math.max(Math.floor(nowMs * 1000), this.#last + 1)
    return this.#last
  }

  /** Takes note of a stamp made elsewhere, unless it is further ahead than a clock may honestly be. */
  adopt(seen: Hlc, nowMs: number): void {
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
