/**
 * When this node ran which tasks: those that run, and the last thousands that have ended.
 *
 * Kept in memory only, for the eye: what has to be known of a run is in the log of tasks. So it ends with the node, and
 * when there are too many the oldest ones go.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'
import type { RunResult } from '../../core/input.ts'
import {
  TIMELINE_LIMITS,
  type RunSpan,
  type TimelineAnswer,
  type TimelineRequest
} from '../../core/message.ts'
import type { CoreView } from '../../core/view.ts'
import { viaOf } from '../queries/via.ts'

export type RunSpansParts = Readonly<{
  core: Pick<CoreView, 'record'>
  /** The wall clock in ms. */
  now: () => number
  /** Runs that have ended and are kept. @default TIMELINE_LIMITS.spansKept */
  keptMax?: number
}>

export class RunSpans {
  readonly #parts: RunSpansParts
  readonly #keptMax: number
  readonly #running = new Map<string, RunSpan>()
  /** In the order in which they ended; the oldest one stands at `#next` once there are as many as may be. */
  readonly #ended: RunSpan[] = []
  #next = 0
  /** When the newest ended that has been let go of. */
  #reachesToMs: number | null = null

  constructor(parts: RunSpansParts) {
    this.#parts = parts
    this.#keptMax = parts.keptMax ?? TIMELINE_LIMITS.spansKept
  }

  /** The handler is called. */
  began({ taskId, epoch, attempt, type, pool, slot }: Run): void {
    const record = this.#parts.core.record(taskId)
    this.#running.set(keyOf(taskId, epoch), {
      taskId,
      type,
      epoch,
      attempt,
      pool,
      slot,
      fromMs: this.#now(),
      toMs: null,
      outcome: null,
      via: record === undefined ? 'submitted' : viaOf(record.claim)
    })
  }

  /** It has ended by itself. */
  ended(taskId: TaskId, epoch: number, run: RunResult): void {
    const isPostponed = run.status === 'failed' && run.retryAfterMs !== undefined
    this.#end(taskId, epoch, isPostponed ? 'postponed' : run.status)
  }

  /** It was ended. */
  aborted(taskId: TaskId, epoch: number): void {
    const record = this.#parts.core.record(taskId)
    const isCancelled = (record?.cancelRequest ?? null) !== null
    this.#end(taskId, epoch, isCancelled ? 'cancelled' : 'aborted')
  }

  /** What ran at some time between, part by part; oldest first, those that still run at the end. */
  *answer({ fromMs, toMs }: TimelineRequest): Generator<TimelineAnswer> {
    const fits = (span: RunSpan): boolean =>
      span.fromMs <= toMs && (span.toMs === null || span.toMs >= fromMs)
    const oldestFirst = [...this.#ended.slice(this.#next), ...this.#ended.slice(0, this.#next)]
    const { spansPerPart, spansMax } = TIMELINE_LIMITS
    const spans = [...oldestFirst, ...this.#running.values()].filter(fits).slice(-spansMax)
    for (let from = 0; from < spans.length; from += spansPerPart) {
      yield { kind: 'spans', spans: spans.slice(from, from + spansPerPart) }
    }
    yield { kind: 'end', reachesToMs: this.#reachesToMs }
  }

  #end(taskId: TaskId, epoch: number, outcome: RunSpan['outcome']): void {
    const key = keyOf(taskId, epoch)
    const span = this.#running.get(key)
    if (span === undefined) return
    this.#running.delete(key)
    const dropped = this.#ended[this.#next]
    if (dropped !== undefined) this.#reachesToMs = dropped.toMs
    // The clock may have been set back meanwhile.
    this.#ended[this.#next] = { ...span, outcome, toMs: Math.max(span.fromMs, this.#now()) }
    this.#next = (this.#next + 1) % this.#keptMax
  }

  #now(): number {
    return Math.max(0, Math.floor(this.#parts.now()))
  }
}

function keyOf(taskId: TaskId, epoch: number): string {
  return `${taskId} ${epoch}`
}
