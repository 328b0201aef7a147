/**
 * How a node ends: on purpose, in good order and within a time; or at once, because somebody else is in its place.
 */
import { DuplicateIdentityError, NameTakenError } from '../errors.ts'
import type { Engine } from './engine.ts'

/** Handing on what was aborted takes a flush and a message. */
const HAND_ON_MS = 5000

export class Leaving {
  /** Resolves when the node has closed; to the reason, if it had to. */
  readonly closed: Promise<Error | null>
  readonly #engine: Engine
  readonly #close: () => Promise<void>
  readonly #closing = Promise.withResolvers<Error | null>()
  readonly #left = Promise.withResolvers<void>()
  readonly #graceOver = Promise.withResolvers<void>()
  #leaving: Promise<void> | null = null

  /** @param close frees everything; called once */
  constructor(engine: Engine, close: () => Promise<void>) {
    this.#engine = engine
    this.#close = close
    this.closed = this.#closing.promise
  }

  get hasBegun(): boolean {
    return this.#leaving !== null
  }

  /** All that leaving asks for is done. */
  left(): void {
    this.#left.resolve()
  }

  /** Of several calls, the one whose time is over first counts. */
  leave(graceMs: number): Promise<void> {
    const timer = setTimeout(this.#graceOver.resolve, graceMs)
    const clear = (): void => clearTimeout(timer)
    this.closed.then(clear, clear)
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** No goodbye: it would be taken for that of the node that stays. */
  giveWay(name: string, why: 'identity' | 'name'): void {
    const reason =
      why === 'identity'
        ? new DuplicateIdentityError(
            `another process uses the identity of ${name}: its data folder was copied. Start this one with a data folder of its own`
          )
        : new NameTakenError(
            `another node is called ${name} already: give this one another --computer or --instance`
          )
    this.#leaving ??= this.#end(reason)
  }

  async #leave(): Promise<void> {
    const left = this.#left.promise
    this.#engine.feed({ kind: 'leave', abort: false })
    await Promise.race([left, this.#graceOver.promise])
    this.#engine.feed({ kind: 'leave', abort: true })
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, HAND_ON_MS)
    await Promise.race([left, late.promise])
    clearTimeout(timer)
    await this.#end(null)
  }

  async #end(reason: Error | null): Promise<void> {
    await this.#close()
    this.#closing.resolve(reason)
  }
}
