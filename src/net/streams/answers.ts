/**
 * Questions about the runs of a node: one stream for each question, the question out, the answer back, part by part, as
 * it is made. The last part says that it is the last.
 *
 * An answer may last as long as a run does, with hours between two words. So the answerer says every few seconds that
 * it is still there, and a peer that hangs is told from one that has nothing to say. The answer is pulled only as fast
 * as the asker reads it: a slow reader misses something in the end, and costs a stream window until then.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { decode as decodeFrames, encode as encodeFrames } from 'it-length-prefixed'
import { asError, reason } from '../log.ts'
import { backpressured, sendPaced } from './backpressure.ts'
import { RequestStreams, type Asked, type StreamsOptions } from './request-response.ts'

/** How questions and answers of a protocol are written and read. */
type Codec<Request, Answer> = Readonly<{
  /** What they are about, for the log. */
  about: string
  encodeRequest: (request: Request) => Uint8Array
  /** @throws Refused */
  decodeRequest: (bytes: Uint8Array) => Request
  encodeAnswer: (answer: Answer) => Uint8Array
  /** @throws Refused */
  decodeAnswer: (bytes: Uint8Array) => Answer
  requestBytesMax: number
  answerBytesMax: number
}>

type AnswerStreamsOptions<Request, Answer> = StreamsOptions &
  Readonly<{
    codec: Codec<Request, Answer>
    answer: (request: Request) => AsyncIterable<Answer> | Iterable<Answer>
    stallMs: number
    answersMax: number
    answersPerPeerMax: number
  }>

export class AnswerStreams<Request, Answer extends Readonly<{ kind: string }>> {
  readonly #options: AnswerStreamsOptions<Request, Answer>
  readonly #requestStreams: RequestStreams

  constructor(options: AnswerStreamsOptions<Request, Answer>) {
    this.#options = options
    this.#requestStreams = new RequestStreams(options)
  }

  /** @throws in the course of reading, if the answer is broken off, malformed, or stalls */
  async *ask(
    peer: string,
    request: Request,
    signal: AbortSignal
  ): AsyncGenerator<Answer, void, undefined> {
    const { codec, counters } = this.#options
    const { stream, end } = await this.#requestStreams.ask(peer, signal)
    const abort = (): void => stream.abort(asError(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    let whole = false
    try {
      const source = backpressured(stream)
      await sendPaced(stream, [framed(codec.encodeRequest(request))])
      for await (const frame of decodeFrames(source, { maxDataLength: codec.answerBytesMax })) {
        const answer = codec.decodeAnswer(frame.subarray())
        counters.bytesReceived += frame.byteLength
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
      const request = await this.#questionOn(stream)
      await sendPaced(stream, this.#frames(request), progress)
    } catch (error) {
      this.#noteRefusal(peer, error)
      throw error
    }
  }

  async *#frames(request: Request): AsyncGenerator<Uint8Array> {
    const { answer, codec, counters } = this.#options
    for await (const part of answer(request)) {
      const bytes = framed(codec.encodeAnswer(part))
      counters.bytesSent += bytes.length
      yield bytes
    }
  }

  async #questionOn(stream: Stream): Promise<Request> {
    const { decodeRequest, requestBytesMax } = this.#options.codec
    const source = decodeFrames(backpressured(stream), { maxDataLength: requestBytesMax })
    for await (const frame of source) return decodeRequest(frame.subarray())
    throw new Error('the question was broken off')
  }

  #noteRefusal(peer: string, error: unknown): void {
    const { name } = asError(error)
    // A frame that is too long is refused by the library that reads frames.
    if (name !== 'Refused' && name !== 'InvalidDataLengthError') return
    this.#options.counters.refused++
    const { codec, log } = this.#options
    log.warn({ peer, why: reason(error) }, `refused a message about ${codec.about}`)
  }
}

function framed(bytes: Uint8Array): Uint8Array {
  return encodeFrames.single(bytes).subarray()
}
