/**
 * The life of one run, wherever it runs: how long it may take, and what is reported of it.
 *
 * A run that has to stop is asked first and made to stop after a grace time. Whatever it says after that is not its own
 * outcome any more: a run that timed out has timed out even if it returns a result in its last moment, and of an
 * aborted one nothing is reported at all. Only `ended` reports, and only once, so a time-out is not reported before the
 * run is really over.
 */
import type { Run } from '../core/effect.ts'
import type { RunResult } from '../core/input.ts'
import { outcomeOfTimeout, outcomeOfUnloadable, outcomeOfUnreadable } from './outcome.ts'
import type { StopCause } from './threads/protocol.ts'

/** How to stop a run: depends on where it runs. */
export type Brakes = {
  ask(cause: StopCause): void
  /** Has to lead to `ended`, in whatever way the run then ends. */
  force(): void
}

export type AttemptOptions = {
  abortGraceMs: number
  loadTimeoutMs: number
  /** Called once, unless the run was aborted. */
  report(result: RunResult, durationMs: number): void
  /** Called once, in any case, before `report`. */
  over(): void
}

export class Attempt {
  readonly run: Run
  /** Resolves when it is over, however it ended. */
  readonly over: Promise<void>
  readonly #resolveOver: () => void
  readonly #options: AttemptOptions
  #brakes: Brakes | null = null
  #timer: NodeJS.Timeout | null = null
  #isLoaded = true
  #calledAt: number | null = null
  /** Stands in for what the run itself says at its end. */
  #verdict: RunResult | null = null
  #aborted = false
  #over = false

  constructor(run: Run, options: AttemptOptions) {
    this.run = run
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#resolveOver = resolve
    this.#options = options
  }

  get aborted(): boolean {
    return this.#aborted
  }

  /** Nothing that it still does counts. */
  get isOver(): boolean {
    return this.#over || this.#aborted
  }

  /**
   * The attempt has a place to run, or another one; what comes first is to load what it needs.
   *
   * @param isLoaded whether the handler itself is there. @default true
   */
  begin(brakes: Brakes, isLoaded = true): void {
    this.#clear()
    this.#brakes = brakes
    this.#isLoaded = isLoaded
    const { loadTimeoutMs } = this.#options
    this.#wait(loadTimeoutMs, () => {
      const late = `it took more than ${loadTimeoutMs} ms`
      this.#verdict = this.#isLoaded
        ? outcomeOfUnreadable(new Error(late))
        : outcomeOfUnloadable(late)
      brakes.force()
    })
  }

  /** Whether its handlers file has been loaded: what goes wrong from here on is its own. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Why it was made to stop, if it was. */
  get verdict(): RunResult | null {
    return this.#verdict
  }

  markLoaded(): void {
    this.#isLoaded = true
  }

  /**
   * Its place to run is gone. True if the handler has not been called and is still to be: `begin` it elsewhere. (Then
   * it was not this run that ended the place.)
   */
  giveBack(): boolean {
    if (this.#calledAt !== null || this.#aborted || this.#verdict !== null) return false
    this.#clear()
    this.#brakes = null
    return true
  }

  /** The handler is being called: the timeout begins to count. */
  markCalled(): void {
    if (this.#calledAt !== null || this.#aborted || this.#over) return
    this.#calledAt = performance.now()
    this.#clear()
    const { timeoutMs } = this.run
    if (timeoutMs === null) return
    this.#wait(timeoutMs, () => {
      this.#verdict = outcomeOfTimeout(timeoutMs)
      this.#stop('timeout')
    })
  }

  abort(): void {
    if (this.#aborted || this.#over) return
    this.#aborted = true
    this.#clear()
    if (this.#brakes === null) this.ended(null, 0)
    else this.#stop('aborted')
  }

  /** Null: the run was made to stop, and only the verdict says why. */
  ended(result: RunResult | null, durationMs: number | null): void {
    if (this.#over) return
    this.#over = true
    this.#clear()
    this.#options.over()
    this.#resolveOver()
    const verdict = this.#verdict ?? result
    if (this.#aborted || verdict === null) return
    this.#options.report(verdict, durationMs ?? this.#elapsedMs())
  }

  #stop(cause: StopCause): void {
    this.#wait(this.#options.abortGraceMs, () => this.#brakes?.force())
    this.#brakes?.ask(cause)
  }

  #elapsedMs(): number {
    return this.#calledAt === null ? 0 : Math.round(performance.now() - this.#calledAt)
  }

  #wait(ms: number, callback: () => void): void {
    this.#timer = setTimeout(callback, ms)
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
