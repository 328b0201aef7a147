/**
 * Callers that wait for tasks to settle.
 */
import type { TaskId } from '../../core/base/ids.ts'
import { UnknownTaskError } from '../../shared/errors.ts'
import type { TaskRecord } from '../../core/task/record.ts'

/**
 * Ends that nobody waited for are remembered, so that a caller that asks a moment later is told although the task is
 * pruned. Guess: as many as settle within the moment. All but those that are pruned are in memory anyway.
 */
const RECENT_MAX = 1024

type Wait = Readonly<{ resolve: (record: TaskRecord) => void; reject: (error: unknown) => void }>

export class Waits {
  readonly #waits = new Map<TaskId, Set<Wait>>()
  /** What takes back all waits of a caller that goes away with a signal. */
  readonly #drops = new WeakMap<AbortSignal, Set<() => void>>()
  readonly #recent = new Map<TaskId, TaskRecord>()

  /**
   * Resolves when this task is released, with what it is then; rejects with the signal's reason, or with that of
   * `rejectAll`.
   */
  async settled(id: TaskId, signal: AbortSignal | undefined): Promise<TaskRecord> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<TaskRecord>()
    const wait: Wait = { resolve, reject }
    const drop = this.add(id, wait)
    const abort = (): void => reject(signal!.reason)
    signal?.addEventListener('abort', abort)
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
      drop()
    }
  }

  /** Has one of the two called once; returns what takes that back. */
  add(id: TaskId, wait: Wait): () => void {
    const waits = this.#waits.get(id) ?? new Set()
    this.#waits.set(id, waits.add(wait))
    return () => {
      waits.delete(wait)
      if (waits.size === 0 && this.#waits.get(id) === waits) this.#waits.delete(id)
    }
  }

  /**
   * The same for a caller that goes away with a signal, maybe with very many others: the signal has one listener for
   * all.
   */
  addUntil(gone: AbortSignal, id: TaskId, { resolve, reject }: Wait): void {
    if (gone.aborted) return
    const drops = this.#dropsOf(gone)
    const drop = this.add(id, {
      resolve(record) {
        drops.delete(drop)
        resolve(record)
      },
      reject(error) {
        drops.delete(drop)
        reject(error)
      }
    })
    drops.add(drop)
  }

  #dropsOf(gone: AbortSignal): Set<() => void> {
    const known = this.#drops.get(gone)
    if (known !== undefined) return known
    const drops = new Set<() => void>()
    this.#drops.set(gone, drops)
    const dropAll = (): void => {
      for (const drop of drops) drop()
      drops.clear()
    }
    gone.addEventListener('abort', dropAll, { once: true })
    return drops
  }

  /** How many tasks are waited for. */
  get size(): number {
    return this.#waits.size
  }

  /** How a task ended that nobody waited for, if that was a moment ago. */
  recent(id: TaskId): TaskRecord | undefined {
    return this.#recent.get(id)
  }

  /** The task has settled. Given as it is now: it may be pruned before a waiter gets to it. */
  release(record: TaskRecord): void {
    const { id } = record.spec
    const waits = this.#waits.get(id)
    if (waits === undefined) return this.#remember(id, record)
    this.#waits.delete(id)
    for (const { resolve } of waits) resolve(record)
  }

  #remember(id: TaskId, record: TaskRecord): void {
    this.#recent.set(id, record)
    if (this.#recent.size <= RECENT_MAX) return
    for (const oldest of this.#recent.keys()) return void this.#recent.delete(oldest)
  }

  /** The task has gone, and its end was not heard of. */
  pruned(id: TaskId): void {
    const waits = this.#waits.get(id)
    // Most tasks go unnoticed, and an error is dear to make.
    if (waits === undefined) return
    this.#waits.delete(id)
    const error = new UnknownTaskError(
      `${id} settled while this node was away, and has been forgotten since`
    )
    for (const { reject } of waits) reject(error)
  }

  rejectAll(error: unknown): void {
    for (const waits of this.#waits.values()) for (const { reject } of waits) reject(error)
    this.#waits.clear()
  }
}
