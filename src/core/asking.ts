/**
 * Asks others for what this node lacks: whoever has had something for longer than gossip takes, or who has said something
 * that connects to nothing here. One peer at a time, as its answer may be all there is.
 */
import type { NodeId } from './base/ids.ts'
import type { Context } from './context.ts'
import { Lag } from './log/lag.ts'
import { VectorTurns } from './log/vector-turns.ts'
import type { Forgotten, Span } from './message.ts'

/** Stretches of forgotten writes that are kept: one for each of a million writes that are not. About 60 MB. */
const SPANS_MAX = 1_000_000

export class Asking {
  readonly #context: Context
  readonly #lag: Lag
  readonly #vectors = new VectorTurns()
  /** Who answers us. */
  #asked: NodeId | null = null
  /** What the answer has named as forgotten, as long as that is not all. Null: it has, or it is more than can be kept. */
  #parts: Span[] | null = []

  constructor(context: Context) {
    this.#context = context
    this.#lag = new Lag(context.options.syncDelayMs)
  }

  /** Fetches what a member has had for a while and we still lack. */
  catchUp(): void {
    const { members, log, now } = this.#context
    for (const { node, vector } of members.reachable()) {
      if (this.#lag.isDue(now, node, vector, origin => log.merged(origin))) this.ask(node)
    }
  }

  unlinked(peer: NodeId): void {
    this.#lag.forget(peer)
  }

  /** Asks a peer for all that we lack, if nobody is being asked. */
  ask(peer: NodeId): void {
    if (this.#asked !== null) return
    const { self, log, emit } = this.#context
    this.#asked = peer
    this.#lag.forget(peer)
    const vector = this.#vectors.some(log.origins.vector(), self)
    emit({ kind: 'sync', peer, request: { kind: 'sync', boot: self, vector } })
  }

  /**
   * Somebody whom we have asked names what it has forgotten. Half of that would be worse than nothing: a task whose
   * completion is named, and whose creation is not. Returns all of it once it is there, and null before.
   */
  gathered(from: NodeId, { spans, boots, more }: Forgotten): Omit<Forgotten, 'kind'> | null {
    const { log, node } = this.#context
    // A file says it at once.
    if (from === node) return { spans, boots, more }
    if (from !== this.#asked || this.#parts === null) return null
    if (log.origins.cloud.size + this.#parts.length + spans.length > SPANS_MAX) {
      // What it goes on with is a gap then.
      this.#parts = null
      return null
    }
    for (const span of spans) this.#parts.push(span)
    if (more) return null
    const whole = { spans: this.#parts, boots, more }
    // Of one moment, and so once in an answer: to look through all tasks for it takes a while.
    this.#parts = null
    return whole
  }

  /** The answer has ended. */
  ended(): void {
    this.#asked = null
    this.#parts = []
  }
}
