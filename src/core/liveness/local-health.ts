/**
 * Whether this node was there to listen.
 *
 * A node whose own process stood still (stopped, swapped out, a laptop that slept) has heard nothing for a while, and
 * that says nothing about the others. So the time in which nothing happened here at all is taken off the silence of
 * every member.
 */

/** Guess: ten ticks. A busy node is late by one or two. */
const LATE_MS = 2000

export class LocalHealth {
  #last: number | null = null

  /**
   * Something happens here. Returns for how long nothing had, if that is longer than it can be while all is well.
   * @param restMs for how long nothing was due
   */
  absentMs(now: number, restMs: number): number {
    const gapMs = this.#last === null ? 0 : now - this.#last
    this.#last = now
    return gapMs >= LATE_MS + restMs ? gapMs : 0
  }
}
