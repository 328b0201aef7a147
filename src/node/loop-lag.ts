/**
 * How late the event loop was of late: the latest of the node's own ticks in the last while. It costs nothing, for the
 * ticks are there anyway.
 */

/** The usual time between two scrapes. */
const REMEMBERED_MS = 15_000

export class LoopLag {
  #late: { at: number; ms: number }[] = []

  /** Times are in ms, of a clock that never steps back. */
  ticked(now: number, dueAt: number): void {
    while (this.#late.length > 0 && now - this.#late[0]!.at > REMEMBERED_MS) this.#late.shift()
    this.#late.push({ at: now, ms: Math.max(0, now - dueAt) })
  }

  get maxMs(): number {
    return Math.max(0, ...this.#late.map(({ ms }) => ms))
  }
}
