/**
 * What a program may say of a task that it submits. The command line says the same, in flags.
 */
import type { TaskId } from '../../core/base/ids.ts'

/** Conditions on labels, for each label: a text, one of several, or `">=16"`. */
export type LabelConditionsOption = {
  [label: string]: string | number | readonly (string | number)[]
}

/** Waits grow from attempt to attempt. Durations: ms, or text such as `"30s"`. */
export type BackoffOptions = {
  /** Before the second attempt; not above `maxDelay`. @default 1000 */
  delay?: number | string
  /** How much longer each further wait is than the one before it, 1 to 100. @default 2 */
  factor?: number
  /** No wait is longer. @default "5m" */
  maxDelay?: number | string
  /** By what part a wait may be shorter or longer, 0 to 1. @default 0.2 */
  jitter?: number
}

/** What a task may be told. */
export type TaskOptions = {
  /** 1 to 10, 10 first. @default 5 */
  priority?: number
  /**
   * Ids of tasks that have to complete first; their results reach the handler as `ctx.dependencies[id]`.
   *
   * @default []
   */
  dependsOn?: readonly TaskId[]
  /** What becomes of it if one of these does not complete. @default "cancel" */
  onDependencyFailure?: 'cancel' | 'run'
  /** Further attempts after a handler's error or a timeout, 0 to 1000. @default 3 */
  maxRetries?: number
  /** Number of starts that may end with the death of the node that ran it, 0 to 15. @default 3 */
  maxLost?: number
  /** How long to wait between attempts. */
  backoff?: BackoffOptions
  /** Bound on one attempt: ms, or text such as `"30s"`. @default none */
  timeout?: number | string
  /** Bound from submission to settling: ms, or text such as `"5m"`. @default none */
  deadline?: number | string
  /** Delay before which it is not started: ms, or text such as `"5m"`. @default 0 */
  delay?: number | string
  /**
   * It is not started before this time: a Date, a date-time of RFC 3339 (without an offset: in the time zone of this
   * process), or ms since 1970, up to the year 9999.
   *
   * @default at once
   */
  runAt?: Date | string | number
  /** What it asks of the labels of the node that runs it: what has to be, and what would be better. @default nothing */
  labels?: { require?: LabelConditionsOption; prefer?: LabelConditionsOption }
  /** The same key names the same task, on whichever nodes it is submitted. @default none */
  idempotencyKey?: string
  /** Whether it may be started once more when no node knows how an earlier start ended. @default "at-least-once" */
  delivery?: 'at-least-once' | 'at-most-once'
  /**
   * How long the task is kept after it has settled: ms, or text such as `"1h"`.
   *
   * @default completed tasks a day, failed and cancelled ones a week
   */
  retention?: number | string
  /** For filters only. @default [] */
  tags?: readonly string[]
  /** What you call it, 1 to 96 bytes: shown with its id, and found by it. Several may have one. @default none */
  ref?: string
  /**
   * The trace that the submission belongs to, as W3C Trace Context writes it; it reaches the handler, the command, or the
   * worker that runs the task.
   *
   * @default that of the active span, if `@opentelemetry/api` is there and has one
   */
  traceparent?: string
}

/** What a submission may say: the options of its task, and how safe it is to be. */
export type SubmitOptions = TaskOptions & {
  /**
   * How many other members must have the task on disk before it is acknowledged, one of them on another computer, if
   * one is linked. Otherwise: NotReplicatedError.
   *
   * @default 1 if there is another member, awaited for at most 5 s
   */
  acks?: number
}
