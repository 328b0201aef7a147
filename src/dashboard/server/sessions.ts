/**
 * Who may use the dashboard: a link has a code that is good once and for a minute, and a page that hands it in gets a
 * token, which is good for as long as the dashboard runs.
 *
 * A code may be seen on a screen or stay in a history; when it is, it has been used, or is about to be over. Secrets are
 * kept as their hashes and found by them, so neither memory nor the time that a comparison takes tells them.
 */
import { createHash, randomBytes } from 'node:crypto'

/** Time to follow a link. */
export const CODE_MS = 60_000
/** More links than anybody follows: the oldest one is over. */
const CODES_MAX = 8
/** Pages that are open, or were: the oldest one has to ask for a new link. */
const TOKENS_MAX = 64
const SECRET_BYTES = 32

/** Secrets that are good for something, oldest first. */
class Secrets<T> {
  readonly #max: number
  readonly #kept = new Map<string, T>()

  constructor(max: number) {
    this.#max = max
  }

  add(value: T): string {
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    this.#kept.set(hashOf(secret), value)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#max) this.#kept.delete(oldest!)
    return secret
  }

  get(secret: string): T | undefined {
    return this.#kept.get(hashOf(secret))
  }

  take(secret: string): T | undefined {
    const value = this.get(secret)
    this.#kept.delete(hashOf(secret))
    return value
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}

/** Things that are handed out once, within a minute. */
export class OneUse<T> {
  readonly #now: () => number
  readonly #secrets: Secrets<{ value: T; until: number }>

  /** @param now milliseconds of a clock that is never set */
  constructor(now: () => number, max: number = CODES_MAX) {
    this.#now = now
    this.#secrets = new Secrets(max)
  }

  /** @returns the code by which it is handed out */
  add(value: T): string {
    return this.#secrets.add({ value, until: this.#now() + CODE_MS })
  }

  /** Undefined if there was no such code, it was used, or its time is over. */
  take(code: string): T | undefined {
    const kept = this.#secrets.take(code)
    return kept !== undefined && this.#now() < kept.until ? kept.value : undefined
  }
}

export class Sessions {
  readonly #codes: OneUse<true>
  readonly #tokens = new Secrets<true>(TOKENS_MAX)

  /** @param now milliseconds of a clock that is never set */
  constructor(now: () => number) {
    this.#codes = new OneUse(now)
  }

  /** A code for one link, good for 60 s. */
  newCode(): string {
    return this.#codes.add(true)
  }

  /** The token for a code; null if the code is no good (any more). */
  exchange(code: string): string | null {
    return this.#codes.take(code) === undefined ? null : this.#tokens.add(true)
  }

  /** @param authorization the header of a request */
  isOpen(authorization: string | undefined): boolean {
    const [, token] = /^Bearer ([\w-]{1,128})$/.exec(authorization ?? '') ?? []
    return token !== undefined && this.#tokens.get(token) === true
  }
}
