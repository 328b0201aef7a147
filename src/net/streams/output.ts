/**
 * Asking about the output of runs: one stream for each question, the question out, the answer back as it is made.
 *
 * An answer may last as long as a run does, with hours between two words. So the answerer says every few seconds that
 * it is still there, and a peer that hangs is told from one that has nothing to say. The answer is pulled only as fast
 * as the asker reads it: a slow reader misses something in the end, and costs a stream window until then.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { decode as decodeFrames, encode as encodeFrames } from 'it-length-prefixed'
import type { OutputAnswer, OutputRequest } from '../../core/message.ts'
import {
  decodeOutputAnswer,
  decodeOutputRequest,
  encodeOutputAnswer,
  encodeOutputRequest,
  OUTPUT_ANSWER_BYTES_MAX,
  OUTPUT_REQUEST_BYTES_MAX
} from '../../wire/output.ts'
import { asError, reason } from '../log.ts'
import { backpressured, sendPaced } from './backpressure.ts'
import { outputAnswersMax, outputAnswersPerPeerMax, outputStallMs } from '../protocol.ts'
import { RequestStreams, type Asked, type StreamsOptions } from './request-response.ts'

export type OutputStreamsOptions = StreamsOptions &
  Readonly<{ answer: (request: OutputRequest) => AsyncIterable<OutputAnswer> }>

export class OutputStreams {
  readonly #options: OutputStreamsOptions
  readonly #requestStreams: RequestStreams

  constructor(options: OutputStreamsOptions) {
    this.#options = options
    this.#requestStreams = new RequestStreams({
      stallMs: outputStallMs,
      ...options,
      answersMax: outputAnswersMax,
      answersPerPeerMax: outputAnswersPerPeerMax
    })
  }

  /** @throws in the course of reading, if the answer is broken off, malformed, or stalls */
  async *ask(
    peer: string,
    request: OutputRequest,
    signal: AbortSignal
  ): AsyncGenerator<OutputAnswer, void, undefined> {
    const { stream, end } = await this.#requestStreams.ask(peer, signal)
    const abort = (): void => stream.abort(asError(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    let whole = false
    try {
      const source = backpressured(stream)
      await sendPaced(stream, [framed(encodeOutputRequest(request))])
      for await (const frame of decodeFrames(source, { maxDataLength: OUTPUT_ANSWER_BYTES_MAX })) {
        const answer = decodeOutputAnswer(frame.subarray())
        this.#options.counters.bytesReceived += frame.byteLength
        whole = answer.kind === 'end'
        yield answer
        if (whole) return
      }
      throw new Error('the answer was broken off')
    } catch (error) {
      this.#noteRefusal(peer, error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
      end(whole ? undefined : new Error('the answer is no longer read'))
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

  async #answer(stream: Stream, { peer, progress }: Asked): Promise<void> {
    try {
      const request = await questionOn(stream)
      await sendPaced(stream, this.#frames(request), progress)
    } catch (error) {
      this.#noteRefusal(peer, error)
      throw error
    }
  }

  async *#frames(request: OutputRequest): AsyncGenerator<Uint8Array> {
    const { answer, counters } = this.#options
    for await (const part of answer(request)) {
      const bytes = framed(encodeOutputAnswer(part))
      counters.bytesSent += bytes.length
      yield bytes
    }
  }

  #noteRefusal(peer: string, error: unknown): void {
    const { name } = asError(error)
    // A frame that is too long is refused by the library that reads frames.
    if (name !== 'Refused' && name !== 'InvalidDataLengthError') return
    this.#options.counters.refused++
    this.#options.log.warn({ peer, why: reason(error) }, 'refused a message about output')
  }
}

async function questionOn(stream: Stream): Promise<OutputRequest> {
  const source = decodeFrames(backpressured(stream), { maxDataLength: OUTPUT_REQUEST_BYTES_MAX })
  for await (const frame of source) return decodeOutputRequest(frame.subarray())
  throw new Error('the question was broken off')
}

function framed(bytes: Uint8Array): Uint8Array {
  return encodeFrames.single(bytes).subarray()
}
