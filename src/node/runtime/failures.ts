/**
 * Says what has gone wrong in hearsay itself, or in a function that the program handed in: each kind of it at once, and again only now and then, however often
 * it happens.
 */
import type { Clock } from '../../ports/ports.ts'
import { inSources } from '../../shared/source-places.ts'

/**
 * Interval at which a failure that goes on is logged again. Guess: often enough for a reader of the log, and no storm
 * in it.
 */
const AGAIN_MS = 60_000

type Log = Readonly<{ error(message: string): void }>

export class Failures {
  readonly #log: Log
  readonly #clock: Pick<Clock, 'now'>
  /** Kind -> when it was said last, and how often it has happened since. */
  readonly #said = new Map<string, { at: number; unsaid: number }>()

  constructor(log: Log, clock: Pick<Clock, 'now'>) {
    this.#log = log
    this.#clock = clock
  }

  /** @param kind one of a few */
  note(kind: string, error: unknown): void {
    this.#note('a fault of hearsay itself', kind, error)
  }

  /** A function that was handed in by the program has thrown. */
  noteListener(kind: string, error: unknown): void {
    this.#note('a fault of the program', kind, error)
  }

  #note(whose: string, kind: string, error: unknown): void {
    const now = this.#clock.now()
    const said = this.#said.get(kind)
    if (said !== undefined && now - said.at < AGAIN_MS) {
      said.unsaid++
      return
    }
    const again = said === undefined || said.unsaid === 0 ? '' : `, and ${said.unsaid} times before`
    this.#said.set(kind, { at: now, unsaid: 0 })
    const why = error instanceof Error ? inSources(error.stack ?? error.message) : String(error)
    this.#log.error(`${whose}${again}: ${kind} failed, the rest goes on: ${why}`)
  }
}
