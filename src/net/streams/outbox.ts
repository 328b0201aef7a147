/**
 * The messages that wait to be written to one stream.
 *
 * What is due within one turn of the event loop leaves in one piece: a piece costs the same whether it holds one
 * message or a hundred. What the other side does not take piles up here, up to a bound; beyond it everything is
 * dropped and the stream ended, because a peer that has missed some messages has to compare notes anyway.
 */
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Counters } from '../counters.ts'
import { assert } from '../../core/base/assert.ts'
import { frameHeader } from './frames.ts'
import { asError } from '../log.ts'
import { queueBytesMax, sendBytesMax } from '../protocol.ts'

export class Outbox {
  readonly #stream: Stream
  readonly #counters: Counters
  /** What goes before the rest. */
  #prompt: Uint8Array[] = []
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #scheduled: NodeJS.Immediate | undefined

  constructor(stream: Stream, counters: Counters) {
    this.#stream = stream
    this.#counters = counters
    // libp2p writes what it holds itself in a microtask after this event: first that, then ours.
    stream.addEventListener('drain', () => this.#schedule())
  }

  /** @param isPrompt it may overtake what is not */
  push(bytes: Uint8Array, isPrompt: boolean = false): void {
    if (this.#queuedBytes + bytes.length > queueBytesMax) {
      this.#counters.dropped++
      this.abort(new Error(`the peer has left ${this.#queuedBytes} bytes unread`))
      return
    }
    if (isPrompt) this.#prompt.push(bytes)
    else this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#schedule()
  }

  /** Drops what is queued, and counts it. */
  abandon(): void {
    clearImmediate(this.#scheduled)
    this.#counters.dropped += this.#takeAll().filter(bytes => bytes.length > 0).length
  }

  /** Ends the stream now. */
  abort(error: Error): void {
    this.abandon()
    this.#stream.abort(error)
  }

  /** Writes what is queued and ends the stream; after `timeoutMs` it ends either way. */
  async close(timeoutMs: number): Promise<void> {
    clearImmediate(this.#scheduled)
    try {
      this.#write(this.#takeAll())
      await this.#stream.close({ signal: AbortSignal.timeout(timeoutMs) })
    } catch (error) {
      this.#stream.abort(asError(error))
    }
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined
      this.#flush()
    })
  }

  assertInvariants(): void {
    const queued = [...this.#prompt, ...this.#queue].reduce((sum, { length }) => sum + length, 0)
    assert(queued === this.#queuedBytes, 'the bytes of what is queued are counted', queued)
  }

  #takeAll(): Uint8Array[] {
    this.#queuedBytes = 0
    return [...this.#prompt.splice(0), ...this.#queue.splice(0)]
  }

  #flush(): void {
    while (this.#prompt.length + this.#queue.length > 0 && this.#writable()) {
      this.#queue.unshift(...this.#prompt.splice(0))
      let bytes = 0
      let count = 0
      while (count < this.#queue.length && bytes < sendBytesMax) {
        bytes += this.#queue[count++]?.length ?? 0
      }
      this.#queuedBytes -= bytes
      try {
        this.#write(this.#queue.splice(0, count))
      } catch (error) {
        this.abort(asError(error))
      }
    }
  }

  #writable(): boolean {
    return this.#stream.writeStatus === 'writable' && !this.#stream.writableNeedsDrain
  }

  #write(messages: readonly Uint8Array[]): void {
    if (messages.length === 0) return
    const piece = new Uint8ArrayList()
    for (const bytes of messages) piece.append(frameHeader(bytes.length), bytes)
    this.#counters.bytesSent += piece.byteLength
    this.#stream.send(piece)
  }
}
