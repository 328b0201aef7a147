/** What this node has seen of its computer's clock being set: logged, and kept for diagnosis. */
import { wallMsOf } from './clock.ts'
import type { Clock } from '../../ports/ports.ts'

/**
 * Smallest step of the clock that is noted. Guess: a smaller one harms nothing, and clocks that run wrong are corrected
 * by such steps regularly.
 */
const NOTICED_MS = 1000

export class ClockSteps {
  readonly #clock: Pick<Clock, 'now' | 'aheadMs'>
  readonly #log: { warn(message: string): void }
  /** The last one: when it was, by the clock as it is set now, and by how much it went forward, in ms. */
  last: Readonly<{ atMs: number; byMs: number }> | null = null

  constructor(clock: Pick<Clock, 'now' | 'aheadMs'>, log: { warn(message: string): void }) {
    this.#clock = clock
    this.#log = log
  }

  note(byMs: number): void {
    if (Math.abs(byMs) < NOTICED_MS) return
    this.last = { atMs: wallMsOf(this.#clock), byMs: Math.round(byMs) }
    const seconds = (Math.abs(byMs) / 1000).toFixed(1)
    this.#log.warn(
      `the clock of this computer was set ${seconds} s ${byMs > 0 ? 'forward' : 'back'}: tasks start, end and are kept by the new time`
    )
  }
}
