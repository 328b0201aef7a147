/**
 * How a node stops taking work, and how it goes.
 *
 * Draining, it starts nothing more and hands on what is queued, for as long as it stays. Leaving is the same with an end:
 * when nothing runs and all that it wrote is safe with others, it says goodbye, and goes when they have answered. Without
 * their answers a goodbye that is lost on its way would make a crash of it.
 */
import type { NodeId } from './base/ids.ts'
import type { Context } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { Keeping } from './keeping.ts'
import type { Drain, Farewell } from './message.ts'
import type { Presence } from './presence.ts'
import type { Replication } from './replication.ts'
import type { Telling } from './telling.ts'
import type { Work } from './work.ts'

type Parts = Readonly<{
  work: Work
  exchange: Exchange
  replication: Replication
  keeping: Keeping
  presence: Presence
  telling: Telling
}>

/** Whoever has not answered a goodbye after so long hears of it from those who have. Guess: 100 round trips on a busy LAN. */
const ANSWER_MS_MAX = 1000

export class Parting {
  readonly #context: Context
  readonly #parts: Parts
  #state: 'no' | 'draining' | 'leaving' | 'saying goodbye' | 'gone' = 'no'
  /** Nothing is held here any more. */
  #handedOn = false
  #saidAt = Number.POSITIVE_INFINITY
  /** Nodes that have answered our goodbye. */
  readonly #answered = new Set<NodeId>()

  constructor(context: Context, parts: Parts) {
    this.#context = context
    this.#parts = parts
  }

  drain(): void {
    if (this.#state !== 'no') return
    this.#state = 'draining'
    this.#parts.work.drain(false)
    this.#parts.presence.publish()
  }

  /** @param abort what runs is ended and handed on, too */
  leave(abort: boolean): void {
    if (this.#state === 'saying goodbye' || this.#state === 'gone') return
    const { work, keeping, replication, presence } = this.#parts
    this.#state = 'leaving'
    work.drain(abort)
    keeping.drain()
    replication.hasten()
    presence.publish()
  }

  tick(): void {
    if (this.#state === 'leaving') this.#parts.replication.urge()
    if (this.#state === 'saying goodbye') this.#sayGoodbye()
  }

  /** Somebody wants us to drain, or knows that we go. */
  heard(from: NodeId, { kind, boot }: Drain | Farewell): void {
    if (boot !== this.#context.self) return
    if (kind === 'drain') this.drain()
    else this.#answered.add(from)
  }

  /** Hands on what is queued, as far as there is somebody to take it. */
  handOn(): void {
    if (this.#state !== 'draining' && this.#state !== 'leaving') return
    this.#handedOn = this.#parts.exchange.handOn()
  }

  /** The last thing that a node does. */
  go(): void {
    if (this.#state === 'leaving' && this.#isFree()) {
      this.#state = 'saying goodbye'
      this.#saidAt = this.#context.now
      this.#parts.replication.spreading.tellAll()
      this.#sayGoodbye()
    }
    if (this.#state !== 'saying goodbye' || !this.#isHeard()) return
    this.#state = 'gone'
    this.#context.emit({ kind: 'left' })
  }

  /** Nothing is left to do here. */
  #isFree(): boolean {
    const { members, now } = this.#context
    const { work, exchange, replication, keeping } = this.#parts
    const keeps = !this.#handedOn && members.around(now).length > 0
    if (keeps || work.isBusy || !exchange.isIdle) return false
    return replication.isSafeElsewhere && keeping.isSafeElsewhere
  }

  #sayGoodbye(): void {
    const { members, self, log, emit } = this.#context
    const upTo = log.nextSeq - 1
    for (const { node } of members.reachable()) {
      if (this.#answered.has(node)) continue
      this.#parts.telling.tell(node)
      emit({ kind: 'send', to: node, message: { kind: 'goodbye', boot: self, upTo } })
    }
  }

  /** Everybody who seems to listen knows that we go; or somebody does, and has had time to tell the others. */
  #isHeard(): boolean {
    const { members, now } = this.#context
    if (this.#answered.size > 0 && now - this.#saidAt >= ANSWER_MS_MAX) return true
    return members.lively(now).every(({ node }) => this.#answered.has(node))
  }
}
