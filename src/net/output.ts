/**
 * Asking about the output of runs: one stream for each question, the question out, the answer back as it is made.
 *
 * An answer may last as long as a run does, with hours between two words. So the answerer says every few seconds that it
 * is still there, and a peer that hangs is told from one that has nothing to say. The answer is pulled only as fast as
 * the asker reads it: whoever reads slowly misses something in the end, and costs a stream window until then.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { decode as decodeFrames, encode as encodeFrames } from 'it-length-prefixed'
import type { OutputAnswer, OutputRequest } from '../core/output.ts'
import {
  decodeOutputAnswer,
  decodeOutputRequest,
  encodeOutputAnswer,
  encodeOutputRequest,
  OUTPUT_ANSWER_BYTES_MAX,
  OUTPUT_REQUEST_BYTES_MAX
} from '../wire/output.ts'
import type { Counters } from './counters.ts'
import { asError, reason, type TransportLog } from './log.ts'
import { pacedSource, sendPaced } from './paced.ts'
import {
  outputAnswersMax,
  outputAnswersPerPeerMax,
  outputStallMs,
  streamOpenTimeoutMs
} from './protocol.ts'
import { guardAgainstStall } from './stall.ts'

export type OutputStreamsOptions = Readonly<{
  protocol: string
  connections: (peer: string) => readonly Connection[]
  answer: (request: OutputRequest) => AsyncIterable<OutputAnswer>
  /** @default outputStallMs */
  stallMs?: number
  counters: Counters
  log: TransportLog
}>

export class OutputStreams {
  readonly #options: OutputStreamsOptions
  /** Answers under way, with the peer that asked. */
  readonly #answering = new Map<Stream, string>()
  readonly #stop = new AbortController()

  constructor(options: OutputStreamsOptions) {
    this.#options = options
  }

  /** @throws in the course of reading, if the answer is broken off, malformed, or stalls */
  async *ask(
    peer: string,
    request: OutputRequest,
    signal: AbortSignal
  ): AsyncGenerator<OutputAnswer, void, undefined> {
    const connection = this.#options.connections(peer)[0]
    if (connection === undefined) throw new Error('there is no connection to the peer')
    const ended = AbortSignal.any([this.#stop.signal, signal])
    const opened = AbortSignal.any([ended, AbortSignal.timeout(streamOpenTimeoutMs)])
    const stream = await connection.newStream([this.#options.protocol], { signal: opened })
    const abort = (): void => stream.abort(asError(ended.reason))
    ended.addEventListener('abort', abort, { once: true })
    const guard = guardAgainstStall(stream, this.#options.stallMs ?? outputStallMs)
    let whole = false
    try {
      const source = pacedSource(stream)
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
      guard.release()
      ended.removeEventListener('abort', abort)
      if (!whole) stream.abort(new Error('the answer is no longer read'))
    }
  }

  /** The handler of the protocol: a peer asks. */
  async accept(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (this.#stop.signal.aborted || this.#isBusy(peer)) {
      stream.abort(new Error('too many questions at once'))
      return
    }
    this.#answering.set(stream, peer)
    const guard = guardAgainstStall(stream, this.#options.stallMs ?? outputStallMs)
    try {
      const request = await questionOn(stream)
      await sendPaced(stream, this.#frames(request), guard.progress)
    } catch (error) {
      const { log } = this.#options
      log.debug({ peer, error: reason(error) }, 'an answer about output was broken off')
      this.#noteRefusal(peer, error)
      stream.abort(asError(error))
    } finally {
      guard.release()
      this.#answering.delete(stream)
    }
  }

  /** Ends everything under way. */
  stop(): void {
    const why = new Error('this node stops')
    this.#stop.abort(why)
    for (const stream of this.#answering.keys()) stream.abort(why)
  }

  #isBusy(peer: string): boolean {
    const ofPeer = [...this.#answering.values()].filter(other => other === peer).length
    return this.#answering.size >= outputAnswersMax || ofPeer >= outputAnswersPerPeerMax
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
  const source = decodeFrames(pacedSource(stream), { maxDataLength: OUTPUT_REQUEST_BYTES_MAX })
  for await (const frame of source) return decodeOutputRequest(frame.subarray())
  throw new Error('the question was broken off')
}

function framed(bytes: Uint8Array): Uint8Array {
  return encodeFrames.single(bytes).subarray()
}
