/**
 * Errors on their way from a node to its clients: an object of JSON and a status code one way, the same error by name
 * the other way. The name is what a caller tests for, so it survives the trip; the stack is of no use to a caller.
 */
import {
  AmbiguousTaskError,
  BlobUnavailableError,
  DependencyForgottenError,
  DiskFullError,
  ForeignStateFileError,
  InvalidOptionError,
  NoNodeError,
  NodeClosedError,
  NotReplicatedError,
  PayloadRejectedError,
  TooLargeError,
  UnknownNodeError,
  UnknownTaskError,
  WaitTimeoutError,
  TaskStateError
} from '../shared/errors.ts'

/** The body of every answer that is not a success; also the last line of a stream that broke. */
export type Problem = { v: 1; error: { name: string; message: string; taskId?: string } }

export type ProblemStatus = 400 | 404 | 409 | 413 | 422 | 500 | 503 | 504 | 507

const STATUS: Readonly<Record<string, ProblemStatus>> = {
  InvalidOptionError: 400,
  UnknownNodeError: 404,
  UnknownTaskError: 404,
  BlobUnavailableError: 503,
  AmbiguousTaskError: 409,
  DependencyForgottenError: 409,
  TaskStateError: 409,
  TooLargeError: 413,
  PayloadRejectedError: 422,
  DiskFullError: 507,
  ForeignStateFileError: 422,
  NotReplicatedError: 503,
  NodeClosedError: 503,
  WaitTimeoutError: 504
}

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  BlobUnavailableError,
  DependencyForgottenError,
  InvalidOptionError,
  UnknownNodeError,
  UnknownTaskError,
  AmbiguousTaskError,
  TaskStateError,
  TooLargeError,
  PayloadRejectedError,
  DiskFullError,
  ForeignStateFileError,
  NodeClosedError,
  WaitTimeoutError
}

export function problemOf(thrown: unknown): { status: ProblemStatus; problem: Problem } {
  const error = reasonOf(thrown)
  const { name, message } = error
  const taskId = error instanceof NotReplicatedError ? { taskId: error.taskId } : {}
  return { status: STATUS[name] ?? 500, problem: { v: 1, error: { name, message, ...taskId } } }
}

/** What was broken off was so for a reason, which tells more. */
function reasonOf(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(String(thrown))
  const isAborted = thrown.name === 'AbortError' && thrown.cause instanceof Error
  return isAborted ? (thrown.cause as Error) : thrown
}

/** The error that a problem stands for; `null` if the value is no problem. */
export function errorOf(value: unknown): Error | null {
  const { name, message, taskId } = (value as Partial<Problem> | null)?.error ?? {}
  if (typeof name !== 'string' || typeof message !== 'string') return null
  if (name === 'NotReplicatedError') return new NotReplicatedError(message, taskId ?? '')
  const known = CLASSES[name]
  if (known !== undefined) return new known(message)
  return new Error(`the node failed: ${name}: ${message}`)
}

/** The node cannot be talked to (any more). */
export function noNode(folder: string, why: string): NoNodeError {
  return new NoNodeError(
    `no node answers in ${folder} (${why}): start one with "hearsay start", or pick another with --data or --node`
  )
}
