/**
 * The port `Transport` over libp2p: puts the parts together and translates between messages and bytes.
 *
 * The parts know bytes and peers: `peers` gets connections, `streams` turns them into links, `gossip` and `sync` use
 * them. Here alone is decided what is delivered. Nothing a peer sends is believed before the codec has accepted it, and
 * nothing at all is delivered before `start` and after `stop`.
 */
import type { PeerInfo, PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { nodeOf } from '../core/base/ids.ts'
import {
  PROMPT_KINDS,
  type Message,
  type SyncRequest,
  type OutputAnswer,
  type OutputRequest,
  type TimelineAnswer,
  type TimelineRequest
} from '../core/message.ts'
import type { BlobRef } from '../core/task/content.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type {
  KeepBlob,
  NetCounters,
  PeerView,
  Receiver,
  Transport,
  UnansweredPeer
} from '../ports/ports.ts'
import { decode, encode, kindOf } from '../wire/codec.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../core/options.ts'
import { listenAddresses } from './discovery/addresses.ts'
import { BlobStreams } from './streams/blobs.ts'
import { newCounters } from './counters.ts'
import { Discovery, type Said } from './discovery/mdns.ts'
import { meetsDouble } from './discovery/double.ts'
import { Gossip } from './gossip.ts'
import { stopWhole } from './patches/stop.ts'
import { Inbox } from './inbox.ts'
import { createNetwork, type Network } from './libp2p.ts'
import { reason, type TransportLog } from './log.ts'
import type { AnswerStreams } from './streams/answers.ts'
import { outputStreams, timelineStreams } from './streams/runs.ts'
import { Peers, type RememberedPeer } from './discovery/peers.ts'
import { Prover } from './discovery/proof.ts'
import {
  addressLookMs,
  blobAnswersMax,
  flushTimeoutMs,
  outputAnswersMax,
  protocolNames,
  serviceTag,
  stopTimeoutMs,
  timelineAnswersMax,
  type ProtocolNames
} from './protocol.ts'
import type { Handshakes } from './patches/noise.ts'
import { isDeserted } from './discovery/probe.ts'
import { LastLinks } from './discovery/last-links.ts'
import { DirectStreams } from './streams/streams.ts'
import { SyncStreams } from './streams/sync.ts'
import { Tally } from './tally.ts'

export type { RememberedPeer, TransportLog }

export type TransportOptions = Readonly<{
  privateKey: PrivateKey
  /** 32 bytes that all nodes of the cluster share. */
  psk: Uint8Array
  cluster: string
  /** Derived from the key, in lower-case hex: nodes with another key are not even found. */
  fingerprint: string
  /** Multiaddrs. With `mdns.interface`, `0.0.0.0` means that interface. */
  listen: readonly string[]
  /** Multiaddrs to dial until connected, with or without `/p2p/<id>`. */
  peers: readonly string[]
  /** Find other nodes by mDNS, on all interfaces or on the one with this address. */
  mdns: boolean | Readonly<{ interface: string }>
  /** Members known from earlier. @default none */
  remembered?: readonly RememberedPeer[]
  /** Called with all members known when that has changed. @default nobody is told */
  onAddresses?: (peers: readonly RememberedPeer[]) => void
  log: TransportLog
}>

/**
 * Prepares a transport; `start` opens it.
 *
 * @throws InvalidOptionError if an address, the fingerprint or the pre-shared key is malformed
 */
export async function createTransport(options: TransportOptions): Promise<Transport> {
  const { cluster, fingerprint, mdns, log } = options
  const only = typeof mdns === 'object' ? mdns.interface : null
  const tag = serviceTag(cluster, fingerprint)
  const hooks = {
    onSeen: (_peer: PeerInfo, _said: Said): void => undefined,
    missing: () => false,
    isConnected: (_peer: string) => false
  }
  const tally = new Tally(log)
  const handshakes = { begun: 0, underWay: 0 }
  const network = await createNetwork({
    privateKey: options.privateKey,
    psk: options.psk,
    names: protocolNames(cluster),
    listen: listenAddresses(options.listen, only),
    only,
    discovery: components => {
      if (mdns === false) return { start: () => undefined, stop: () => undefined }
      const onSeen = (peer: PeerInfo, said: Said): void => hooks.onSeen(peer, said)
      const missing = (): boolean => hooks.missing()
      const isConnected = (peer: string): boolean => hooks.isConnected(peer)
      const peers = { onSeen, missing, isConnected }
      const prover = new Prover(options.psk)
      const onStranger = (sender: string): void => tally.count('packets', sender)
      const own = { cluster, fingerprint, tag, only, prover, onStranger, log }
      return new Discovery(components, { ...own, ...peers })
    },
    onStranger: host => tally.count('connections', host),
    handshakes,
    log
  })
  const transport = new Libp2pTransport(network, options, tally, handshakes)
  hooks.onSeen = ({ id, multiaddrs }, said) => {
    transport.peerBook.announced(id.toString(), multiaddrs, said)
  }
  hooks.missing = () => transport.peerBook.missing()
  hooks.isConnected = peer => transport.peerBook.connections(peer).length > 0
  return transport
}

class Libp2pTransport implements Transport {
  readonly id: string
  readonly peerBook: Peers
  readonly #network: Network
  readonly #handshakes: Handshakes
  readonly #log: TransportLog
  readonly #names: ProtocolNames
  readonly #counters = newCounters()
  readonly #inbox = new Inbox()
  readonly #streams: DirectStreams
  readonly #gossip: Gossip
  readonly #sync: SyncStreams
  readonly #blobs: BlobStreams
  readonly #output: AnswerStreams<OutputRequest, OutputAnswer>
  readonly #timeline: AnswerStreams<TimelineRequest, TimelineAnswer>
  readonly #tally: Tally
  /** From where each peer was last linked: a refusal counts only there. */
  readonly #lastLinks = new LastLinks()
  readonly #listen: readonly string[]
  #receiver: Receiver | null = null
  #state: 'new' | 'started' | 'stopped' = 'new'
  #toldAddresses = ''
  #addressTimer: NodeJS.Timeout | undefined
  #lastBeat: Readonly<{ message: Message; bytes: Uint8Array }> | null = null

  constructor(network: Network, options: TransportOptions, tally: Tally, handshakes: Handshakes) {
    const { log, cluster, peers, remembered = [], onAddresses = () => undefined } = options
    this.id = network.peerId.toString()
    this.#network = network
    this.#handshakes = handshakes
    this.#log = log
    this.#listen = options.listen
    this.#names = protocolNames(cluster)
    this.#tally = tally
    const onStranger = (sender: string): void => tally.count('announcements', sender)
    this.peerBook = new Peers({ network, peers, remembered, onAddresses, onStranger, log })
    const shared = {
      counters: this.#counters,
      log,
      connections: (peer: string) => this.peerBook.connections(peer)
    }
    this.#streams = new DirectStreams({
      ...shared,
      protocol: this.#names.direct,
      onMessage: (from, bytes) => {
        this.#gossip.heard(from)
        this.#came(from, bytes, any)
      },
      onLink: (peer, up) => this.#deliver(receiver => receiver.link(peer, up))
    })
    this.#gossip = new Gossip({
      ...shared,
      pubsub: network.services.pubsub,
      names: this.#names,
      onMessage: (from, bytes) => this.#came(from, bytes, isGossip),
      isOurs: bytes => this.#isOurs(bytes),
      connected: () => network.getPeers().map(String),
      send: (peer, bytes) => {
        if (this.#streams.isUp(peer)) this.#streams.send(peer, bytes)
      },
      disconnect: peer => this.#disconnect(peer)
    })
    this.#sync = new SyncStreams({
      ...shared,
      protocol: this.#names.sync,
      onMessage: (from, bytes) => {
        if (!this.#arrived(from, bytes)) throw new Error('the answer is malformed')
      },
      onEnded: (peer, whole) => this.#deliver(receiver => receiver.syncEnded(peer, whole)),
      answer: (from, request) => this.#answer(from, request)
    })
    this.#blobs = new BlobStreams({
      ...shared,
      protocol: this.#names.blob,
      read: async hash => (await this.#deliver(receiver => receiver.readBlob(hash))) ?? null
    })
    this.#output = outputStreams(
      { ...shared, protocol: this.#names.output },
      request => this.#deliver(receiver => receiver.answerOutput(request)) ?? []
    )
    this.#timeline = timelineStreams(
      { ...shared, protocol: this.#names.timeline },
      request => this.#deliver(receiver => receiver.answerTimeline(request)) ?? []
    )
  }

  async start(receiver: Receiver): Promise<void> {
    if (this.#state !== 'new') throw new Error('a transport can be started once only')
    this.#state = 'started'
    this.#receiver = receiver
    const network = this.#network
    network.addEventListener('connection:open', event => {
      const peer = event.detail.remotePeer
      this.#lastLinks.opened(event.detail)
      this.peerBook.connected(peer)
      this.#streams.connected(peer.toString())
    })
    network.addEventListener('peer:disconnect', event => {
      const peer = event.detail.toString()
      this.peerBook.disconnected(peer)
      this.#streams.disconnected(peer)
      this.#gossip.disconnected(peer)
    })
    network.addEventListener('self:peer:update', () => this.#tellAddresses())
    await network.handle(this.#names.direct, (stream, from) => this.#streams.accept(stream, from))
    await network.handle(this.#names.sync, (stream, from) => this.#sync.accept(stream, from))
    await network.handle(this.#names.blob, (stream, from) => this.#blobs.accept(stream, from), {
      maxInboundStreams: blobAnswersMax,
      maxOutboundStreams: blobAnswersMax
    })
    await network.handle(this.#names.output, (stream, from) => this.#output.accept(stream, from), {
      maxInboundStreams: outputAnswersMax,
      maxOutboundStreams: outputAnswersMax
    })
    await network.handle(
      this.#names.timeline,
      (stream, from) => this.#timeline.accept(stream, from),
      { maxInboundStreams: timelineAnswersMax, maxOutboundStreams: timelineAnswersMax }
    )
    try {
      await network.start()
    } catch (error) {
      await this.stop()
      throw notListening(this.#listen, reason(error), error)
    }
    this.#gossip.start()
    this.#tellAddresses()
    // libp2p knows its addresses when it is asked, and tells nobody that they have changed.
    this.#addressTimer = setInterval(() => this.#tellAddresses(), addressLookMs).unref()
    this.peerBook.start()
  }

  send(to: string, message: Message): void {
    if (this.#state !== 'started') return
    const bytes = this.#encoded(message)
    if (bytes.length <= FRAME_BYTES_MAX) {
      this.#streams.send(to, bytes, PROMPT_KINDS.has(message.kind))
      return
    }
    this.#counters.dropped++
    this.#log.warn(
      { peer: to, kind: message.kind, bytes: bytes.length },
      `a message exceeds ${FRAME_BYTES_MAX} bytes and was not sent`
    )
  }

  /** A heartbeat goes to several peers, one after the other, and is written once. */
  #encoded(message: Message): Uint8Array {
    if (message.kind !== 'heartbeat') return encode(message)
    if (this.#lastBeat?.message !== message) this.#lastBeat = { message, bytes: encode(message) }
    return this.#lastBeat.bytes
  }

  publish(message: Message, isFullMesh: boolean = false): void {
    if (this.#state !== 'started') return
    const { heartbeatTopic, logTopic } = this.#names
    const bytes = encode(message)
    const isSmall = bytes.length <= GOSSIP_BYTES_MAX
    if (isFullMesh && isSmall && this.#streams.sendAll(bytes, PROMPT_KINDS.has(message.kind)))
      return
    if (message.kind !== 'heartbeat') return this.#gossip.publish(logTopic, bytes)
    this.#gossip.publish(heartbeatTopic, bytes)
    // Behind gossip that has not been taken it would come too late.
    for (const peer of this.#gossip.backlogged()) {
      if (this.#streams.isUp(peer)) this.send(peer, message)
    }
  }

  sync(peer: string, request: SyncRequest): void {
    if (this.#state === 'started') this.#sync.ask(peer, encode(request))
  }

  async fetchBlob(peer: string, ref: BlobRef, keep: KeepBlob): Promise<boolean> {
    return this.#state === 'started' && this.#blobs.fetch(peer, ref, keep)
  }

  askOutput(
    peer: string,
    request: OutputRequest,
    signal: AbortSignal
  ): AsyncIterable<OutputAnswer> {
    return this.#output.ask(peer, request, signal)
  }

  askTimeline(
    peer: string,
    request: TimelineRequest,
    signal: AbortSignal
  ): AsyncIterable<TimelineAnswer> {
    return this.#timeline.ask(peer, request, signal)
  }

  probe(peer: string, addresses: readonly string[]): Promise<boolean> {
    const isConfirmed = (address: Multiaddr): boolean => this.#lastLinks.confirms(peer, address)
    return isDeserted(peer, addresses, this.#network, isConfirmed)
  }

  meets(addresses: readonly string[]): Promise<boolean> {
    return meetsDouble(addresses, this.#network, this.#handshakes)
  }

  peers(): readonly PeerView[] {
    return this.peerBook.all().map(peer => ({ ...peer, connected: this.#streams.isUp(peer.id) }))
  }

  unanswered(): readonly UnansweredPeer[] {
    return this.peerBook.unanswered()
  }

  counters(): NetCounters {
    return { ...this.#counters }
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    clearInterval(this.#addressTimer)
    this.peerBook.stop()
    this.#tally.stop()
    this.#blobs.stop()
    this.#output.stop()
    this.#timeline.stop()
    await this.#sync.stop()
    this.#receiver = null
    this.#inbox.clear()
    await Promise.all([this.#gossip.stop(), this.#streams.stop(flushTimeoutMs)])
    // libp2p waits for its streams to end, and a peer that hangs never ends one.
    const impatience = setTimeout(() => {
      for (const connection of this.#network.getConnections()) {
        connection.abort(new Error('this node stops'))
      }
    }, stopTimeoutMs)
    await stopWhole(this.#network)
    clearTimeout(impatience)
  }

  #came(from: string, bytes: Uint8Array, may: (kind: string) => boolean): void {
    const isPrompt = PROMPT_KINDS.has(kindOf(bytes) ?? '')
    this.#inbox.came(bytes, isPrompt, () => this.#arrived(from, bytes, may))
  }

  /** Whether the bytes were a message that may come by this road. */
  #arrived(from: string, bytes: Uint8Array, may: (kind: string) => boolean = any): boolean {
    const decoded = decode(bytes)
    if (!decoded.ok || !may(decoded.message.kind)) {
      this.#counters.refused++
      const why = decoded.ok ? `a ${decoded.message.kind} is no gossip` : decoded.why
      this.#log.debug({ peer: from, why }, 'refused a malformed message')
      return false
    }
    const { message, unreadable = [] } = decoded
    for (const why of unreadable) this.#log.debug({ peer: from, why }, 'cannot read a record')
    // What a later version says to its like.
    if (message.kind === 'other') return true
    const said = message.kind === 'introduction' ? message.heartbeat : message
    if (said.kind === 'heartbeat') this.peerBook.learned(nodeOf(said.boot), said.addresses)
    this.#deliver(receiver => receiver.message(from, message))
    return true
  }

  /** Whether another peer has published this in our name. */
  #isOurs(bytes: Uint8Array): boolean {
    const decoded = decode(bytes)
    if (!decoded.ok || decoded.message.kind !== 'heartbeat') return false
    return nodeOf(decoded.message.boot) === this.id
  }

  *#answer(from: string, bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    const decoded = decode(bytes)
    if (!decoded.ok || decoded.message.kind !== 'sync') {
      this.#counters.refused++
      throw new Error(decoded.ok ? 'this is no sync request' : decoded.why)
    }
    const { message } = decoded
    for (const batch of this.#deliver(receiver => receiver.answerSync(from, message)) ?? []) {
      const answer = encode(batch)
      if (answer.length > FRAME_BYTES_MAX) throw new Error(`${answer.length} bytes are too many`)
      yield answer
    }
  }

  /**
   * A receiver that throws is a broken invariant of this node. That must not be taken for a fault of the stream that
   * happened to carry the message, so it surfaces as what it is: an uncaught exception.
   */
  #deliver<Result>(call: (receiver: Receiver) => Result): Result | undefined {
    if (this.#receiver === null) return undefined
    try {
      return call(this.#receiver)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
      return undefined
    }
  }

  #tellAddresses(): void {
    const addresses = this.#network.getMultiaddrs().map(String)
    if (addresses.join() === this.#toldAddresses) return
    this.#toldAddresses = addresses.join()
    this.#deliver(receiver => receiver.addresses(addresses))
  }

  #disconnect(peer: string): void {
    for (const connection of this.peerBook.connections(peer)) {
      connection.abort(new Error('gossip with this peer has died'))
    }
  }
}

/**
 * Whether a kind counts as gossip. What goes straight to one peer is its sender's own word, so it does not count where
 * any peer can pass it on. What a later version gossips may be anything.
 */
function isGossip(kind: string): boolean {
  return ['heartbeat', 'batch', 'counts', 'other'].includes(kind)
}

function any(): boolean {
  return true
}

/** What libp2p says of it names the code in the midst of advice for its own settings. */
function notListening(addresses: readonly string[], why: string, cause: unknown): Error {
  const where = addresses.join(', ')
  const code = /\blisten (E[A-Z]+)/.exec(why)?.[1]
  if (code === undefined) return new Error(`cannot listen on ${where}: ${why}`, { cause })
  return new InvalidOptionError(
    `listen cannot be ${where}: listening there fails (${code}): choose a free port, and an address of this computer`
  )
}
