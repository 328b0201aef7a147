/**
 * The listeners to what happens, and what happened lately.
 *
 * The newest events are kept in a ring, so that a reader who lost its connection goes on where it was: each event has a
 * cursor, the boot and a number that grows by one. What the ring no longer has is not made up: the reader is told how
 * much it missed. Nothing in the cluster depends on events being heard.
 */
import type { TaskId } from '../../core/base/ids.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { Json, NodeEvent } from '../api/node-api.ts'

type Listener = (event: NodeEvent) => void
type Fields = Readonly<Record<string, Json>>
/** An event as small as it was told: most are never read, so they are put into words only for a reader. */
type Happened = Readonly<{ atMs: number; event: string; fields: Fields }>

/** Guess: a minute of a busy cluster, in less than a megabyte. */
const EVENTS_KEPT = 4096

export type ListenersOptions = Readonly<{
  /** The wall clock in ms. */
  now: () => number
  /** A listener has thrown: the others hear of the event, and it hears of the next one. */
  failed: (error: unknown) => void
}>

/** What a reader has missed, and why. */
type Gap = { count: number | null; reason: 'CursorTooOld' | 'CursorOfAnotherBoot' }

export class Listeners {
  readonly #boot: string
  readonly #now: () => number
  readonly #failed: (error: unknown) => void
  readonly #listeners = new Set<Listener>()
  readonly #ring: Happened[] = []
  /** Number of the next event. The first is 1, so that there is a cursor before it. */
  #next = 1

  /** @param boot by which cursors are told from those of other nodes and other starts */
  constructor(boot: string, { now, failed }: ListenersOptions) {
    this.#boot = boot
    this.#now = now
    this.#failed = failed
  }

  /**
   * Calls back for each event until the returned function is called: from now on or, with the cursor of an event, at
   * once for those after it.
   *
   * @throws InvalidOptionError if that is no cursor
   */
  add(listener: Listener, since?: string): () => void {
    if (since !== undefined) for (const event of this.#after(since)) listener(event)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether anybody listens. */
  get any(): boolean {
    return this.#listeners.size > 0
  }

  /** That of the newest event: what is heard from now on comes after it. */
  get cursor(): string {
    return this.#cursorOf(this.#next - 1)
  }

  /** Tells those who listen now of something that is not kept: it has the cursor of what was kept before it. */
  mention(event: string, fields: Fields): void {
    if (this.#listeners.size === 0) return
    this.#tell(this.#view(this.#next - 1, { atMs: this.#now(), event, fields }))
  }

  emit(event: string, fields: Fields): void {
    const happened = { atMs: this.#now(), event, fields }
    const number = this.#next++
    this.#ring[number % EVENTS_KEPT] = happened
    if (this.#listeners.size > 0) this.#tell(this.#view(number, happened))
  }

  /** What is still kept of a task, oldest first. */
  about(taskId: TaskId): NodeEvent[] {
    const events: NodeEvent[] = []
    for (let number = this.#oldest; number < this.#next; number++) {
      const happened = this.#ring[number % EVENTS_KEPT]!
      if (happened.fields['taskId'] === taskId) events.push(this.#view(number, happened))
    }
    return events
  }

  #tell(event: NodeEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  get #oldest(): number {
    return Math.max(1, this.#next - EVENTS_KEPT)
  }

  /** @throws InvalidOptionError if that is no cursor */
  assertCursor(cursor: string): void {
    this.#placeOf(cursor)
  }

  #placeOf(cursor: string): { boot: string; seen: number } {
    const [, boot, digits] = /^(.+):(\d{1,15})$/.exec(cursor) ?? []
    const seen = Number(digits)
    if (boot !== undefined && (boot !== this.#boot || seen < this.#next)) return { boot, seen }
    throw new InvalidOptionError(
      `"${cursor}" is no cursor of an event: take the field cursor of one that was printed with --json`
    )
  }

  /** A list, because a listener may cause further events while it is told of these. */
  #after(cursor: string): NodeEvent[] {
    const oldest = this.#oldest
    const { boot, seen } = this.#placeOf(cursor)
    if (boot !== this.#boot) {
      return this.#from(oldest, { count: null, reason: 'CursorOfAnotherBoot' })
    }
    const missed = oldest - (seen + 1)
    if (missed <= 0) return this.#from(seen + 1)
    return this.#from(oldest, { count: missed, reason: 'CursorTooOld' })
  }

  #from(first: number, gap?: Gap): NodeEvent[] {
    const events: NodeEvent[] = []
    if (gap !== undefined) {
      events.push(this.#view(first - 1, { atMs: this.#now(), event: 'events:lost', fields: gap }))
    }
    for (let number = first; number < this.#next; number++) {
      events.push(this.#view(number, this.#ring[number % EVENTS_KEPT]!))
    }
    return events
  }

  #view(number: number, { atMs, event, fields }: Happened): NodeEvent {
    const cursor = this.#cursorOf(number)
    return { v: 1, at: new Date(atMs).toISOString(), event, cursor, ...fields }
  }

  #cursorOf(number: number): string {
    return `${this.#boot}:${number}`
  }
}
