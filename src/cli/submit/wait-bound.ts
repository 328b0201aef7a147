/** How long a verb waits for the end of the tasks that it has submitted. */
import { WaitTimeoutError } from '../../shared/errors.ts'

export class WaitBound {
  readonly #timeoutMs: number | undefined
  readonly #late: AbortController
  readonly #open: () => number
  #timer: NodeJS.Timeout | undefined

  /**
   * @param timeoutMs undefined: there is none
   * @param late is aborted, with a WaitTimeoutError, when the time is over
   * @param open how many tasks have not settled
   */
  constructor(timeoutMs: number | undefined, late: AbortController, open: () => number) {
    this.#timeoutMs = timeoutMs
    this.#late = late
    this.#open = open
  }

  /** The time counts from the first call. */
  start(): void {
    if (this.#timeoutMs === undefined) return
    this.#timer ??= setTimeout(() => this.#end(), this.#timeoutMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #end(): void {
    const count = this.#open()
    const [tasks, they] =
      count === 1 ? ['1 task has', 'it goes'] : [`${count} tasks have`, 'they go']
    this.#late.abort(
      new WaitTimeoutError(`${tasks} not settled within ${this.#timeoutMs} ms: ${they} on`)
    )
  }
}
