/**
 * Errors on their way from a node to its clients: an object of JSON and a status code one way, the same error by name
 * the other way. The name is what a caller tests for, so it survives the trip; the stack is of no use to a caller.
 */
import {
  AmbiguousTaskError,
  BlobUnavailableError,
  CountMismatchError,
  DependencyForgottenError,
  DiskFullError,
  ForeignStateFileError,
  HandlersFileError,
  InvalidOptionError,
  LeaseEndedError,
  LeaseLostError,
  NoNodeError,
  NodeClosedError,
  NotReplicatedError,
  PayloadRejectedError,
  TooLargeError,
  UnknownNodeError,
  UnknownTaskError,
  UnknownWorkerError,
  WaitTimeoutError,
  TaskStateError
} from '../shared/errors.ts'

/**
 * The body of every answer that is not a success; also the last line of a stream that broke. `advice`: what to do, the
 * same for each name.
 */
export type Problem = {
  v: 1
  error: { name: string; message: string; advice: string; taskId?: string }
}

export type ProblemStatus = 400 | 404 | 409 | 413 | 422 | 500 | 503 | 504 | 507

type Kind = Readonly<{ status: ProblemStatus; advice: string }>

/** Names of errors that a problem may have. */
export type ProblemName =
  | 'InvalidOptionError'
  | 'UnknownNodeError'
  | 'UnknownTaskError'
  | 'BlobUnavailableError'
  | 'AmbiguousTaskError'
  | 'DependencyForgottenError'
  | 'TaskStateError'
  | 'CountMismatchError'
  | 'TooLargeError'
  | 'PayloadRejectedError'
  | 'DiskFullError'
  | 'ForeignStateFileError'
  | 'HandlersFileError'
  | 'NotReplicatedError'
  | 'NodeClosedError'
  | 'WaitTimeoutError'
  | 'LeaseLost'
  | 'LeaseEnded'
  | 'UnknownWorkerError'

/** What each of them is. */
export const PROBLEMS: Readonly<Record<ProblemName, Kind>> = {
  InvalidOptionError: { status: 400, advice: 'correct the request; nothing was done' },
  UnknownNodeError: { status: 404, advice: 'take a name from GET /v1/nodes' },
  UnknownTaskError: { status: 404, advice: 'check the id; the task may have been pruned' },
  BlobUnavailableError: { status: 503, advice: 'ask again when more nodes are connected' },
  AmbiguousTaskError: { status: 409, advice: 'give more of the id' },
  DependencyForgottenError: { status: 409, advice: 'submit without that dependency' },
  TaskStateError: { status: 409, advice: 'look at the task first; nothing was done' },
  CountMismatchError: { status: 409, advice: 'look at what fits now; nothing was done' },
  TooLargeError: { status: 413, advice: 'write what is large elsewhere, or send it as a blob' },
  PayloadRejectedError: { status: 422, advice: 'correct the payload; no task was created' },
  DiskFullError: { status: 507, advice: 'make room on the disk of the node, or ask another one' },
  HandlersFileError: { status: 422, advice: 'mend the handlers file; nothing has changed' },
  ForeignStateFileError: { status: 422, advice: 'take a state file of this cluster' },
  NotReplicatedError: { status: 503, advice: 'go on with the task of that id: it stands' },
  NodeClosedError: { status: 503, advice: 'ask another node' },
  WaitTimeoutError: { status: 504, advice: 'wait again: the task goes on' },
  LeaseLost: { status: 409, advice: 'stop: the task is not yours any more; ask for another' },
  LeaseEnded: {
    status: 409,
    advice: 'ask for another task: this one has ended as you said before'
  },
  UnknownWorkerError: { status: 404, advice: 'connect again: what the worker had is given back' }
}

/** Whatever has no name of its own: a fault of hearsay. */
export const FAULT: Kind = { status: 500, advice: 'report it, with the log of the node' }

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  BlobUnavailableError,
  CountMismatchError,
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
  HandlersFileError,
  NodeClosedError,
  WaitTimeoutError,
  LeaseLost: LeaseLostError,
  LeaseEnded: LeaseEndedError,
  UnknownWorkerError
}

/** Why a node has closed on its own; for those who ask it, that it has is all there is to act on. */
const GONE: ReadonlySet<string> = new Set(['NameTakenError', 'DuplicateIdentityError'])

export function problemOf(thrown: unknown): { status: ProblemStatus; problem: Problem } {
  const error = reasonOf(thrown)
  const { message } = error
  const name = GONE.has(error.name) ? 'NodeClosedError' : error.name
  const taskId = error instanceof NotReplicatedError ? { taskId: error.taskId } : {}
  const { status, advice } = kindOf(name)
  return { status, problem: { v: 1, error: { name, message, advice, ...taskId } } }
}

function kindOf(name: string): Kind {
  return Object.hasOwn(PROBLEMS, name) ? PROBLEMS[name as ProblemName] : FAULT
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
