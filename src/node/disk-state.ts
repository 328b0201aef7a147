/**
 * Whether the node's disk takes what is written to it. While it does not, nothing new is accepted.
 */
import { DiskFullError } from '../errors.ts'

export class DiskState {
  readonly #nodeName: string
  readonly #log: { warn(message: string): void; error(message: string): void }
  #failure: string | null = null

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
