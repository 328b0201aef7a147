/**
 * Fetching blobs: one stream for each, the hash out, the bytes back.
 *
 * The asker knows the size and the hash beforehand, so the answer needs no frame, and a stream that was cut off, or
 * that brings anything else, is found out where the bytes are kept. No bytes at all say "I do not have it". Both ends
 * read and write piece by piece, and each only as fast as the other.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { BlobHash, BlobRef } from '../../core/task/content.ts'
import type { KeepBlob } from '../../ports/ports.ts'
import { reason } from '../log.ts'
import { backpressured, sendPaced } from './backpressure.ts'
import { blobAnswersMax, blobAnswersPerPeerMax, syncStallMs } from '../protocol.ts'
import { RequestStreams, type Asked, type StreamsOptions } from './request-response.ts'

export type BlobStreamsOptions = StreamsOptions &
  Readonly<{
    /** The bytes of a blob, or null if it is not here. */
    read: (hash: BlobHash) => Promise<AsyncIterable<Uint8Array> | null>
  }>

const hashBytes = 32

export class BlobStreams {
  readonly #options: BlobStreamsOptions
  readonly #requestStreams: RequestStreams

  constructor(options: BlobStreamsOptions) {
    this.#options = options
    this.#requestStreams = new RequestStreams({
      stallMs: syncStallMs,
      ...options,
      answersMax: blobAnswersMax,
      answersPerPeerMax: blobAnswersPerPeerMax
    })
  }

  /** Resolves to whether the peer had the blob, and `keep` has taken it. Never rejects. */
  async fetch(peer: string, ref: BlobRef, keep: KeepBlob): Promise<boolean> {
    try {
      return await this.#fetch(peer, ref, keep)
    } catch (error) {
      const { log } = this.#options
      log.debug({ peer, hash: ref.hash, error: reason(error) }, 'a blob was not fetched')
      return false
    }
  }

  /** The handler of the protocol: a peer asks. */
  async accept(stream: Stream, connection: Connection): Promise<void> {
    await this.#requestStreams.accept(stream, connection, asked => this.#answer(stream, asked))
  }

  /** Ends everything under way. */
  stop(): void {
    this.#requestStreams.stop()
  }

  async #fetch(peer: string, ref: BlobRef, keep: KeepBlob): Promise<boolean> {
    return this.#requestStreams.exchange(peer, Buffer.from(ref.hash, 'hex'), async answer => {
      const first = await answer.next()
      if (first.done === true) return false
      if (await keep(this.#received(first.value, answer, ref))) return true
      this.#refused(peer, ref)
      throw new Error('its bytes are not the right ones')
    })
  }

  async *#received(
    first: Uint8Array,
    rest: AsyncIterator<Uint8Array>,
    ref: BlobRef
  ): AsyncGenerator<Uint8Array> {
    let bytes = 0
    for (let next = first; ;) {
      bytes += next.length
      this.#options.counters.bytesReceived += next.length
      // More than announced is wrong already, and need not be written to disk.
      if (bytes > ref.bytes) return
      yield next
      const { done, value } = await rest.next()
      if (done === true) return
      next = value
    }
  }

  async #answer(stream: Stream, { progress }: Asked): Promise<void> {
    const { read, counters } = this.#options
    const hash = await readHash(backpressured(stream))
    async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        counters.bytesSent += chunk.length
        yield chunk
      }
    }
    const chunks = await read(hash)
    await sendPaced(stream, chunks === null ? [] : counted(chunks), progress)
  }

  #refused(peer: string, { hash }: BlobRef): void {
    this.#options.counters.refused++
    this.#options.log.warn({ peer, hash }, 'refused a blob: its bytes are not the right ones')
  }
}

/** The whole of what the asker says. */
async function readHash(source: AsyncIterable<Uint8Array>): Promise<BlobHash> {
  const request = Buffer.alloc(hashBytes)
  let filled = 0
  for await (const chunk of source) {
    if (filled + chunk.length > hashBytes) throw new Error('this is no hash')
    request.set(chunk, filled)
    filled += chunk.length
  }
  if (filled < hashBytes) throw new Error('this is no hash')
  return request.toString('hex')
}
