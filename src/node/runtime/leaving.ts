/** How a node ends: on purpose, in good order and within a time; or at once, because another node is in its place. */
import {
  DuplicateIdentityError,
  NameTakenError,
  NodeClosedError,
  TasksLeftBehindError
} from '../../shared/errors.ts'
import type { CoreView } from '../../core/view.ts'
import type { Input } from '../../core/input.ts'
import type { NodeView } from '../api/node-api.ts'
import type { NodeSettings } from '../settings.ts'

/** Handing on what was aborted takes a flush and a message. */
const HAND_ON_MS = 5000
/** Time within which a goodbye is said, as a rule, if there is a member to hear it. */
const SAY_SO_MS = 1000

type Parts = Readonly<{
  feed: (input: Input) => void
  core: Readonly<{ view: Pick<CoreView, 'isWaitingToLeave' | 'leftBehind'> }>
  settings: Pick<NodeSettings, 'log' | 'data' | 'name'>
  /** The members, as far as they are known. */
  nodes: () => readonly NodeView[]
}>

export class Leaving {
  /** Resolves when the node has closed; to the reason, if it had to. */
  readonly closed: Promise<Error | null>
  readonly #parts: Parts
  readonly #close: (closed: Error) => Promise<void>
  readonly #closing = Promise.withResolvers<Error | null>()
  readonly #left = Promise.withResolvers<void>()
  readonly #graceOver = Promise.withResolvers<void>()
  #leaving: Promise<void> | null = null
  /** Nothing comes in any more, so that nobody may begin to wait for it. */
  #isClosed = false
  /** Why the node had to give way to another one; null if it did not. */
  #givesWay: Error | null = null

  /** @param close frees everything, and lets go of all callers with that error; called once */
  constructor(parts: Parts, close: (closed: Error) => Promise<void>) {
    this.#parts = parts
    this.#close = close
    this.closed = this.#closing.promise
  }

  /** What callers are refused with from its beginning on. */
  get stoppingError(): Error {
    return this.#givesWay ?? new NodeClosedError(`node ${this.#name} is stopping: ask another one`)
  }

  /** @throws NodeClosedError once it has begun, or NameTakenError, DuplicateIdentityError if the node gives way */
  assertOpen(): void {
    if (this.#leaving !== null) throw this.stoppingError
  }

  /** @throws NodeClosedError once the node has closed, or why it gave way */
  assertNotClosed(): void {
    if (this.#isClosed) throw this.#closedError
  }

  get #closedError(): Error {
    return (
      this.#givesWay ??
      new NodeClosedError(`node ${this.#name} has stopped: ask another one, tasks go on`)
    )
  }

  get #name(): string {
    return this.#parts.settings.name
  }

  /** Which node has our name, as far as it is known: the name may be given on another computer by mistake. */
  get #whichOne(): string {
    const isNamesake = ({ self, name }: NodeView): boolean => !self && name === this.#name
    const { id, addresses = [] } = this.#parts.nodes().find(isNamesake) ?? {}
    return id ? ` (${[id, ...addresses.slice(0, 1)].join(' at ')})` : ''
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
  giveWay(why: 'identity' | 'name'): void {
    const name = this.#name
    const reason =
      why === 'identity'
        ? new DuplicateIdentityError(
            `another process uses the identity of ${name}: its data folder was copied. Start this one with a data folder of its own`
          )
        : new NameTakenError(
            `another node is called ${name} already${this.#whichOne}, so this one has ended: give it another --computer or --instance`
          )
    if (this.#leaving !== null) return
    this.#givesWay = reason
    this.#leaving = this.#end(reason)
  }

  #saySo(): void {
    const { core, settings } = this.#parts
    if (!core.view.isWaitingToLeave) return
    settings.log.warn('waits for another node to say goodbye to: none can be reached')
  }

  /** @param cares whether the caller wants to hear of what stays */
  async #leave(cares: boolean): Promise<void> {
    const left = this.#left.promise
    this.#parts.feed({ kind: 'leave', abort: false })
    await Promise.race([left, this.#graceOver.promise])
    this.#parts.feed({ kind: 'leave', abort: true })
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
    this.#isClosed = true
    await this.#close(this.#closedError)
    this.#closing.resolve(reason)
  }
}
