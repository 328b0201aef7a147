/**
 * Asks others for what this node lacks: whoever has had something for longer than gossip takes, or who has said something
 * that connects to nothing here. One peer at a time, as its answer may be all there is.
 *
 * Most answers need one question, "this is my vector". If the peer has forgotten tasks that we have not seen settle, it
 * has to know which these are before it says anything that moves us over them. Then all of them are listed, as of one
 * moment, and the question is asked anew.
 */
import type { NodeId } from './base/ids.ts'
import type { Context } from './context.ts'
import { Lag } from './log/lag.ts'
import type { Forgotten, OpenTask, Span, VersionVector } from './message.ts'
import { isFinal } from './task/record.ts'

type Question = {
  readonly peer: NodeId
  /** Of the moment at which the tasks were listed: what is merged later is not among them, and may be over as well. */
  readonly vector: VersionVector
  readonly tasks: OpenTask[]
  asked: boolean
}

/** Ids and creations in one request: about a megabyte. */
const OPEN_MAX = 40_000
/** Stretches of forgotten writes that are kept: one for each of a million writes that are not. About 60 MB. */
const SPANS_MAX = 1_000_000

export class Asking {
  readonly #context: Context
  readonly #lag: Lag
  /** Who answers us. */
  #asked: NodeId | null = null
  /** What a peer has still to be told before it can answer. */
  #open: Question | null = null
  /** What the answer has named as forgotten, as long as that is not all. Null: more than can be kept. */
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
    this.#open = null
    this.#send({ peer, vector: this.#context.log.origins.vector() }, null, false)
  }

  /** A peer cannot answer before it knows what we have not seen settle. */
  openNeeded(peer: NodeId): void {
    const { log } = this.#context
    const tasks: OpenTask[] = []
    for (const { id, record } of log.entries()) {
      if (!isFinal(record)) tasks.push({ id, created: record.created })
    }
    this.#open = { peer, vector: log.origins.vector(), tasks, asked: false }
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
    this.#parts = []
    return whole
  }

  /** An answer has ended. If there is more to ask of that peer, it is asked. */
  ended(peer: NodeId, whole: boolean): void {
    this.#asked = null
    this.#parts = []
    const open = this.#open
    if (open === null || open.peer !== peer) return
    if (whole && (open.tasks.length > 0 || !open.asked)) this.#sendOpen(open)
    else this.#open = null
  }

  /** Says what we have not seen settle; in several requests, if that is much. */
  #sendOpen(open: Question): void {
    open.asked = true
    let size = 0
    const end = open.tasks.findIndex(({ created }) => (size += 1 + created.length) > OPEN_MAX)
    const tasks = open.tasks.splice(0, end < 0 ? open.tasks.length : end)
    this.#send(open, tasks, open.tasks.length > 0)
  }

  #send(
    { peer, vector }: Pick<Question, 'peer' | 'vector'>,
    open: readonly OpenTask[] | null,
    more: boolean
  ): void {
    const { self, emit } = this.#context
    this.#asked = peer
    this.#lag.forget(peer)
    emit({ kind: 'sync', peer, request: { kind: 'sync', boot: self, vector, open, more } })
  }
}
