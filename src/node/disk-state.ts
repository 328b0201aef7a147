/**
 * Whether the node's disk takes what is written to it. While it takes nothing, nothing new is accepted.
 */
import { DiskFullError } from '../errors.ts'

export class DiskState {
  readonly #nodeName: string
  readonly #log: { warn(message: string): void; error(message: string): void }
  #failure: string | null = null
  #refusesBlobs = false

  constructor(
    nodeName: string,
    log: { warn(message: string): void; error(message: string): void }
  ) {
    this.#nodeName = nodeName
    this.#log = log
  }

  /** The disk has refused a write; or, with null, it has taken one again. */
  note(failure: unknown): void {
    this.#failure = failure === null ? null : describe(failure)
    if (this.#failure === null) this.#log.warn('the disk can be written to again')
    else this.#log.error(`nothing new is accepted or begun: ${this.#failure}`)
  }

  /**
   * The disk has no room for a payload or result, or, with null, has taken one. What is small may fit all the same, so it is
   * only said: whoever wanted it written is told, and what has to be here is fetched when there is room.
   */
  noteBlob(failure: DiskFullError | null): void {
    const refuses = failure !== null
    if (refuses !== this.#refusesBlobs) {
      if (refuses) this.#log.error(failure.message)
      else this.#log.warn('the disk takes large payloads and results again')
    }
    this.#refusesBlobs = refuses
  }

  /** @throws DiskFullError */
  assertWorks(): void {
    if (this.#failure === null) return
    throw new DiskFullError(
      `node ${this.#nodeName} accepts nothing until its disk can be written to again: ${this.#failure}`
    )
  }
}

function describe(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure)
}
