/**
 * Messages that have come and wait to be read.
 *
 * To take the log in costs many times what it costs to receive it. So what says that a member is there is read at once,
 * out of whatever heap it lies in, and the rest in portions, between which the node reads on and keeps its time. The
 * heap has a bound: beyond it what came first is read before more is received, and the senders feel that.
 */

import { PORTION_MS } from '../ports/ports.ts'

/** Guess: a second's work, and nothing beside what a node needs anyway. */
const WAITING_BYTES_MAX = 1_048_576

type Waiting = Readonly<{ bytes: Uint8Array; read: () => void }>

export class Inbox {
  readonly #now: () => number
  #waiting: Waiting[] = []
  #bytes = 0
  #portionEndsAt: number | null = null

  /** @param now in ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Calls back at once, or when it is its turn. */
  came(bytes: Uint8Array, isPrompt: boolean, read: () => void): void {
    if (isPrompt) return read()
    if (this.#waiting.length === 0 && this.#hasTime()) return read()
    this.#waiting.push({ bytes, read })
    this.#bytes += bytes.length
    if (this.#bytes > WAITING_BYTES_MAX) this.#read(() => this.#bytes > WAITING_BYTES_MAX)
  }

  /** What waits is not read any more. */
  clear(): void {
    this.#waiting = []
    this.#bytes = 0
  }

  #hasTime(): boolean {
    const now = this.#now()
    if (this.#portionEndsAt === null) {
      this.#portionEndsAt = now + PORTION_MS
      setImmediate(() => {
        this.#portionEndsAt = null
        if (this.#waiting.length > 0) this.#read(() => this.#hasTime())
      })
    }
    return now < this.#portionEndsAt
  }

  #read(goesOn: () => boolean): void {
    let count = 0
    while (count < this.#waiting.length && goesOn()) {
      const { bytes, read } = this.#waiting[count++]!
      this.#bytes -= bytes.length
      read()
    }
    this.#waiting = this.#waiting.slice(count)
  }
}
