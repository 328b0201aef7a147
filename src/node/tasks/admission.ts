/**
 * A caller that submits more than this node gets to its disk, and to others, has to wait: what is let in faster than it
 * goes on only grows, and makes everything later, heartbeats included.
 *
 * So do all callers while every node keeps twice as many settled tasks as there is room for, and lets go of them. Else
 * only what this node itself has yet to do counts. What others are behind with holds nobody back, nor does a copy that
 * nobody is there to make: on both sides of a cut tasks are submitted.
 */
import type { Backlog } from '../../core/replication/ack-wait.ts'

export type AdmissionOptions = Readonly<{
  /**
   * Tasks that wait for a copy, or to be written at all. As many as a batch sends ahead (api/batch.ts), so that one
   * alone is never slowed while all is well: one flush carries hundreds.
   */
  awaitedMax: number
  /**
   * The bound instead of `awaitedMax` where the first of them has waited for `awaitedMsMax`: a flush, and enough to
   * keep disk and network busy.
   */
  awaitedMin: number
  /**
   * Wait of the first of them from which on the lower bound holds. A fifth of the time after which a copy is not waited
   * for any more: what is let in still gets one.
   */
  awaitedMsMax: number
  /** Writes that are not on the disk: what a disk of 100 ms a flush is behind at 10,000 tasks a second. Guess. */
  unflushedMax: number
}>

export const ADMISSION_DEFAULTS: AdmissionOptions = {
  awaitedMax: 1024,
  awaitedMin: 32,
  awaitedMsMax: 1000,
  unflushedMax: 4096
}

/** What submitters wait for. */
export type HeldBackBy = 'disk' | 'copies' | 'room'

/** What the door opens by. */
type Behind = Readonly<{
  backlog: () => Backlog
  /** Tasks that have been let in and that the core has not seen. */
  waitingTasks: () => number
  /** Whether everybody keeps far too many settled tasks, and lets go of them. */
  isFull: () => boolean
}>

type Waiting = Readonly<{ enter: () => void; refuse: (error: Error) => void }>

export class Admission {
  readonly #node: Behind
  readonly #options: AdmissionOptions
  /** Callers that wait, in the order in which they came. */
  readonly #waiting = new Set<Waiting>()
  /** Let in, and not handed over yet. */
  #inside = 0

  constructor(node: Behind, options: AdmissionOptions = ADMISSION_DEFAULTS) {
    this.#node = node
    this.#options = options
  }

  /** How many callers are held back. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** What is waited for; null if all submissions are let in. */
  get heldBackBy(): HeldBackBy | null {
    const { unflushed, awaited, awaitedMs } = this.#node.backlog()
    const { awaitedMax, awaitedMin, awaitedMsMax, unflushedMax } = this.#options
    const coming = this.#inside + this.#node.waitingTasks()
    if (unflushed + coming >= unflushedMax) return 'disk'
    const max = awaitedMs > awaitedMsMax ? awaitedMin : awaitedMax
    if (awaited + coming >= max) return 'copies'
    return this.#node.isFull() ? 'room' : null
  }

  /**
   * Resolves when there is room, for one after the other; to what is to be called when the task has been handed over,
   * or has come to nothing.
   *
   * @throws the signal's reason, or what they are refused with
   */
  async enter(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#waiting.size > 0 || this.heldBackBy !== null) await this.#wait(signal)
    else this.#inside++
    let isInside = true
    return () => {
      if (isInside) this.#inside--
      isInside = false
    }
  }

  /** There may be room. */
  release(): void {
    for (const one of this.#waiting) {
      if (this.heldBackBy !== null) return
      this.#waiting.delete(one)
      this.#inside++
      one.enter()
    }
  }

  /** There is no sense in waiting any longer. */
  refuseAll(error: Error): void {
    const refused = [...this.#waiting]
    this.#waiting.clear()
    for (const { refuse } of refused) refuse(error)
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve: enter, reject: refuse } = Promise.withResolvers<void>()
    const one: Waiting = { enter, refuse }
    // A caller that goes away makes room for the next, and is never let in.
    const leave = (): void => {
      if (this.#waiting.delete(one)) refuse(signal!.reason as Error)
    }
    this.#waiting.add(one)
    signal?.addEventListener('abort', leave)
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }
}
