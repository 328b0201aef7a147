/** How a node ends: on purpose, in good order and within a time; or at once, because another node is in its place. */
import {
  DuplicateIdentityError,
  NameTakenError,
  TasksLeftBehindError
} from '../../shared/errors.ts'
import type { CoreView } from '../../core/view.ts'
import type { Engine } from './engine.ts'
import type { NodeSettings } from '../settings.ts'

/** Handing on what was aborted takes a flush and a message. */
const HAND_ON_MS = 5000
/** Time within which a goodbye is said, as a rule, if there is a member to hear it. */
const SAY_SO_MS = 1000

type Parts = Readonly<{
  engine: Engine
  core: Readonly<{ view: Pick<CoreView, 'isWaitingToLeave' | 'leftBehind'> }>
  settings: Pick<NodeSettings, 'log' | 'data'>
}>

export class Leaving {
  /** Resolves when the node has closed; to the reason, if it had to. */
  readonly closed: Promise<Error | null>
  readonly #parts: Parts
  readonly #close: () => Promise<void>
  readonly #closing = Promise.withResolvers<Error | null>()
  readonly #left = Promise.withResolvers<void>()
  readonly #graceOver = Promise.withResolvers<void>()
  #leaving: Promise<void> | null = null

  /** @param close frees everything; called once */
  constructor(parts: Parts, close: () => Promise<void>) {
    this.#parts = parts
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

  /** Leaves; of several calls, the one whose time is over first counts. */
  leave(graceMs: number): Promise<void> {
    const timers = [
      setTimeout(this.#graceOver.resolve, graceMs),
      setTimeout(() => this.#saySo(), SAY_SO_MS)
    ]
    const clear = (): void => timers.forEach(timer => clearTimeout(timer))
    this.closed.then(clear, clear)
    this.#leaving ??= this.#leave(graceMs > 0)
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

  #saySo(): void {
    const { core, settings } = this.#parts
    if (!core.view.isWaitingToLeave) return
    settings.log.warn('waits for another node to say goodbye to: none can be reached')
  }

  /** @param cares whether the caller wants to hear of what stays */
  async #leave(cares: boolean): Promise<void> {
    const left = this.#left.promise
    this.#parts.engine.feed({ kind: 'leave', abort: false })
    await Promise.race([left, this.#graceOver.promise])
    this.#parts.engine.feed({ kind: 'leave', abort: true })
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, HAND_ON_MS)
    await Promise.race([left, late.promise])
    clearTimeout(timer)
    const { core, settings } = this.#parts
    const tasks = core.view.leftBehind()
    await this.#end(null)
    if (cares && tasks > 0) throw new TasksLeftBehindError(tasks, settings.data)
  }

  async #end(reason: Error | null): Promise<void> {
    await this.#close()
    this.#closing.resolve(reason)
  }
}
