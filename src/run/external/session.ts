/**
 * A worker that stays connected: what it is to hear, kept until it reads it. What waits is bounded by its slots.
 *
 * A worker that does not read for long is taken for gone, however open its connection is: what has been started for it
 * would wait for ever.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'
import type { WorkerNews, WorkerOffer, WorkerSession } from '../../ports/external.ts'
import type { LeaseId } from './lease-book.ts'
import type { LeaseCount, Owner } from './owner.ts'

/** Interval at which a worker hears that there is nothing to hear. */
const PING_MS = 15_000
/**
 * Guess: a worker that is busy with its tasks reads all the same, and nobody wants to wait longer for one that hangs.
 * Looked at with each ping, so it may be half as long again.
 */
const UNREAD_MS_MAX = 30_000

type Parts = Readonly<{
  /** A run goes to the worker. */
  hand: (run: Run) => LeaseId
  hasLeases: () => boolean
  /** What is offered has changed. */
  changed: () => void
  /** The worker is gone: its connection is closed, or it does not read. */
  lost: () => void
}>

export class Session implements Owner, WorkerSession {
  readonly name: string
  readonly types: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly #slots: number
  readonly #parts: Parts
  readonly #waiting = new Map<string, Run>()
  #others: WorkerNews[] = []
  #isDraining = false
  #isClosed = false
  #listener: () => void = () => {}
  /** Since when something waits to be taken, in ms; null: nothing does. */
  #unreadSince: number | null = null
  /** Whether it has taken anything since the last ping was due. */
  #hasRead = true
  readonly #pings: NodeJS.Timeout

  constructor(name: string, { types, labels, slots }: WorkerOffer, parts: Parts) {
    this.name = name
    this.types = types.toSorted()
    this.labels = labels
    this.#slots = slots
    this.#parts = parts
    this.#pings = setInterval(() => this.#look(), PING_MS).unref()
  }

  get worker(): string {
    return this.name
  }

  slots({ withdrawn }: LeaseCount): number {
    return this.#isDraining ? 0 : Math.max(0, this.#slots - withdrawn)
  }

  get isGoing(): boolean {
    return this.#isDraining && this.#waiting.size === 0
  }

  give(run: Run, { all }: LeaseCount): boolean {
    if (this.#isClosed || all + this.#waiting.size >= this.#slots) return false
    this.#waiting.set(keyOf(run.taskId, run.epoch), run)
    this.#news()
    return true
  }

  takeBack(taskId: TaskId, epoch: number): boolean {
    return this.#waiting.delete(keyOf(taskId, epoch))
  }

  cancel(lease: LeaseId, reason: string): void {
    this.#others.push({ kind: 'cancel', lease, reason })
    this.#news()
  }

  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.#others.push({ kind: 'drain' })
    this.#parts.changed()
    this.#news()
  }

  close(): readonly Run[] {
    this.#isClosed = true
    clearInterval(this.#pings)
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#listener()
    return waiting
  }

  /** Something has happened that it may have waited for. */
  look(): void {
    this.#listener()
  }

  onNews(listener: () => void): void {
    this.#listener = listener
  }

  get isOver(): boolean {
    return this.#isClosed || (this.isGoing && this.#others.length === 0 && !this.#parts.hasLeases())
  }

  leave(): void {
    if (!this.#isClosed) this.#parts.lost()
  }

  next(): WorkerNews | null {
    if (this.#isClosed) return null
    const other = this.#others.shift() ?? null
    const [first] = other === null ? this.#waiting : []
    if (first !== undefined) this.#waiting.delete(first[0])
    this.#noteRead()
    if (first === undefined) return other
    const [, run] = first
    return { kind: 'run', lease: this.#parts.hand(run), run }
  }

  #news(): void {
    this.#unreadSince ??= performance.now()
    this.#listener()
  }

  /** It reads. What is left waits from now on. */
  #noteRead(): void {
    this.#hasRead = true
    const isLeft = this.#others.length + this.#waiting.size > 0
    this.#unreadSince = isLeft ? performance.now() : null
  }

  #look(): void {
    const unreadMs = performance.now() - (this.#unreadSince ?? Infinity)
    if (unreadMs >= UNREAD_MS_MAX) return this.#parts.lost()
    if (!this.#hasRead && this.#unreadSince === null) {
      this.#others.push({ kind: 'ping' })
      this.#news()
    }
    this.#hasRead = false
  }
}

function keyOf(taskId: TaskId, epoch: number): string {
  return `${taskId} ${epoch}`
}
