/** Where a task has been, and for how long: told to whatever collects traces. */
import type { TaskId } from '../core/base/ids.ts'
import type { Run } from '../core/effect.ts'
import type { RunResult } from '../core/input.ts'

/** Traces as W3C Trace Context writes them; null: none. */
export type Traceparent = string | null

export interface Tracing {
  /**
   * Performs a submission within a span of its own.
   *
   * @param parent what the submitter says the task belongs to; null: what is active where it is called
   * @param submit given what the task is to carry
   */
  submission<T extends Readonly<{ id: TaskId }>>(
    type: string,
    parent: Traceparent,
    submit: (traceparent: Traceparent) => Promise<T>
  ): Promise<T>
  /**
   * Begins a run within a span of its own, after one for the time that the task has waited.
   *
   * @param submittedAt in ms since 1970
   * @param start given the same run, which belongs to its span
   */
  run(run: Run, submittedAt: number, start: (run: Run) => void): void
  /** A run has ended; null: it was aborted. */
  ended(taskId: TaskId, epoch: number, result: RunResult | null): void
}
