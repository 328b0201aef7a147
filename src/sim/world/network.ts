/**
 * A network made of dice: messages are lost, late, repeated and overtake each other.
 *
 * Every message is encoded and decoded on its way, so a codec that loses or changes anything is found by whatever
 * breaks. What libp2p promises is kept: a direct stream delivers in order or breaks, and both ends hear of the break.
 */
import type { NodeId } from '../../core/base/ids.ts'
import { hash32, nodeOf } from '../../core/base/ids.ts'
import { PROMPT_KINDS, type Message, type SyncRequest } from '../../core/message.ts'
import type { BlobHash } from '../../core/task/content.ts'
import type { Receiver as RealReceiver } from '../../ports/ports.ts'
import { decode, encode } from '../../wire/codec.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../core/options.ts'
import type { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'

/** What the simulated network does to messages and links. Shares are from 0 to 1, times in ms. */
export type NetworkOptions = Readonly<{
  /** Share of gossip messages that are lost, from 0 to 1. */
  gossipLoss: number
  gossipRepeat: number
  /** How often a direct message breaks its link, from 0 to 1. */
  linkBreak: number
  /** How often a sync breaks off before its next batch, from 0 to 1. */
  syncBreak: number
  delayMsMin: number
  delayMsMax: number
  /** How long two ends may take a cut cable for a slow one. */
  cutNoticedMsMax: number
  /**
   * Whether a node that appears is found by one other at once, and by the rest when they are told of it or after a
   * while.
   */
  foundByOne: boolean
  /** Each link has an additional delay of its own, up to this. */
  linkDelayMsMax: number
  /**
   * Whether what says that a node is there overtakes the rest on its link, as it does where that waits (net/inbox.ts).
   */
  overtaking: boolean
}>

/** Whether a node has a blob is all that matters of it. */
export type Receiver = Omit<RealReceiver, 'readBlob' | 'answerOutput' | 'answerTimeline'> &
  Readonly<{ hasBlob(hash: BlobHash): boolean }>

/** A process: the id of its node; or, if that is used by two of them, something that begins with it. */
export type Seat = string

/** How a message came: over the link of its sender, by gossip to everybody, or as part of an answer that was asked for. */
export type Way = 'straight' | 'to all' | 'fetched'

/** Sees what arrives. */
export interface NetworkObserver {
  /**
   * Before the receiver hears it.
   *
   * @param message as its sender made it, not as it was decoded
   * @param bytes what the codec makes of it: without frames, encryption, and the envelope of gossip
   */
  delivered(from: Seat, to: Seat, message: Message, bytes: number, way: Way): void
}

type Sent = Readonly<{ message: Message; bytes: Uint8Array; way: Way }>

/** About what libp2p needs to notice and dial again. */
const RECONNECT_MS = 100
/** Time after which a node that is told of no other has been found. */
const FIND_MS = 3000

export class Network {
  readonly #eventQueue: EventQueue
  readonly #random: Random
  readonly #options: NetworkOptions
  readonly #receivers = new Map<Seat, Receiver>()
  /** "x y" with x < y. */
  readonly #links = new Set<string>()
  /** Who catches up -> for each of its syncs under way, what breaks it off there. */
  readonly #syncs = new Map<Seat, Set<() => void>>()
  /** When the last message from x to y arrives: the next one does not overtake it. */
  readonly #arrivals = new Map<string, number>()
  /** "x y": nothing passes from x to y, whatever the other way. */
  readonly #blocked = new Set<string>()
  /** Computers without power: where they were, nothing answers. */
  readonly #dark = new Set<Seat>()
  /** Nodes that are cut off from the others; none if the network is whole. */
  #island: ReadonlySet<Seat> = new Set()
  /** Identity -> where it ever was, if it was used by two processes. */
  readonly #twins = new Map<NodeId, Set<Seat>>()
  readonly #observer: NetworkObserver | null
  /** 1 while faults happen, 0 once the network has calmed down. */
  #faults = 1

  /** @param observer null: nobody looks */
  constructor(
    eventQueue: EventQueue,
    random: Random,
    options: NetworkOptions,
    observer: NetworkObserver | null = null
  ) {
    this.#eventQueue = eventQueue
    this.#random = random
    this.#options = options
    this.#observer = observer
  }

  /** A node appears and is linked to all others, at once or when it has become known to them. */
  join(node: Seat, receiver: Receiver): void {
    this.#receivers.set(node, receiver)
    if (idOf(node) !== node) {
      const seats = this.#twins.get(idOf(node)) ?? new Set([idOf(node)])
      this.#twins.set(idOf(node), seats.add(node))
    }
    for (const other of this.#receivers.keys()) {
      // Links of an earlier boot that nobody has seen closing yet.
      if (this.#links.delete(pair(node, other))) this.#receivers.get(other)?.link(idOf(node), false)
    }
    const others = [...this.#receivers.keys()].filter(other => idOf(other) !== idOf(node))
    const finders =
      this.#options.foundByOne && others.length > 0 ? [this.#random.pick(others)] : others
    for (const other of finders) this.#connectSoon(node, other)
    if (finders === others) return
    for (const other of others) this.#eventQueue.after(FIND_MS, () => this.#connect(node, other))
  }

  /** A node has ended on purpose. What it has sent arrives; then the others see their links close. */
  leave(node: Seat): void {
    this.#close(node, other => {
      const behind = this.#arrivals.get(`${node} ${other}`) ?? 0
      return Math.max(this.#delay(), behind - this.#eventQueue.now)
    })
  }

  /** A node has ended. What it sent last may still arrive; then the others see their links close. */
  end(node: Seat): void {
    this.#close(node, () => (this.#dark.has(node) ? this.#noticing() : this.#delay()))
  }

  #close(node: Seat, afterMs: (other: Seat) => number): void {
    const syncs = this.#syncs.get(node)
    for (const end of syncs ?? []) end()
    syncs?.clear()
    this.#receivers.delete(node)
    for (const other of this.#receivers.keys()) {
      if (!this.#links.has(pair(node, other))) continue
      const ms = afterMs(other)
      this.#eventQueue.after(ms, () => {
        // It may have come back meanwhile, on links of its own.
        if (this.#receivers.has(node) || !this.#links.delete(pair(node, other))) return
        this.#receivers.get(other)?.link(idOf(node), false)
      })
    }
  }

  /** The computer of a node has lost power: no word tells of it, and nothing answers there any more. */
  losePower(node: Seat): void {
    this.#dark.add(node)
    this.end(node)
  }

  /** Whether anybody answers where a boot used to be. Through a cut cable nothing is refused. */
  probe(
    from: NodeId,
    to: NodeId,
    isAlive: () => boolean,
    answer: (refused: boolean) => void
  ): void {
    this.#eventQueue.after(this.#delay(), () => {
      const isHeard = !this.isCut(from, to) && !this.#dark.has(to)
      if (this.#receivers.has(from)) answer(isHeard && !isAlive())
    })
  }

  /** From now on nothing passes between these nodes and the others. Sooner or later their links close. */
  cut(island: ReadonlySet<Seat>): void {
    this.heal()
    this.#island = island
    for (const [x, y] of this.#crossing()) {
      this.#breakInTime(x, y)
    }
  }

  /** From now on nothing passes from one node to another. Sooner or later their link closes. */
  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(`${from} ${to}`)
    this.#breakInTime(from, to)
  }

  /** Messages pass again. What was lost on a link that no node has seen closing breaks it. */
  unblock(from: NodeId, to: NodeId): void {
    if (!this.#blocked.delete(`${from} ${to}`)) return
    if (this.#links.has(pair(from, to))) this.#breakLink(from, to)
    else this.#connectSoon(from, to)
  }

  /** Whether two nodes cannot talk: nothing passes between them, or one way only. */
  isCut(x: NodeId, y: NodeId): boolean {
    return !this.#passes(x, y) || !this.#passes(y, x)
  }

  /** Whether any two nodes could talk, also those that are down or still to come. */
  get isWhole(): boolean {
    return this.#island.size + this.#blocked.size === 0
  }

  #passes(from: NodeId, to: NodeId): boolean {
    if (this.#blocked.has(`${from} ${to}`)) return false
    return this.#island.has(from) === this.#island.has(to)
  }

  /** Everybody can reach everybody again. */
  heal(): void {
    // What was on its way is lost, so a stream that nobody has seen breaking must not go on.
    for (const [x, y] of this.#crossing()) this.#breakLink(x, y)
    this.#island = new Set()
    this.#blocked.clear()
    const nodes = [...this.#receivers.keys()]
    for (const x of nodes) {
      for (const y of nodes) {
        if (x < y) this.#eventQueue.after(RECONNECT_MS + this.#delay(), () => this.#connect(x, y))
      }
    }
  }

  /** From now on everything arrives, in time. */
  calm(): void {
    this.#faults = 0
  }

  send(from: Seat, node: NodeId, message: Message): void {
    const to = this.#linkedSeat(from, node)
    if (to === undefined) return
    if (this.#random.chance(this.#options.linkBreak * this.#faults))
      return this.#breakLink(from, to)
    const sent: Sent = { message, bytes: framed(message), way: 'straight' }
    const at = this.#arrival(from, to, PROMPT_KINDS.has(message.kind))
    this.#eventQueue.after(at - this.#eventQueue.now, () => {
      if (this.#links.has(pair(from, to))) this.#deliver(from, to, sent)
    })
  }

  /** When a direct message comes: behind all others on its way, or behind those that nothing overtakes. */
  #arrival(from: Seat, to: Seat, isPrompt: boolean): number {
    const way = `${from} ${to}`
    const prompt = `${way} first`
    const overtakes = isPrompt && this.#options.overtaking
    const behind = this.#arrivals.get(overtakes ? prompt : way) ?? 0
    const at = Math.max(this.#eventQueue.now + this.#delay(from, to), behind)
    if (overtakes) this.#arrivals.set(prompt, at)
    this.#arrivals.set(way, Math.max(at, this.#arrivals.get(way) ?? 0))
    return at
  }

  /** @param isFullMesh whether the author believes that nobody needs to hand it on */
  publish(from: Seat, message: Message, isFullMesh = false): void {
    const bytes = encode(message)
    if (bytes.length > GOSSIP_BYTES_MAX) {
      throw new Error(`a gossip message of ${bytes.length} bytes was published`)
    }
    const sent: Sent = { message, bytes, way: 'to all' }
    for (const to of this.#receivers.keys()) {
      if (to === from || !this.#links.has(pair(from, to))) continue
      const copies = this.#random.chance(this.#options.gossipRepeat * this.#faults) ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        if (this.#random.chance(this.#options.gossipLoss * this.#faults)) continue
        this.#eventQueue.after(this.#delay(from, to), () => this.#deliver(from, to, sent))
      }
    }
    if (!isFullMesh && (this.#blocked.size > 0 || this.#twins.size > 0)) this.#passOn(from, sent)
  }

  /** A node that the author cannot reach has its gossip from one that can reach both. */
  #passOn(from: Seat, sent: Sent): void {
    const nodes = [...this.#receivers.keys()]
    for (const to of nodes) {
      if (idOf(to) === idOf(from) || !(this.isCut(from, to) || this.#isTaken(from, to))) continue
      const between = nodes.find(via => this.#isOpen(from, via) && this.#isOpen(via, to))
      if (between === undefined || this.#random.chance(this.#options.gossipLoss)) continue
      const ms = this.#delay(from, between) + this.#delay(between, to)
      this.#eventQueue.after(ms, () => this.#deliver(between, to, sent))
    }
  }

  /** Whether another process of the same identity has the link to a node. */
  #isTaken(from: Seat, to: Seat): boolean {
    return this.#duplicates(from, to).length > 0
  }

  #isOpen(x: Seat, y: Seat): boolean {
    return this.#links.has(pair(x, y)) && !this.isCut(x, y)
  }

  /** The peer answers batch by batch; each is asked for when the one before has arrived. */
  sync(from: Seat, node: NodeId, request: SyncRequest): void {
    const receiver = this.#receivers.get(from)
    const open = this.#syncs.get(from) ?? new Set()
    const broken = (): void => receiver?.syncEnded(node, false)
    this.#syncs.set(from, open.add(broken))
    const end = (whole: boolean): void => {
      this.#eventQueue.after(this.#delay(), () => {
        // It ended with the process that asked.
        if (open.delete(broken)) receiver?.syncEnded(node, whole)
      })
    }
    const question = framed(request)
    const asked = decode(question)
    if (!asked.ok) throw new Error(`a sync request was refused: ${asked.why}`)
    let answer: Iterator<Message> | null = null
    let peer: Seat = node
    const next = (): void => {
      if (!open.has(broken)) return void answer?.return?.()
      const isBroken = this.#random.chance(this.#options.syncBreak * this.#faults)
      if (answer === null) peer = this.#linkedSeat(from, node) ?? node
      const answerer = this.#receivers.get(peer)
      if (
        isBroken ||
        this.#isBlocked(from, peer) ||
        answerer === undefined ||
        !this.#links.has(pair(from, peer))
      ) {
        answer?.return?.()
        return end(false)
      }
      if (answer === null) {
        this.#observer?.delivered(from, peer, request, question.length, 'straight')
        answer = iterate(answerer.answerSync(idOf(from), asked.message as SyncRequest))
      }
      const step = answer.next()
      if (step.done === true) return end(true)
      const sent: Sent = { message: step.value, bytes: framed(step.value), way: 'fetched' }
      this.#eventQueue.after(this.#delay(peer, from), () => {
        if (open.has(broken)) this.#deliver(peer, from, sent)
        next()
      })
    }
    this.#eventQueue.after(this.#delay(), next)
  }

  /** Asks one node after the other for a blob. */
  fetchBlob(
    from: Seat,
    peers: readonly NodeId[],
    hash: BlobHash,
    answer: (has: boolean) => void
  ): void {
    const [node, ...others] = peers
    if (node === undefined) return this.#eventQueue.after(this.#delay(), () => answer(false))
    this.#eventQueue.after(2 * this.#delay(), () => {
      const broken = this.#random.chance(this.#options.syncBreak * this.#faults)
      const peer = this.#linkedSeat(from, node)
      const isLinked = peer !== undefined && !this.#isBlocked(from, peer)
      const has = isLinked && this.#receivers.get(peer)?.hasBlob(hash)
      if (has === true && !broken) answer(true)
      else this.fetchBlob(from, others, hash, answer)
    })
  }

  #deliver(from: Seat, to: Seat, sent: Sent): void {
    if (!this.#passes(from, to)) return
    const decoded = decode(sent.bytes)
    if (!decoded.ok) throw new Error(`a message from ${idOf(from)} was refused: ${decoded.why}`)
    const { message, unreadable } = decoded
    if (unreadable !== undefined) throw new Error(`from ${from}: ${unreadable.join()}`)
    if (message.kind === 'other') return
    this.#observer?.delivered(from, to, sent.message, sent.bytes.length, sent.way)
    // A node that is told where another is goes there.
    if (message.kind === 'introduction') this.#connectAll(to, nodeOf(message.heartbeat.boot))
    this.#receivers.get(to)?.message(idOf(from), message)
  }

  /** To wherever the node runs. */
  #connectAll(x: Seat, node: NodeId): void {
    for (const y of this.#seatsOf(node)) this.#connectSoon(x, y)
  }

  #connectSoon(x: Seat, y: Seat): void {
    if (idOf(x) !== idOf(y)) this.#eventQueue.after(this.#delay(), () => this.#connect(x, y))
  }

  #connect(x: Seat, y: Seat): void {
    if (!this.#isThere(x) || !this.#isThere(y) || this.isCut(x, y)) return
    if (this.#links.has(pair(x, y))) return
    this.#replaceDuplicates(x, y)
    const ends = [this.#receivers.get(x), this.#receivers.get(y)]
    // One of them may have waited for nothing but the end of the other link to go.
    if (ends.includes(undefined)) return
    this.#links.add(pair(x, y))
    ends[0]!.link(idOf(y), true)
    // The first one's greeting may have broken it already.
    if (this.#links.has(pair(x, y))) ends[1]!.link(idOf(x), true)
  }

  #isThere(seat: Seat): boolean {
    return this.#receivers.has(seat)
  }

  /**
   * A node has one stream to each identity: one that is opened later takes the place of the other
   * (net/streams/streams.ts).
   */
  #replaceDuplicates(x: Seat, y: Seat): void {
    for (const duplicate of this.#duplicates(x, y)) this.#breakLink(duplicate, y)
    for (const duplicate of this.#duplicates(y, x)) this.#breakLink(duplicate, x)
  }

  /** Other processes of the identity of `x` that are linked to `y`. */
  #duplicates(x: Seat, y: Seat): Seat[] {
    if (this.#twins.size === 0) return []
    return this.#seatsOf(idOf(x)).filter(seat => seat !== x && this.#links.has(pair(seat, y)))
  }

  /** The process of that node which this one is linked to. */
  #linkedSeat(from: Seat, node: NodeId): Seat | undefined {
    if (this.#links.has(pair(from, node))) return node
    return this.#seatsOf(node).find(seat => this.#links.has(pair(from, seat)))
  }

  #seatsOf(node: NodeId): Seat[] {
    return [...(this.#twins.get(node) ?? [node])]
  }

  #breakLink(x: Seat, y: Seat): void {
    this.#links.delete(pair(x, y))
    this.#receivers.get(x)?.link(idOf(y), false)
    this.#receivers.get(y)?.link(idOf(x), false)
    this.#eventQueue.after(RECONNECT_MS + this.#delay(), () => this.#connect(x, y))
  }

  /** Links between the two sides of a cut that nobody has seen closing yet. */
  #crossing(): [Seat, Seat][] {
    return [...this.#links]
      .map(link => link.split(' ') as [Seat, Seat])
      .filter(([x, y]) => this.isCut(x, y))
  }

  #isBlocked(x: NodeId, y: NodeId): boolean {
    return this.#blocked.has(`${x} ${y}`) || this.#blocked.has(`${y} ${x}`)
  }

  /** The two ends of a link through which nothing comes any more close it when they have noticed. */
  #breakInTime(x: NodeId, y: NodeId): void {
    this.#eventQueue.after(this.#noticing(), () => {
      if (this.#links.has(pair(x, y)) && this.isCut(x, y)) this.#breakLink(x, y)
    })
  }

  #noticing(): number {
    return this.#random.whole(0, this.#options.cutNoticedMsMax)
  }

  /** @param ends of the link, whose own time comes on top. @default none has one */
  #delay(...ends: readonly [] | readonly [NodeId, NodeId]): number {
    const { delayMsMin, delayMsMax, linkDelayMsMax } = this.#options
    const ms = this.#random.whole(delayMsMin, delayMsMax)
    if (linkDelayMsMax === 0 || ends.length === 0) return ms
    return ms + (hash32(pair(...ends)) % (linkDelayMsMax + 1))
  }
}

/** What goes on a stream, where a longer message would end it. */
function framed(message: Message): Uint8Array {
  const bytes = encode(message)
  if (bytes.length <= FRAME_BYTES_MAX) return bytes
  throw new Error(`a ${message.kind} message of ${bytes.length} bytes was sent`)
}

function iterate(answer: Iterable<Message>): Iterator<Message> {
  return answer[Symbol.iterator]()
}

/** The node of a process. */
function idOf(seat: Seat): NodeId {
  const at = seat.indexOf('#')
  return at < 0 ? seat : seat.slice(0, at)
}

function pair(x: Seat, y: Seat): string {
  return x < y ? `${x} ${y}` : `${y} ${x}`
}
