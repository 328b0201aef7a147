/**
 * Callers that wait for tasks to settle.
 */
import type { TaskId } from '../core/base/ids.ts'

type Wait = Readonly<{ resolve: () => void; reject: (error: unknown) => void }>

export class Waits {
  readonly #waits = new Map<TaskId, Set<Wait>>()

  /** Resolves at the next `settled` of this task; rejects with the signal's reason, or with that of `rejectAll`. */
  async settled(id: TaskId, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const wait: Wait = { resolve, reject }
    const waits = this.#waits.get(id) ?? new Set()
    this.#waits.set(id, waits.add(wait))
    const abort = (): void => reject(signal!.reason)
    signal?.addEventListener('abort', abort)
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', abort)
      waits.delete(wait)
      if (waits.size === 0 && this.#waits.get(id) === waits) this.#waits.delete(id)
    }
  }

  release(id: TaskId): void {
    const waits = this.#waits.get(id)
    this.#waits.delete(id)
    for (const { resolve } of waits ?? []) resolve()
  }

  reject(id: TaskId, error: unknown): void {
    const waits = this.#waits.get(id)
    this.#waits.delete(id)
    for (const { reject } of waits ?? []) reject(error)
  }

  rejectAll(error: unknown): void {
    for (const waits of this.#waits.values()) for (const { reject } of waits) reject(error)
    this.#waits.clear()
  }
}
