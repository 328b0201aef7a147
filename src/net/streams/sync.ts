/**
 * Fetching what is missing of the log: one stream per request, the request out, batches back, an empty message as the
 * end.
 *
 * The empty message is there because a stream that merely ends may have been cut off. The answer is pulled out of the
 * log one message at a time and only while the asker reads, so that a slow asker costs a stream window and not a copy
 * of the log. The asker in turn takes in one message at a time and lets everything else have its turn in between: what
 * has not been taken in yet waits at the answerer. Whatever goes wrong, including silence, ends in exactly one report
 * to the caller.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { decode as decodeFrames, encode as encodeFrames } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import { FRAME_BYTES_MAX } from '../../core/options.ts'
import { reason } from '../log.ts'
import { backpressured, sendPaced } from './backpressure.ts'
import { answersMax, syncStallMs } from '../protocol.ts'
import { RequestStreams, type Asked, type StreamsOptions } from './request-response.ts'

export type SyncOptions = StreamsOptions &
  Readonly<{
    /** One message of an answer. Throws to refuse the rest. */
    onMessage: (from: string, bytes: Uint8Array) => void
    onEnded: (peer: string, whole: boolean) => void
    /** The answer to a request, made as it is read. Throws to refuse. */
    answer: (from: string, request: Uint8Array) => Iterable<Uint8Array>
  }>

const frameOptions = { maxDataLength: FRAME_BYTES_MAX }
const endOfAnswer = new Uint8Array(0)

export class SyncStreams {
  readonly #options: SyncOptions
  readonly #requestStreams: RequestStreams
  readonly #asking = new Set<Promise<void>>()

  constructor(options: SyncOptions) {
    this.#options = options
    this.#requestStreams = new RequestStreams({
      stallMs: syncStallMs,
      ...options,
      answersMax,
      answersPerPeerMax: 1
    })
  }

  /** Asks a peer. `onEnded` is called once, never before this has returned. */
  ask(peer: string, request: Uint8Array): void {
    const asking = this.#ask(peer, request)
    this.#asking.add(asking)
    void asking.then(() => this.#asking.delete(asking))
  }

  /** The handler of the protocol: a peer asks. */
  async accept(stream: Stream, connection: Connection): Promise<void> {
    // An asker that stops reading ends the answer, back to the log: no snapshot is left open.
    await this.#requestStreams.accept(stream, connection, async asked =>
      pipe(
        backpressured(stream),
        bytes => decodeFrames(bytes, frameOptions),
        requests => this.#answer(asked, requests),
        encodeFrames,
        bytes => sendPaced(stream, bytes, asked.progress)
      )
    )
  }

  /** Ends everything under way. Resolves when each of our own requests has been reported. */
  async stop(): Promise<void> {
    this.#requestStreams.stop()
    await Promise.all(this.#asking)
  }

  async #ask(peer: string, request: Uint8Array): Promise<void> {
    let whole = false
    try {
      whole = await this.#fetch(peer, request)
    } catch (error) {
      this.#options.log.debug({ peer, error: reason(error) }, 'a sync was broken off')
    }
    this.#options.onEnded(peer, whole)
  }

  async #fetch(peer: string, request: Uint8Array): Promise<boolean> {
    // Even the report of a failure must not come while the caller is still asking.
    await Promise.resolve()
    const question = encodeFrames.single(request).subarray()
    return this.#requestStreams.exchange(peer, question, answer =>
      this.#receive(peer, decodeFrames(answer, frameOptions))
    )
  }

  async #receive(peer: string, frames: AsyncIterable<Uint8ArrayList>): Promise<boolean> {
    for await (const frame of frames) {
      if (this.#requestStreams.stopped.aborted) return false
      if (frame.byteLength === 0) return true
      this.#options.counters.bytesReceived += frame.byteLength
      this.#options.counters.syncBytes += frame.byteLength
      this.#options.onMessage(peer, frame.subarray())
      await turn()
    }
    return false
  }

  async *#answer(
    { peer, answered }: Asked,
    requests: AsyncIterable<Uint8ArrayList>
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { answer, counters } = this.#options
    for await (const request of requests) {
      for (const bytes of answer(peer, request.subarray())) {
        counters.bytesSent += bytes.length
        counters.syncBytes += bytes.length
        yield bytes
      }
      // Before the end is sent: the peer may ask again as soon as it has it.
      answered()
      yield endOfAnswer
      return
    }
  }
}
