/**
 * How a node stops taking work, and how it goes.
 *
 * Draining, it starts nothing more and hands on what is queued, for as long as it stays. Leaving is the same with an end:
 * when nothing runs and all that it wrote is safe with others, it says goodbye.
 */
import type { Context } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { Keeping } from './keeping.ts'
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

export class Parting {
  readonly #context: Context
  readonly #parts: Parts
  #state: 'no' | 'draining' | 'leaving' | 'gone' = 'no'
  /** Nothing is held here any more. */
  #handedOn = false

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
    if (this.#state === 'gone') return
    const { work, keeping, replication, presence } = this.#parts
    this.#state = 'leaving'
    work.drain(abort)
    keeping.drain()
    replication.urge()
    presence.publish()
  }

  tick(): void {
    if (this.#state === 'leaving') this.#parts.replication.urge()
  }

  /** Hands on what is queued, as far as there is somebody to take it. */
  handOn(): void {
    if (this.#state !== 'draining' && this.#state !== 'leaving') return
    this.#handedOn = this.#parts.exchange.handOn()
  }

  /** The last thing that a node does. */
  sayGoodbye(): void {
    if (this.#state !== 'leaving') return
    const { members, self, now, emit } = this.#context
    const { work, exchange, replication, keeping, telling } = this.#parts
    const keeps = !this.#handedOn && members.around(now).length > 0
    if (keeps || work.running > 0 || !exchange.isIdle) return
    if (!replication.isSafeElsewhere || !keeping.isSafeElsewhere) return
    this.#state = 'gone'
    for (const { node } of members.reachable()) {
      telling.tell(node)
      emit({ kind: 'send', to: node, message: { kind: 'goodbye', boot: self } })
    }
    emit({ kind: 'left' })
  }
}
