/**
 * Makes the messages that a cluster is fuzzed with: out of what its nodes really say, out of words of the cluster, and out
 * of what was taken before, so that a list can become long in two steps and a lie can be told on.
 */
import { nodeOf, type NodeId } from '../../src/core/base/ids.ts'
import { RETIRED, reach } from '../../src/core/base/version-vector.ts'
import type { Batch, Found, Message, News, SyncRequest } from '../../src/core/message.ts'
import type { SimNode } from '../../src/sim/world/sim-node.ts'
import type { Random } from '../../src/sim/world/random.ts'
import { encode } from '../../src/wire/codec.ts'
import { isLie, type Truth } from './believed.ts'
import { greetingOf, invented } from './inventions.ts'
import type { Injection } from './injection.ts'
import { mutated, mutatedBytes, readFrom, stretched, throughCodec } from './mutating.ts'
import type { Vocabulary } from './vocabulary.ts'
import { PASSER_BY, STRANGER, type World } from './world.ts'

type Made = Readonly<{ from: NodeId; message: Message }>

/** Of each kind: enough for variety, few enough that what is old goes. */
const KEPT_MAX = 40
/** How often something else is tried where what came out is refused, or would be a lie. */
const TRIES = 12
/** Two dozen names of boots, and some tasks. */
const SHORT_BYTES = 4096
/** News that one answer or one file consists of, at most. */
const NEWS_MAX = 4

export class Injector {
  /** Kind -> how many were taken. */
  readonly taken = new Map<string, number>()
  refused = 0
  readonly #world: World
  readonly #random: Random
  readonly #words: Vocabulary
  readonly #mayLie: boolean
  readonly #corpus = new Map<string, Message[]>()
  /** What each node has last asked the stranger for. */
  readonly #steals = new Map<NodeId, number>()
  readonly #finds = new Map<NodeId, readonly string[]>()

  /** @param mayLie whether members may be told what they have to believe */
  constructor(world: World, random: Random, words: Vocabulary, mayLie: boolean) {
    this.#world = world
    this.#random = random
    this.#words = words
    this.#mayLie = mayLie
  }

  /** A node says something. */
  said(message: Message): void {
    this.#words.note(message)
    this.#keep(message)
  }

  /** The stranger is spoken to: what it is asked for it can answer. */
  told(by: NodeId, message: Message): void {
    if (message.kind === 'steal') this.#steals.set(by, message.request)
    if (message.kind === 'find') this.#finds.set(by, message.ids)
  }

  /** What the stranger says of itself, truly. */
  greeting(): Message {
    return greetingOf(this.#world.strangerBoot, 'e/0', this.#world.nowMs)
  }

  /** Something for a node; null if nothing comes to mind. */
  next(node: SimNode, when: Pick<Injection, 'round' | 'at'>): Injection | null {
    const to = { ...when, to: node.id }
    const dice = this.#random.next()
    if (dice < 0.06) {
      const made = this.#make(node, 'sync')
      return made && { ...to, kind: 'sync', message: made.message as SyncRequest }
    }
    if (dice < 0.12) {
      const [message] = this.news(node, 1)
      return message === undefined ? null : { ...to, kind: 'load', message }
    }
    const made = this.#make(node, null)
    return made && { ...to, kind: 'message', ...made }
  }

  /** Parts of an answer, or of a file, for a node. */
  news(node: SimNode, countMax: number = NEWS_MAX): News[] {
    const count = this.#random.whole(1, countMax)
    const kinds = Array.from({ length: count }, () =>
      this.#random.pick(['forgotten', 'batch'] as const)
    )
    const made = kinds.flatMap(kind => (this.#make(node, kind)?.message as News | undefined) ?? [])
    // What was read of a message that is unreadable in part cannot be said again as it was.
    return made.filter(message => throughCodec(message) !== null)
  }

  #make(node: SimNode, kind: Message['kind'] | null): Made | null {
    const truth = this.#truth(node)
    for (let left = TRIES; left > 0; left--) {
      const message = this.#message(node, kind)
      if (message === null || (kind !== null && message.kind !== kind)) continue
      const from = this.#from(node, message)
      if (!this.#mayLie && isLie(from, message, truth)) continue
      this.taken.set(message.kind, (this.taken.get(message.kind) ?? 0) + 1)
      if (this.#random.chance(0.3) && isShort(message)) this.#keep(message)
      return { from, message }
    }
    return null
  }

  #message(node: SimNode, kind: Message['kind'] | null): Message | null {
    const random = this.#random
    const dice = random.next()
    const isMadeUp = dice > 0.6
    const made = isMadeUp ? invented(random, this.#words, this.#world.nowMs) : null
    const base = made ?? this.#known(kind)
    if (base === null) return null
    const aligned = this.#aligned(base, node)
    if (dice > 0.8) return this.#checked(aligned)
    if (dice > 0.775) return this.#counted(stretched(aligned, this.#random, this.#words))
    if (dice > 0.15) return this.#counted(mutated(aligned, random, this.#words))
    return this.#garbled(aligned)
  }

  #known(kind: Message['kind'] | null): Message | null {
    const kinds = [...this.#corpus.keys()]
    if (kinds.length === 0) return null
    const messages = this.#corpus.get(kind ?? this.#random.pick(kinds))
    return messages === undefined ? null : this.#random.pick(messages)
  }

  #garbled(message: Message): Message | null {
    const other = this.#known(null)
    const bytes = throughBytes(message)
    if (bytes === null) return this.#counted(null)
    const others = other === null ? [] : [throughBytes(other) ?? bytes]
    return this.#counted(readFrom(mutatedBytes(bytes, others, this.#random)))
  }

  #checked(message: Message): Message | null {
    return this.#counted(throughCodec(message))
  }

  #counted(message: Message | null): Message | null {
    if (message === null) this.refused++
    return message
  }

  #from(node: SimNode, message: Message): NodeId {
    if (message.kind === 'grant' || message.kind === 'found') return STRANGER
    const others = this.#world.alive().filter(other => other !== node)
    const dice = this.#random.next()
    if (dice < 0.3 && others.length > 0) return this.#random.pick(others).id
    return dice < 0.85 ? STRANGER : PASSER_BY
  }

  /** The same, so that it joins on to what the node knows: what does not is only ever a gap. */
  #aligned(message: Message, node: SimNode): Message {
    const random = this.#random
    if (random.chance(0.15)) return message
    if (message.kind === 'batch') return this.#alignedBatch(message, node)
    if (message.kind === 'heartbeat') return { ...message, at: this.#world.nowMs * 1000 }
    if (message.kind === 'grant') {
      return { ...message, request: this.#steals.get(node.id) ?? message.request }
    }
    return message.kind === 'found' ? this.#alignedFound(message, node) : message
  }

  /** An answer to what the node has asked. */
  #alignedFound(message: Found, node: SimNode): Found {
    const asked = this.#finds.get(node.id)
    if (asked === undefined) return message
    const records = message.records.slice(0, asked.length).map((record, at) => ({
      ...record,
      spec: { ...record.spec, id: asked[at]! }
    }))
    return { ...message, ids: asked, records }
  }

  #alignedBatch(message: Batch, node: SimNode): Batch {
    const random = this.#random
    const isOwn = message.origin === node.options.boot
    const origin = isOwn || random.chance(0.6) ? this.#author() : message.origin
    const upTo = reach(node.core.view.mergedVector(), origin)
    const after = upTo === RETIRED ? random.pick([0, 1, 2 ** 42 - 2, RETIRED]) : upTo
    const places = message.records.length + (message.changes?.length ?? 0)
    const writes = message.writes.map(place => (place < 0 && places > 0 ? 0 : place))
    const records = message.records.map(record =>
      random.chance(0.6)
        ? { ...record, created: [{ origin, seq: Math.min(after + 1, 2 ** 53 - 1) }] }
        : record
    )
    return { ...message, origin, after, records, writes: writes.length > 0 ? writes : [0] }
  }

  /** Whoever writes something that is not a node of the cluster, as a rule. */
  #author(): string {
    const { live } = this.#world.present()
    const closed = this.#random.chance(0.2) ? this.#words.closedBoot() : null
    if (closed !== null) return closed
    for (let left = TRIES; left > 0; left--) {
      const boot = this.#words.boot()
      if (this.#mayLie || !live.includes(boot)) return boot
    }
    return this.#words.newBoot()
  }

  #keep(message: Message): void {
    const messages = this.#corpus.get(message.kind)
    if (messages === undefined) this.#corpus.set(message.kind, [message])
    else if (messages.length < KEPT_MAX) messages.push(message)
    else messages[this.#random.whole(0, KEPT_MAX - 1)] = message
  }

  #truth(node: SimNode): Truth {
    const { nodes, nowMs, names } = this.#world
    const boots = new Map(nodes.map(({ id, options }) => [id, options.boot]))
    const writer = (origin: string): SimNode | undefined =>
      this.#world.alive().find(({ id }) => id === nodeOf(origin)) ?? node
    return {
      nowMs,
      boots,
      names: new Set(names),
      writtenBy: (origin, seq) => writer(origin)?.core.view.writtenBy(origin, seq)
    }
  }
}

/** What is long is slow, and is made again when it is wanted. */
function isShort(message: Message): boolean {
  return (throughBytes(message)?.length ?? Infinity) <= SHORT_BYTES
}

function throughBytes(message: Message): Uint8Array | null {
  try {
    return encode(message)
  } catch {
    return null
  }
}
