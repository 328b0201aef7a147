/** How far something is, on one line of stderr that is written over; only on a terminal. */
import { isTerminal, type Terminal } from '../terminal.ts'

/** Often enough to look alive. */
const INTERVAL_MS = 200

export class Progress {
  readonly #terminal: Terminal
  #shownAt = performance.now()
  #isShown = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Whether there is a terminal to show it on. */
  get isWatched(): boolean {
    return isTerminal(this.#terminal.stderr)
  }

  /** Whether it is time to show more, and to whom. */
  get isDue(): boolean {
    return this.isWatched && performance.now() - this.#shownAt >= INTERVAL_MS
  }

  show(text: string): void {
    this.#shownAt = performance.now()
    this.#isShown = true
    this.#terminal.stderr.write(`\r\u001b[K${text} `)
  }

  clear(): void {
    if (this.#isShown) this.#terminal.stderr.write('\r\u001b[K')
    this.#isShown = false
  }
}
