/**
 * How late this node was of late: the latest of its own ticks in the last while, and what has waited longest for its
 * turn. It costs nothing, for the ticks are there anyway.
 */

/** The usual time between two scrapes. */
const REMEMBERED_MS = 15_000

export class LoopLag {
  #late: { at: number; ms: number }[] = []

  /**
   * Times are in ms, of a clock that never steps back.
   *
   * @param waitedMs how long the longest in the queue of the node had to wait since the tick before
   */
  ticked(now: number, dueAt: number, waitedMs: number): void {
    while (this.#late.length > 0 && now - this.#late[0]!.at > REMEMBERED_MS) this.#late.shift()
    this.#late.push({ at: now, ms: Math.max(0, now - dueAt, waitedMs) })
  }

  get maxMs(): number {
    return Math.max(0, ...this.#late.map(({ ms }) => ms))
  }
}
