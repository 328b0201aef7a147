/**
 * What a process prints, on its way to the node: lines are gathered while the last ones are under way, and above a bound
 * the rest is dropped and counted.
 */
import type { LeaseView } from '../../node/api/node-api.ts'

/** Of one request. */
const LINES_MAX = 1000
/** Guess: what a process prints while the node is busy. */
const WAITING_MAX = 10_000

export class LeaseLog {
  readonly #send: (lines: readonly string[]) => Promise<LeaseView>
  #waiting: string[] = []
  #dropped = 0
  #sending: Promise<void> | null = null

  constructor(send: (lines: readonly string[]) => Promise<LeaseView>) {
    this.#send = send
  }

  add(lines: readonly string[]): void {
    const room = WAITING_MAX - this.#waiting.length
    this.#waiting.push(...lines.slice(0, room))
    this.#dropped += Math.max(0, lines.length - room)
    this.#sending ??= this.#drain()
  }

  /** Resolves when all has been told. */
  async end(): Promise<void> {
    while (this.#sending !== null) await this.#sending
  }

  /** What the node does not take is of no use to anybody: the lease is lost. */
  async #drain(): Promise<void> {
    // What is printed in one go is one request.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0, LINES_MAX)
      if (this.#dropped > 0) lines.push(`(${this.#dropped} lines dropped: the node was busy)`)
      this.#dropped = 0
      await this.#send(lines).catch(() => {})
    }
    this.#sending = null
  }
}
