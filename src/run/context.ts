/**
 * The context of one run, and the bound on what it may report.
 *
 * A handler may report as often as it likes; its reports are passed on at a bounded rate, so that no handler can flood
 * the node. Of progress only the newest counts: one report goes out at once, those that follow within the interval
 * replace each other until it is over. What it says is bounded in bytes (printing/run-output.ts).
 */
import type { Run } from '../core/effect.ts'
import type { HandlerContext } from '../ports/handler.ts'
import { cutBytes, logText } from './description.ts'
import type { Print } from './printing/printed.ts'
import { RunOutput, type Outlet } from './printing/run-output.ts'
import type { KeepSaved } from './saving.ts'

/** At most 20 reports a second reach the node: as many as an eye can follow. */
const PROGRESS_INTERVAL_MS = 50
const PROGRESS_MESSAGE_BYTES_MAX = 1024
/** Of what is logged at a time. */
const LOG_BYTES_MAX = 8192

/** Where the reports of a run go. */
export type Reporter = Outlet &
  Readonly<{ progress(fraction: number, message: string | null): void; save: KeepSaved }>

/** What a run is given beside its payload. */
export type Given = Pick<HandlerContext, 'dependencies' | 'checkpoint' | 'saveCheckpoint'>

export type RunContext = {
  context: HandlerContext
  /** What the handler has printed. */
  print: Print
  /** The run is over: passes on what is held back, ignores what still comes. */
  finish: () => void
}

export function createContext(
  run: Run,
  given: Given,
  signal: AbortSignal,
  reporter: Outlet & Pick<Reporter, 'progress'>
): RunContext {
  const progress = new ProgressReports(reporter)
  const output = new RunOutput(reporter)
  let over = false
  const print: Print = (stream, bytes) => {
    if (!over) output.write(stream, bytes)
  }
  const context: HandlerContext = {
    id: run.taskId,
    type: run.type,
    attempt: run.attempt,
    epoch: run.epoch,
    traceparent: run.traceparent,
    signal,
    progress: (fraction, message) => {
      if (!over) progress.add(fraction, message)
    },
    log: line => print('log', Buffer.from(`${logText(line, LOG_BYTES_MAX)}\n`)),
    ...given
  }
  const finish = (): void => {
    over = true
    progress.flush()
    output.flush()
  }
  return { context, print, finish }
}

class ProgressReports {
  readonly #reporter: Outlet & Pick<Reporter, 'progress'>
  #sentAt = -Infinity
  #held: { fraction: number; message: string | null } | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(reporter: Outlet & Pick<Reporter, 'progress'>) {
    this.#reporter = reporter
  }

  add(fraction: unknown, message: unknown): void {
    if (typeof fraction !== 'number' || Number.isNaN(fraction)) return
    this.#held = {
      fraction: Math.min(1, Math.max(0, fraction)),
      message: typeof message === 'string' ? cutBytes(message, PROGRESS_MESSAGE_BYTES_MAX) : null
    }
    const waitMs = this.#sentAt + PROGRESS_INTERVAL_MS - performance.now()
    if (waitMs <= 0 && this.#reporter.room()) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), waitMs).unref()
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#held === null) return
    this.#reporter.progress(this.#held.fraction, this.#held.message)
    this.#held = null
    this.#sentAt = performance.now()
  }
}
