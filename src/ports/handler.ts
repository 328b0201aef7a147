/**
 * What a handler is: the one function that a user writes for a type of task.
 *
 * It gets the payload as a plain value and a context that says which run this is. What it returns is the result of
 * the task; what it throws is its error. It looks the same wherever it runs: in a worker thread (a module) or on
 * the node's own thread (a function).
 */
import type { TaskId } from '../core/base/ids.ts'

/** What a handler is given beside the payload: which run this is, and how to report. */
export type HandlerContext = Readonly<{
  id: TaskId
  type: string
  /** Which run of the task this is, from 1. */
  attempt: number
  /** The task's fencing token: of two runs of one task, the one with the greater epoch is the rightful one. */
  epoch: number
  /** Aborted when the run is no longer wanted (`AbortError`) or took longer than its timeout (`TimeoutError`). */
  signal: AbortSignal
  /**
   * Reports how far the run is. Only the newest of many reports in a short time is passed on.
   *
   * @param fraction 0 to 1, anything beyond is clamped; a report whose fraction is not a number is ignored
   */
  progress: (fraction: number, message?: string) => void
  /**
   * Reports a line: a text, or anything else as `console.log` shows it. What is longer than 8 KiB is cut, and says so;
   * of more than 1 MiB a second, together with what the run prints, the rest is dropped, and a line says how much.
   */
  log: (line: unknown) => void
  /** The trace that this run belongs to, as W3C Trace Context writes it; null if the submission named none. */
  traceparent: string | null
  /**
   * What an attempt of this task before this one saved last, also on another node; undefined: none did. A plain value;
   * what a worker outside saved and is no JSON comes as its bytes, a `Uint8Array`.
   */
  checkpoint: unknown
  /**
   * Saves where this run stands, as a plain value, in place of what was saved before: the next attempt, on whatever node,
   * finds it in `checkpoint`. Once it resolves, that is also so if this computer is lost; it takes some disk writes.
   *
   * @throws NotJsonError TooLargeError DiskFullError CheckpointRefusedError: the task is not this run's any more
   */
  saveCheckpoint: (value: unknown) => Promise<void>
  /** Results of the tasks it depends on, by id, as plain values. */
  dependencies: Readonly<Record<TaskId, unknown>>
}>

/**
 * Runs one type of task. The result has to be something that JSON can carry; undefined becomes null.
 *
 * The payload's type is what the handler declares: nothing checks that submitters keep to it.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- `unknown` would refuse handlers that declare their payload
export type Handler<Payload = any, Result = unknown> = (
  payload: Payload,
  context: HandlerContext
) => Result | Promise<Result>
