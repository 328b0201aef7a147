/** Errors in words that an agent can act on. */

/** What to do, where the message of an error speaks of flags that an agent does not have. */
const CURES: Readonly<Record<string, string>> = {
  NoNodeError: 'ask the user to start a node on this computer: "hearsay start"',
  UnknownTaskError:
    'use "list" to see which tasks there are; settled ones are forgotten after a while',
  AmbiguousTaskError: 'give more of the id',
  NotReplicatedError: 'the task is accepted all the same: do not submit it again',
  NodeClosedError: 'the node is stopping: try again in some seconds',
  LeaseLost: 'somebody else may be working on it by now: stop, and claim another task',
  LeaseLostError: 'somebody else may be working on it by now: stop, and claim another task'
}

export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cure = CURES[error.name]
  return `${error.name}: ${error.message}${cure === undefined ? '' : ` (${cure})`}`
}
