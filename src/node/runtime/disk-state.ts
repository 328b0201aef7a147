/**
 * Whether the node's disk takes what is written to it. While it takes nothing, nothing new is accepted.
 */
import { DiskFullError } from '../../shared/errors.ts'
import type { Clock } from '../../ports/ports.ts'

/** As long as an acknowledgement is waited for: what passes sooner need not trouble anybody. */
const PATIENCE_MS = 5000

type Named = Readonly<{
  name: string
  log: { warn(message: string): void; error(message: string): void }
}>

export class DiskState {
  readonly #node: Named
  readonly #clock: Pick<Clock, 'every'>
  readonly #onPersisting: (error: DiskFullError) => void
  #failure: string | null = null
  #refusesBlobs = false
  #stopWaiting = (): void => {}

  /** @param onPersisting the disk has refused for longer than callers that wait for it should go without an answer */
  constructor(
    node: Named,
    clock: Pick<Clock, 'every'>,
    onPersisting: (error: DiskFullError) => void
  ) {
    this.#node = node
    this.#clock = clock
    this.#onPersisting = onPersisting
  }

  /** Why nothing can be written; null if the disk works. */
  get failure(): string | null {
    return this.#failure
  }

  /** The disk has refused a write; or, with null, it has taken one again. */
  note(failure: unknown): void {
    const { log } = this.#node
    this.#failure = failure === null ? null : describe(failure)
    this.#stopWaiting()
    if (this.#failure === null) return log.warn('the disk can be written to again')
    log.error(`nothing new is accepted or begun: ${this.#failure}`)
    this.#stopWaiting = this.#clock.every(PATIENCE_MS, () => this.#tellWhoWaits())
  }

  /** Nobody is told any more: the node closes. */
  close(): void {
    this.#stopWaiting()
  }

  /**
   * The disk has no room for a payload or result, or, with null, has taken one. What is small may fit all the same, so
   * it is only said: the caller that wanted it written is told, and what has to be here is fetched when there is room.
   */
  noteBlob(failure: DiskFullError | null): void {
    const refuses = failure !== null
    if (refuses !== this.#refusesBlobs) {
      if (refuses) this.#node.log.error(failure.message)
      else this.#node.log.warn('the disk takes large payloads and results again')
    }
    this.#refusesBlobs = refuses
  }

  /** @throws DiskFullError */
  assertWorks(): void {
    if (this.#failure === null) return
    throw new DiskFullError(
      `node ${this.#node.name} accepts nothing until its disk can be written to again: ${this.#failure}`
    )
  }

  /** Submissions that came before the disk was known to be full wait for it, and could do so for days. */
  #tellWhoWaits(): void {
    this.#onPersisting(
      new DiskFullError(
        `the task is in the memory of node ${this.#node.name} only, which keeps it when there is room again and may lose it before: ${this.#failure}`
      )
    )
  }
}

function describe(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure)
}
