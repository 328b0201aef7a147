/** Whoever wants to hear what happens. Nothing depends on it: without anybody, no event is even made. */
import type { NodeEvent } from './handle.ts'

export class Listeners {
  readonly #now: () => number
  readonly #listeners = new Set<(event: NodeEvent) => void>()

  /** @param now the wall clock in ms */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Calls back for each event until the returned function is called. */
  add(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(event: string, fields: Readonly<Record<string, string>>): void {
    if (this.#listeners.size === 0) return
    const at = new Date(this.#now()).toISOString()
    for (const listener of this.#listeners) listener({ v: 1, at, event, ...fields })
  }
}
