/**
 * How late the event loop was of late: the latest of the node's own ticks in the last while. It costs nothing, for the
 * ticks are there anyway.
 */

/** Ticks that are remembered: 15 s, the usual time between two scrapes. */
const REMEMBERED = 75

export class LoopLag {
  readonly #everyMs: number
  readonly #late: number[] = []
  #next = 0
  #tickedAt: number | null = null

  /** @param everyMs how long after each other ticks are due */
  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** @param now in ms, of a clock that never steps back */
  ticked(now: number): void {
    if (this.#tickedAt !== null) {
      this.#late[this.#next] = Math.max(0, now - this.#tickedAt - this.#everyMs)
      this.#next = (this.#next + 1) % REMEMBERED
    }
    this.#tickedAt = now
  }

  get maxMs(): number {
    return Math.max(0, ...this.#late)
  }
}
