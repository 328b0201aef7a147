/**
 * How a verb ends: the exit codes that scripts depend on, in one table.
 */
import type { TaskState } from '../node/api/node-api.ts'

/** A failure of hearsay itself, which must not be taken for that of a task. */
export const OWN_FAILURE = 125
export const USAGE = 2
export const NO_NODE = 3
/** Nothing was done, and it would be no different another time. */
export const REFUSED = 6
/** The task stands. */
export const NOT_REPLICATED = 7
/** The tasks go on. */
export const TIMED_OUT = 124

/** Exit codes of a process that a signal has ended: 128 plus its number. */
export const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** What each code says to a script, for the help. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'the task failed',
  2: 'wrong usage, nothing was done',
  3: 'no node can be reached',
  4: 'no such task, or forgotten',
  5: 'the task was cancelled',
  6: 'refused, such as a payload that is too large or a foreign state file',
  7: 'on fewer nodes than --acks asked for; the task stands',
  124: 'the wait timed out; the task goes on',
  125: 'a failure of hearsay itself'
}

const BY_ERROR: Readonly<Record<string, number>> = {
  InvalidOptionError: USAGE,
  NoClusterKeyError: USAGE,
  AmbiguousTaskError: USAGE,
  HandlersFileError: USAGE,
  DataFolderError: USAGE,
  DataFolderLockedError: USAGE,
  NoNodeError: NO_NODE,
  NodeClosedError: NO_NODE,
  BlobUnavailableError: NO_NODE,
  UnknownTaskError: 4,
  UnknownNodeError: USAGE,
  DuplicateIdentityError: REFUSED,
  NameTakenError: REFUSED,
  PayloadRejectedError: REFUSED,
  TooLargeError: REFUSED,
  DependencyForgottenError: REFUSED,
  TaskStateError: REFUSED,
  CountMismatchError: REFUSED,
  DiskFullError: REFUSED,
  ForeignStateFileError: REFUSED,
  NotReplicatedError: NOT_REPLICATED,
  WaitTimeoutError: TIMED_OUT
}

/** Exit codes by what they tell: of several, the first of these that occurs says most about what to do now. */
const MOST_TELLING = [OWN_FAILURE, USAGE, NO_NODE, REFUSED, 4, TIMED_OUT, NOT_REPLICATED, 1, 5, 0]

export function exitCodeOfError(error: unknown): number {
  const name = error instanceof Error ? error.name : ''
  return BY_ERROR[name] ?? OWN_FAILURE
}

export function exitCodeOfTask(state: TaskState): number {
  if (state === 'failed') return 1
  return state === 'cancelled' ? 5 : 0
}

/** One code for several tasks. */
export function mostTelling(codes: readonly number[]): number {
  return MOST_TELLING.find(code => codes.includes(code)) ?? OWN_FAILURE
}
