/**
 * All who ask for one task of the same types. While they wait they are one pool, of a slot each: however many there are,
 * others hear of one.
 */
import type { Run } from '../../core/effect.ts'
import type { ClaimOffer, Handed } from '../../ports/external.ts'
import type { LeaseId } from './lease-book.ts'
import type { LeaseCount, Owner } from './owner.ts'

type Parts = Readonly<{
  /** A run goes to one of them. */
  hand: (run: Run, leaseMs: number) => LeaseId
  /** What is offered has changed. */
  changed: () => void
}>

type Waiter = Readonly<{ leaseMs: number; take: (handed: Handed | null) => void }>

export class Polls implements Owner {
  readonly name: string
  readonly types: readonly string[]
  readonly labels: Readonly<Record<string, string>> = {}
  readonly #parts: Parts
  readonly #waiters = new Set<Waiter>()

  /** @param types sorted */
  constructor(name: string, types: readonly string[], parts: Parts) {
    this.name = name
    this.types = types
    this.#parts = parts
  }

  /** Those who wait, and those who have got something. */
  slots({ all, withdrawn }: LeaseCount): number {
    return this.#waiters.size + all - withdrawn
  }

  get isGoing(): boolean {
    return this.#waiters.size === 0
  }

  /** Resolves to null if nothing comes in time, or nothing more will. @throws the signal's reason */
  async wait({ waitMs, leaseMs }: ClaimOffer, gone: AbortSignal): Promise<Handed | null> {
    gone.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Handed | null>()
    const waiter: Waiter = { leaseMs, take: resolve }
    const give = (): void => reject(gone.reason as Error)
    const timer = setTimeout(resolve, waitMs, null)
    gone.addEventListener('abort', give)
    this.#waiters.add(waiter)
    this.#parts.changed()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      gone.removeEventListener('abort', give)
      if (this.#waiters.delete(waiter)) this.#parts.changed()
    }
  }

  give(run: Run): boolean {
    const [waiter] = this.#waiters
    if (waiter === undefined) return false
    const lease = this.#parts.hand(run, waiter.leaseMs)
    this.#waiters.delete(waiter)
    waiter.take({ lease, run })
    return true
  }

  takeBack(): boolean {
    return false
  }

  /** It hears of that with its next call. */
  cancel(): void {}

  drain(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter.take(null)
    this.#parts.changed()
  }

  close(): readonly Run[] {
    this.drain()
    return []
  }
}
