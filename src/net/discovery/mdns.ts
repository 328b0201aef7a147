/**
 * Finding other nodes on the LAN by mDNS: ask who is there, answer those that ask, pass on every answer.
 *
 * The asking and answering is @libp2p/mdns's. It differs from its normal use in two ways. It is not registered with
 * libp2p as a discovery, because libp2p would report a peer only the first time it hears of it (so none would ever be
 * found again), and would put whatever strangers announce into a store without a bound. And it is given a socket of
 * ours: the module makes its own on all interfaces and cannot be told otherwise, while multicast-dns beneath it can.
 *
 * A node that asks names those that it has (RFC 6762, 7.1): they need not answer. Among nodes that are all connected a
 * question is one packet then, instead of one and an answer of every node that all hear.
 *
 * A stranger can say as much as it likes: how much of it is looked at has a bound (multicast.ts), how often it is
 * answered has one, and an announcement that does not prove that its node has the key (proof.ts) is passed on as the
 * hearsay that it is, a few a second.
 */
import { randomBytes } from 'node:crypto'
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns'
import type { Libp2pEvents, PeerInfo, Startable, TypedEventTarget } from '@libp2p/interface'
import type { MulticastDNS, QueryPacket, ResponsePacket } from 'multicast-dns'
import { reason, type TransportLog } from '../log.ts'
import { openMulticast } from './multicast.ts'
import type { Prover } from './proof.ts'
import {
  announcedTextsMax,
  askOftenMs,
  askRarelyMs,
  clusterOfTag,
  hearsayPerSecond,
  hearsayPerSenderAndSecond,
  isNamesake,
  namedMax,
  peersMax,
  repliesPerSecond,
  servicesTag,
  youngMs
} from '../protocol.ts'
import { Shares } from '../shares.ts'

/** What @libp2p/mdns says of its own answers. */
const answerSeconds = 120
/** Clusters of other names that the log tells of: anybody can make up more. */
const othersNamedMax = 8

export type DiscoveryComponents = MulticastDNSComponents & {
  events: TypedEventTarget<Libp2pEvents>
}

/** The sender that has announced a peer, and whether the announcement proves that the peer has the key. */
export type Said = Readonly<{ sender: string; proven: boolean }>

export type DiscoveryOptions = Readonly<{
  cluster: string
  fingerprint: string
  /** The service that is asked for. */
  tag: string
  /** Address of the only interface to use, or null for all. */
  only: string | null
  prover: Prover
  /** Called for every answer, also of peers known for long. */
  onSeen: (peer: PeerInfo, said: Said) => void
  /** Called with the sender of whatever was not worth looking at. */
  onStranger: (sender: string) => void
  /** Whether a known peer has gone away lately, so that asking often is worth its price. */
  missing: () => boolean
  /** Whether there is a connection to a peer: it need not answer. */
  isConnected: (peer: string) => boolean
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

type Answers = NonNullable<ResponsePacket['answers']>

/** A libp2p service: it starts and stops with the node. */
export class Discovery implements Startable {
  readonly #options: DiscoveryOptions
  readonly #module: Module
  /** Under which this process answers. */
  readonly #ownName: string
  /** Peer -> the name under which it answers. */
  readonly #names = new Map<string, string>()
  /** What is being heard right now. */
  #hearing: (Said & { name: string | null }) | null = null
  readonly #hearsay = new Shares({
    perSecond: hearsayPerSecond,
    perSourceAndSecond: hearsayPerSenderAndSecond
  })
  /** Bound on answers about ourselves, and about which services there are. */
  readonly #replies = new Shares({
    perSecond: 2 * repliesPerSecond,
    perSourceAndSecond: repliesPerSecond
  })
  #owed: NodeJS.Timeout | undefined
  #socket: MulticastDNS | null = null
  #timer: NodeJS.Timeout | undefined
  #lookAt = 0
  #startedAt = 0
  #askedAt = 0
  /** Until it is asked again, at most; and how much of that it is this time. */
  #pauseMs = askOftenMs
  #share = 1
  #warned = new Set<'namesake' | 'unusable'>()
  /** Clusters of other names that were told of. */
  readonly #others = new Set<string>()

  constructor(components: DiscoveryComponents, options: DiscoveryOptions) {
    this.#options = options
    const peerName = randomBytes(8).toString('hex')
    this.#ownName = `${peerName}.${options.tag}`
    this.#module = mdns({ serviceTag: options.tag, peerName })(components) as unknown as Module
    // By then it is known whether it is missed.
    components.events.addEventListener('peer:disconnect', () => {
      if (this.#socket === null) return
      if (this.#lookAt > performance.now() + askOftenMs) this.#lookAgain(askOftenMs)
    })
    this.#module.addEventListener('peer', event => {
      if (this.#hearing === null) return
      const { sender, proven, name } = this.#hearing
      if (proven && name !== null) this.#noteName(event.detail.id.toString(), name)
      options.onSeen(event.detail, { sender, proven })
    })
  }

  async start(): Promise<void> {
    const module = this.#module
    const { only, onStranger } = this.#options
    const onTrouble = (error: Error): void => this.#warnOnce('unusable', error)
    const socket = openMulticast({ only, onStranger, onTrouble })
    socket.on('query', packet => {
      const { questions = [] } = packet
      if (questions[0]?.name === this.#options.tag && !this.#isNamed(packet)) this.#reply(packet)
      this.#lookForNamesakes(questions)
      this.#lookForOthers(questions)
      this.#tellService(socket, questions)
    })
    socket.on('response', (packet, { address }) => this.#hear(packet, address))
    // All that the module asks of it: it answers with nothing but its own words.
    module.mdns = Object.assign(Object.create(socket) as MulticastDNS, {
      respond: (answers: Answers) => socket.respond(this.#proven(answers))
    })
    await module.start?.()
    this.#startedAt = performance.now()
    this.#socket = socket
    this.#ask(socket)
    this.#lookAgain(askOftenMs)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    clearTimeout(this.#owed)
    this.#socket = null
    await this.#module.stop?.()
  }

  /** Asks, if it is time. */
  #look(): void {
    if (this.#socket === null) return
    const now = performance.now()
    const isEager = now - this.#startedAt < youngMs || this.#options.missing()
    if (isEager) this.#pauseMs = askOftenMs
    const dueMs = isEager ? askOftenMs : this.#pauseMs * this.#share
    const waitMs = this.#askedAt + dueMs - now
    if (waitMs > 0) return this.#lookAgain(waitMs)
    this.#pauseMs = Math.min(2 * this.#pauseMs, askRarelyMs)
    this.#ask(this.#socket)
    this.#lookAgain(isEager ? askOftenMs : this.#pauseMs * this.#share)
  }

  #lookAgain(afterMs: number): void {
    clearTimeout(this.#timer)
    this.#lookAt = performance.now() + afterMs
    this.#timer = setTimeout(() => this.#look(), afterMs).unref()
  }

  #ask(socket: MulticastDNS): void {
    const { tag, isConnected } = this.#options
    this.#askedAt = performance.now()
    // Nodes that were started together would ask together, and be silent together.
    this.#share = 0.5 + Math.random() / 2
    const names = [...this.#names].filter(([peer]) => isConnected(peer)).map(([, name]) => name)
    // We hear ourselves, too.
    const answers = [this.#ownName, ...names.slice(0, namedMax)].map(data => ({
      name: tag,
      type: 'PTR' as const,
      ttl: answerSeconds,
      data
    }))
    socket.query({ questions: [{ name: tag, type: 'PTR' }], answers }, error => {
      if (error) this.#warnOnce('unusable', error)
    })
  }

  /** Answers a question; where that has been done often of late, in a while, and then all questions at once. */
  #reply(packet: QueryPacket): void {
    const { _onMdnsQuery: answer } = this.#module
    if (this.#replies.take('answers', performance.now())) return answer(packet)
    this.#owed ??= setTimeout(() => {
      this.#owed = undefined
      if (this.#socket !== null) answer(packet)
    }, 1000 / repliesPerSecond).unref()
  }

  /** What we announce, with the proof that it is ours. */
  #proven(answers: Answers): Answers {
    const texts = textsIn(answers)
    if (texts.length === 0) return answers
    const { tag, prover } = this.#options
    const data = prover.textFor(texts)
    const proof = { name: this.#ownName, type: 'TXT' as const, ttl: answerSeconds, data }
    return answers.some(({ name }) => name === tag) ? [...answers, proof] : answers
  }

  #hear(packet: ResponsePacket, sender: string): void {
    const [name = null] = this.#namesIn(packet)
    if (name === null || name === this.#ownName) return
    const texts = textsIn([...(packet.answers ?? []), ...(packet.additionals ?? [])])
    const proven = texts.length <= announcedTextsMax && this.#options.prover.isProven(texts)
    const isWorthIt =
      proven || (texts.length <= announcedTextsMax && this.#hearsay.take(sender, performance.now()))
    if (!isWorthIt) return this.#options.onStranger(sender)
    const { _onMdnsResponse: hear } = this.#module
    this.#hearing = { sender, proven, name }
    hear(packet)
    this.#hearing = null
  }

  #noteName(peer: string, name: string): void {
    // Of nodes that have the key, and still: they come and go for as long as this one runs.
    if (this.#names.size >= peersMax) this.#names.clear()
    this.#names.set(peer, name)
  }

  /** Whether a question says that the node that asks has us. */
  #isNamed(packet: QueryPacket): boolean {
    return this.#namesIn(packet).includes(this.#ownName)
  }

  /** Under which names nodes of our cluster answer, according to a packet. */
  #namesIn({ answers = [] }: QueryPacket | ResponsePacket): string[] {
    const { tag } = this.#options
    return answers.flatMap(each => (each.type === 'PTR' && each.name === tag ? each.data : []))
  }

  /** Nodes that do not know our tag may still ask what there is: one with another key, looking for the reason. */
  #tellService(socket: MulticastDNS, asked: readonly { name: string }[]): void {
    if (!asked.some(({ name }) => name === servicesTag)) return
    if (!this.#replies.take('services', performance.now())) return
    socket.respond([
      { name: servicesTag, type: 'PTR', ttl: answerSeconds, data: this.#options.tag }
    ])
  }

  /** A node that asks for our cluster's name with another key's fingerprint would otherwise wonder why none answers. */
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

  /** Who has forgotten a flag or a key is in a cluster of its own, and would wonder where the others are. */
  #lookForOthers(asked: readonly { name: string }[]): void {
    const { cluster, log } = this.#options
    for (const { name } of asked) {
      const other = clusterOfTag(name)?.cluster
      if (other === undefined || other === cluster || this.#others.has(other)) continue
      if (this.#others.size >= othersNamedMax) return
      this.#others.add(other)
      log.info(
        { cluster, other },
        `a cluster called "${other}" is heard on this network, too; ` +
          `if its nodes belong to "${cluster}", start all with the same name and the same key`
      )
    }
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

/** What is said in the texts of an announcement. */
function textsIn(answers: Answers): string[] {
  return answers.flatMap(answer => (answer.type === 'TXT' ? [answer.data].flat().map(String) : []))
}
