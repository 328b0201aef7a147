/**
 * Direct messages: one long-lived stream each way between any two nodes.
 *
 * Each side opens one stream to the other, says an empty message on it, and from then on only writes to its own and
 * reads from the other's. A link is up when our stream is open and the other's empty message has come: only then do we
 * know that both directions work, and since the other's stream cannot carry more before it has heard ours, nothing is
 * delivered on a link before it is reported up. When either stream ends, the link is down, whatever connections
 * remain: messages may have been lost, and the two had better compare notes again.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Counters } from '../counters.ts'
import { FrameReader } from './frames.ts'
import { asError, reason, type TransportLog } from '../log.ts'
import { Outbox } from './outbox.ts'
import { dialPauseMs, dialPauseMsMax, streamOpenTimeoutMs } from '../protocol.ts'

export type StreamsOptions = Readonly<{
  protocol: string
  /** Open connections to a peer. */
  connections: (peer: string) => readonly Connection[]
  onMessage: (from: string, bytes: Uint8Array) => void
  /** Called alternately with true and false for a peer, beginning with true. */
  onLink: (peer: string, up: boolean) => void
  counters: Counters
  log: TransportLog
}>

type Link = {
  outbox: Outbox | null
  /** The connection that our stream is on. */
  via: Connection | null
  inbound: Stream | null
  opening: boolean
  failures: number
  retry: NodeJS.Timeout | undefined
  up: boolean
}

const hello = new Uint8Array(0)

export class DirectStreams {
  readonly #options: StreamsOptions
  readonly #links = new Map<string, Link>()
  #stopped = false

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  /** A connection to a peer has opened. */
  connected(peer: string): void {
    if (!this.#stopped) void this.#open(peer, this.#link(peer))
  }

  /** The last connection to a peer has gone. */
  disconnected(peer: string): void {
    const link = this.#links.get(peer)
    if (link === undefined) return
    this.#links.delete(peer)
    clearTimeout(link.retry)
    link.outbox?.abort(new Error('the connection is gone'))
    link.outbox = null
    link.inbound = null
    this.#report(peer, link)
  }

  isUp(peer: string): boolean {
    return this.#links.get(peer)?.up ?? false
  }

  /**
   * Queues a message for a peer. Without a link, or if the peer does not read, it is dropped and counted.
   *
   * @param isPrompt it may overtake what is not
   */
  send(to: string, bytes: Uint8Array, isPrompt: boolean = false): void {
    const link = this.#links.get(to)
    if (link?.up !== true || link.outbox === null) this.#options.counters.dropped++
    else link.outbox.push(bytes, isPrompt)
  }

  /**
   * Queues a message for all peers with a connection, if all of them have a link; returns whether that is so. Otherwise
   * nothing is queued.
   */
  sendAll(bytes: Uint8Array, isPrompt: boolean = false): boolean {
    for (const { up, outbox } of this.#links.values()) if (!up || outbox === null) return false
    for (const { outbox } of this.#links.values()) outbox?.push(bytes, isPrompt)
    return true
  }

  /** The handler of the protocol: a peer has opened its stream to us. */
  accept(stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString()
    const reader = new FrameReader()
    stream.addEventListener('message', event => {
      const chunk = event.data.subarray()
      this.#options.counters.bytesReceived += chunk.length
      try {
        reader.push(chunk, bytes => this.#received(peer, stream, connection, bytes))
      } catch (error) {
        this.#options.counters.refused++
        this.#options.log.debug({ peer, error: reason(error) }, 'refused a direct stream')
        stream.abort(asError(error))
      }
    })
    const ended = (): void => this.#inboundEnded(peer, stream)
    stream.addEventListener('remoteCloseWrite', ended)
    stream.addEventListener('close', ended)
  }

  /** Sends what is queued, and closes. Messages that a peer does not take in time are dropped. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true
    const links = [...this.#links.values()]
    for (const link of links) clearTimeout(link.retry)
    await Promise.all(links.map(async link => link.outbox?.close(timeoutMs)))
    this.#links.clear()
  }

  #received(peer: string, stream: Stream, connection: Connection, bytes: Uint8Array): void {
    if (this.#stopped || stream.status !== 'open') return
    const link = this.#link(peer)
    if (link.inbound === stream) {
      if (bytes.length > 0) this.#options.onMessage(peer, bytes)
      return
    }
    if (bytes.length > 0) throw new Error('a direct stream begins with an empty message')
    this.#inboundOpened(peer, link, stream, connection)
  }

  #inboundOpened(peer: string, link: Link, stream: Stream, connection: Connection): void {
    const previous = link.inbound
    link.inbound = stream
    if (previous !== null) {
      // The peer has lost the stream that we still believe in, so what we sent lately may be lost as well: begin anew,
      // on the connection that is known to work.
      previous.abort(new Error('replaced by a newer stream of the same peer'))
      if (link.via !== connection) link.outbox?.abort(new Error('the peer has begun anew'))
    }
    if (link.outbox === null) void this.#open(peer, link, connection)
    this.#report(peer, link)
  }

  #inboundEnded(peer: string, stream: Stream): void {
    const link = this.#links.get(peer)
    if (link?.inbound !== stream) return
    link.inbound = null
    this.#report(peer, link)
  }

  async #open(peer: string, link: Link, preferred?: Connection): Promise<void> {
    if (link.opening || link.outbox !== null || this.#stopped) return
    const open = this.#options.connections(peer)
    const connection = preferred?.status === 'open' ? preferred : open[0]
    if (connection === undefined) return
    clearTimeout(link.retry)
    link.opening = true
    try {
      const signal = AbortSignal.timeout(streamOpenTimeoutMs)
      const stream = await connection.newStream([this.#options.protocol], { signal })
      this.#opened(peer, link, stream, connection)
    } catch (error) {
      this.#options.log.debug({ peer, error: reason(error) }, 'could not open a direct stream')
      this.#retryLater(peer, link)
    } finally {
      link.opening = false
    }
  }

  #opened(peer: string, link: Link, stream: Stream, connection: Connection): void {
    if (this.#links.get(peer) !== link || this.#stopped || stream.status !== 'open') {
      stream.abort(new Error('no longer wanted'))
      this.#retryLater(peer, link)
      return
    }
    const outbox = new Outbox(stream, this.#options.counters)
    link.outbox = outbox
    link.via = connection
    stream.addEventListener('close', () => {
      outbox.abandon()
      if (link.outbox !== outbox) return
      link.outbox = null
      this.#report(peer, link)
      this.#retryLater(peer, link)
    })
    // Nothing overtakes it.
    outbox.push(hello, true)
    this.#report(peer, link)
  }

  #retryLater(peer: string, link: Link): void {
    if (this.#stopped || this.#links.get(peer) !== link) return
    const pauseMs = Math.min(dialPauseMs * 2 ** link.failures++, dialPauseMsMax)
    clearTimeout(link.retry)
    link.retry = setTimeout(() => void this.#open(peer, link), pauseMs).unref()
  }

  #report(peer: string, link: Link): void {
    const up = link.outbox !== null && link.inbound !== null
    if (up === link.up) return
    link.up = up
    if (up) link.failures = 0
    if (!this.#stopped) this.#options.onLink(peer, up)
  }

  #link(peer: string): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    const link: Link = {
      outbox: null,
      via: null,
      inbound: null,
      opening: false,
      failures: 0,
      retry: undefined,
      up: false
    }
    this.#links.set(peer, link)
    return link
  }
}
