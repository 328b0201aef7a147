/**
 * The streams of one protocol on which a peer is asked something: one stream for each question, the question out, the
 * answer back.
 *
 * What the protocols have in common is here: how many are answered at once, and for one peer, that a stream on which
 * nothing moves is given up, and that all of them end when the node stops. What is said on a stream is each protocol's
 * own.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Counters } from '../counters.ts'
import { assert } from '../../core/base/assert.ts'
import { asError, reason, type TransportLog } from '../log.ts'
import { streamOpenTimeoutMs } from '../protocol.ts'
import { backpressured, sendPaced } from './backpressure.ts'
import { abortWhenIdle } from './idle-timeout.ts'

/** What each protocol of this kind is told. */
export type StreamsOptions = Readonly<{
  protocol: string
  /** Open connections to a peer. */
  connections: (peer: string) => readonly Connection[]
  /** How long a stream may stand still. @default the protocol's own */
  stallMs?: number
  counters: Counters
  log: TransportLog
}>

type RequestStreamsOptions = Omit<StreamsOptions, 'counters'> &
  Readonly<{
    /** Questions answered at the same time; more are turned away. */
    answersMax: number
    answersPerPeerMax: number
    stallMs: number
  }>

/** A question of ours under way. */
export type Asking = Readonly<{
  stream: Stream
  /** To be called once: with an error if the stream is of no more use. */
  end: (error?: Error) => void
}>

/** A question of a peer. */
export type Asked = Readonly<{
  peer: string
  /** Something has moved that the stream itself does not tell of. */
  progress: () => void
  /** The peer may ask the next one, although this stream is still open. */
  answered: () => void
}>

export class RequestStreams {
  readonly #options: RequestStreamsOptions
  readonly #streams = new Set<Stream>()
  /** Streams whose answer is under way, with the peer that asked. */
  readonly #answering = new Map<Stream, string>()
  readonly #stop = new AbortController()

  constructor(options: RequestStreamsOptions) {
    this.#options = options
  }

  /** Aborted when the node stops. */
  get stopped(): AbortSignal {
    return this.#stop.signal
  }

  /**
   * Opens a stream to ask a peer.
   * @throws if there is no connection to it, or it does not take the stream in time
   */
  async ask(peer: string, signal: AbortSignal = this.stopped): Promise<Asking> {
    const connection = this.#options.connections(peer)[0]
    if (connection === undefined) throw new Error('there is no connection to the peer')
    const opened = AbortSignal.any([this.stopped, signal, AbortSignal.timeout(streamOpenTimeoutMs)])
    const stream = await connection.newStream([this.#options.protocol], { signal: opened })
    const guard = this.#guard(stream)
    return {
      stream,
      end: error => {
        guard.release()
        if (error !== undefined) stream.abort(error)
      }
    }
  }

  /**
   * Asks a peer, and reads its answer to the end.
   *
   * @param read what the answer says; the stream is aborted if it fails
   */
  async exchange<T>(
    peer: string,
    question: Uint8Array,
    read: (answer: AsyncGenerator<Uint8Array, void, undefined>) => Promise<T>
  ): Promise<T> {
    const { stream, end } = await this.ask(peer)
    try {
      // Listened to from the beginning: the answer may come while the question is sent.
      const source = backpressured(stream)
      await sendPaced(stream, [question])
      const answer = await read(source)
      end()
      return answer
    } catch (error) {
      end(asError(error))
      throw error
    }
  }

  /**
   * Answers a question of a peer, or turns it away. Never rejects.
   * @param answer writes the answer; the stream is aborted if it fails
   */
  async accept(
    stream: Stream,
    connection: Connection,
    answer: (asked: Asked) => Promise<void>
  ): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (this.stopped.aborted || this.#isBusy(peer)) {
      stream.abort(new Error('too many questions at once'))
      return
    }
    this.#answering.set(stream, peer)
    const { progress, release } = this.#guard(stream)
    const answered = (): void => void this.#answering.delete(stream)
    try {
      await answer({ peer, progress, answered })
    } catch (error) {
      const { log, protocol } = this.#options
      log.debug({ peer, protocol, error: reason(error) }, 'an answer was broken off')
      stream.abort(asError(error))
    } finally {
      release()
      answered()
    }
  }

  /** Ends everything under way. */
  stop(): void {
    const why = new Error('this node stops')
    this.#stop.abort(why)
    for (const stream of this.#streams) stream.abort(why)
  }

  assertInvariants(): void {
    for (const [stream, peer] of this.#answering) {
      assert(
        this.#streams.has(stream),
        'a stream on which an answer is under way can be ended',
        peer
      )
    }
  }

  #isBusy(peer: string): boolean {
    const { answersMax, answersPerPeerMax } = this.#options
    const ofPeer = [...this.#answering.values()].filter(other => other === peer).length
    return this.#answering.size >= answersMax || ofPeer >= answersPerPeerMax
  }

  #guard(stream: Stream): { progress: () => void; release: () => void } {
    this.#streams.add(stream)
    const guard = abortWhenIdle(stream, this.#options.stallMs)
    return {
      progress: guard.progress,
      release: () => {
        guard.release()
        this.#streams.delete(stream)
      }
    }
  }
}
