/**
 * Finding other nodes on the LAN by mDNS: ask who is there, tell whoever asks, pass on every answer.
 *
 * The asking and answering is @libp2p/mdns's. It differs from its normal use in two ways. It is not registered with
 * libp2p as a discovery, because libp2p would report a peer only the first time it hears of it (so nobody would ever be
 * found again), and would put whatever strangers announce into a store without a bound. And it is given a socket of
 * ours: the module makes its own on all interfaces and cannot be told otherwise, while multicast-dns beneath it can.
 */
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns'
import type { PeerInfo, Startable, TypedEventTarget } from '@libp2p/interface'
import multicastDNS, {
  type MulticastDNS,
  type QueryPacket,
  type ResponsePacket
} from 'multicast-dns'
import { reason, type TransportLog } from './log.ts'
import { askOftenMs, askRarelyMs, isNamesake, servicesTag, youngMs } from './protocol.ts'

/** What @libp2p/mdns says of its own answers. */
const answerSeconds = 120

export type DiscoveryComponents = MulticastDNSComponents

export type DiscoveryOptions = Readonly<{
  cluster: string
  fingerprint: string
  /** The service that is asked for. */
  tag: string
  /** Address of the only interface to use, or null for all. */
  only: string | null
  /** Called for every answer, also of peers known for long. */
  onSeen: (peer: PeerInfo) => void
  /** Whether somebody known has gone away lately, so that asking often is worth its price. */
  missing: () => boolean
  log: TransportLog
}>

/**
 * What the module's object offers beside its declared type; the handlers are bound to it. It makes no socket at `start`
 * if it has one.
 */
type Module = Startable &
  TypedEventTarget<{ peer: CustomEvent<PeerInfo> }> & {
    mdns?: MulticastDNS
    _onMdnsQuery: (packet: QueryPacket) => void
    _onMdnsResponse: (packet: ResponsePacket) => void
  }

/** A libp2p service: it starts and stops with the node. */
export class Discovery implements Startable {
  readonly #options: DiscoveryOptions
  readonly #module: Module
  #timer: NodeJS.Timeout | undefined
  #startedAt = 0
  #askedAt = 0
  /** Until it is asked again, at most; and how much of that it is this time. */
  #pauseMs = askOftenMs
  #share = 1
  #warned = new Set<'namesake' | 'unusable'>()

  constructor(components: DiscoveryComponents, options: DiscoveryOptions) {
    this.#options = options
    this.#module = mdns({ serviceTag: options.tag })(components) as unknown as Module
    this.#module.addEventListener('peer', event => options.onSeen(event.detail))
  }

  async start(): Promise<void> {
    const module = this.#module
    const { only } = this.#options
    // Bound to the wildcard either way: a socket bound to one address gets no multicast.
    const socket = multicastDNS(only === null ? {} : { interface: only, bind: '0.0.0.0' })
    const { _onMdnsQuery: answer, _onMdnsResponse: hear } = module
    socket.on('query', answer)
    socket.on('response', hear)
    socket.on('warning', error => this.#warnOnce('unusable', error))
    socket.on('error', error => this.#warnOnce('unusable', error))
    socket.on('query', ({ questions = [] }) => {
      this.#lookForNamesakes(questions)
      this.#tellService(socket, questions)
    })
    module.mdns = socket
    await module.start?.()
    this.#startedAt = performance.now()
    this.#ask(socket)
    this.#timer = setInterval(() => this.#maybeAsk(socket), askOftenMs).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#module.stop?.()
  }

  #maybeAsk(socket: MulticastDNS): void {
    const now = performance.now()
    const isEager = now - this.#startedAt < youngMs || this.#options.missing()
    if (isEager) this.#pauseMs = askOftenMs
    if (!isEager && now - this.#askedAt < this.#pauseMs * this.#share) return
    this.#pauseMs = Math.min(2 * this.#pauseMs, askRarelyMs)
    this.#ask(socket)
  }

  #ask(socket: MulticastDNS): void {
    this.#askedAt = performance.now()
    // Nodes that were started together would ask together, and be silent together.
    this.#share = 0.5 + Math.random() / 2
    socket.query([{ name: this.#options.tag, type: 'PTR' }], error => {
      if (error) this.#warnOnce('unusable', error)
    })
  }

  /** Whoever does not know our tag may still ask what there is: somebody with another key, looking for the reason. */
  #tellService(socket: MulticastDNS, asked: readonly { name: string }[]): void {
    if (!asked.some(({ name }) => name === servicesTag)) return
    socket.respond([
      { name: servicesTag, type: 'PTR', ttl: answerSeconds, data: this.#options.tag }
    ])
  }

  /** Whoever asks for our cluster's name with another key's fingerprint would otherwise wonder why nobody answers. */
  #lookForNamesakes(asked: readonly { name: string }[]): void {
    const { cluster, fingerprint, log } = this.#options
    if (this.#warned.has('namesake')) return
    if (!asked.some(question => isNamesake(question.name, cluster, fingerprint))) return
    this.#warned.add('namesake')
    log.warn(
      { cluster },
      `another cluster on this network is called "${cluster}" too, with another key; ` +
        'if its nodes belong to this one, give all of them the same key'
    )
  }

  #warnOnce(what: 'unusable', error: Error): void {
    this.#options.log.debug({ error: reason(error) }, 'mDNS trouble')
    if (this.#warned.has(what)) return
    this.#warned.add(what)
    this.#options.log.warn(
      { error: reason(error) },
      'mDNS does not work on a network interface; nodes may have to be given to each other as peers'
    )
  }
}
