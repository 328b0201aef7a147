/**
 * The context of one run, and the bound on what it may report.
 *
 * A handler may report as often as it likes; its reports are passed on at a bounded rate, so that no handler can flood
 * the node. Of progress only the newest counts: one report goes out at once, those that follow within the interval
 * replace each other until it is over. Of lines a bounded number a second is passed on; the rest is dropped, and a line
 * says how many.
 */
import type { Run } from '../core/effect.ts'
import type { OutputStream } from '../core/message.ts'
import type { HandlerContext } from '../ports/handler.ts'
import { cutBytes, textOf } from './description.ts'
import type { Print } from './threads/printed.ts'

/** At most 20 reports a second reach the node: as many as an eye can follow. */
const PROGRESS_INTERVAL_MS = 50
const PROGRESS_MESSAGE_BYTES_MAX = 1024
/** Without its end. */
export const LINE_BYTES_MAX = 8192
/** Guess: a chatty handler stays below, a runaway loop of them costs the node 1.6 MB a second at most. */
const LINES_PER_SECOND_MAX = 200

/** Where the reports of a run go. */
export type Reporter = {
  /** Whether there is room for one more. Who reports all the same, at the end of a run, is heard. */
  room(): boolean
  progress(fraction: number, message: string | null): void
  output(stream: OutputStream, text: string): void
}

export type RunContext = {
  context: HandlerContext
  /** A line that the handler has printed. */
  print: Print
  /** The run is over: passes on what is held back, ignores what still comes. */
  finish: () => void
}

export function createContext(
  run: Run,
  dependencies: HandlerContext['dependencies'],
  signal: AbortSignal,
  reporter: Reporter
): RunContext {
  const progress = new ProgressReports(reporter)
  const lines = new LineReports(reporter)
  let over = false
  const print = (stream: OutputStream, line: unknown): void => {
    if (!over) lines.add(stream, line)
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
    log: line => print('log', line),
    dependencies
  }
  const finish = (): void => {
    over = true
    progress.flush()
    lines.flush()
  }
  return { context, print, finish }
}

class ProgressReports {
  readonly #reporter: Reporter
  #sentAt = -Infinity
  #held: { fraction: number; message: string | null } | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(reporter: Reporter) {
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

export class LineReports {
  readonly #reporter: Reporter
  #secondBeganAt = -Infinity
  #passed = 0
  #dropped = 0
  /** Whether some of the dropped lines were dropped for lack of room. */
  #wasFull = false

  constructor(reporter: Reporter) {
    this.#reporter = reporter
  }

  add(stream: OutputStream, line: unknown): void {
    const now = performance.now()
    if (now - this.#secondBeganAt >= 1000) {
      if (this.#reporter.room()) this.flush()
      this.#secondBeganAt = now
      this.#passed = 0
    }
    if (this.#passed === LINES_PER_SECOND_MAX) {
      this.#dropped++
    } else if (this.#reporter.room()) {
      this.#passed++
      this.#reporter.output(stream, `${cutBytes(textOf(line), LINE_BYTES_MAX)}\n`)
    } else {
      this.#dropped++
      this.#wasFull = true
    }
  }

  /** Says what was dropped. */
  flush(): void {
    if (this.#dropped === 0) return
    const busy = this.#wasFull ? ', or the node was busy' : ''
    const limit = `more than ${LINES_PER_SECOND_MAX} a second${busy}`
    this.#reporter.output('log', `(${this.#dropped} lines dropped: ${limit})\n`)
    this.#dropped = 0
    this.#wasFull = false
  }
}
