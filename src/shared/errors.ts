/**
 * Every error that a caller can meet. Test for them by `name`, which is part of the contract: two copies of a package
 * in one program make `instanceof` unreliable.
 */

/** The Node that runs the program is too old for hearsay. Nothing was started. */
export class UnsupportedNodeError extends Error {
  override readonly name = 'UnsupportedNodeError'
  constructor(message: string) {
    super(message)
    this.stack = withoutPlace(this)
  }
}

/** An option, argument or setting is wrong. Nothing was done. */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError'
}

/** There is no cluster key where hearsay looks for one. Nothing was started. */
export class NoClusterKeyError extends Error {
  override readonly name = 'NoClusterKeyError'
  constructor(message: string) {
    super(message)
    this.stack = withoutPlace(this)
  }
}

/** No node on this computer answers, or the one that did went away. */
export class NoNodeError extends Error {
  override readonly name = 'NoNodeError'
}

/**
 * The payload is not something that JSON can carry, or its handler's schema refuses it. At a submission: no task was
 * created. As the error of a task that failed: its handler was not called.
 */
export class PayloadRejectedError extends Error {
  override readonly name = 'PayloadRejectedError'
}

/** The payload exceeds what a task may carry. No task was created. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** No node that can be asked has the large payload or result. It may be on one that is not reachable now. */
export class BlobUnavailableError extends Error {
  override readonly name = 'BlobUnavailableError'
}

/** The state file is another cluster's, of a newer version, damaged, or no state file. Nothing was loaded. */
export class ForeignStateFileError extends Error {
  override readonly name = 'ForeignStateFileError'
}

/** No node of the cluster that can be asked knows the task. */
export class UnknownTaskError extends Error {
  override readonly name = 'UnknownTaskError'
}

/** A shortened task id fits more than one task. */
export class AmbiguousTaskError extends Error {
  override readonly name = 'AmbiguousTaskError'
}

/** The task stands (`taskId`), but fewer members than asked for have it on disk. */
export class NotReplicatedError extends Error {
  override readonly name = 'NotReplicatedError'
  readonly taskId: string
  constructor(message: string, taskId: string) {
    super(message)
    this.taskId = taskId
  }
}

/**
 * A task that this one was to depend on has settled, and has been pruned or may be at any moment. No task was created.
 */
export class DependencyForgottenError extends Error {
  override readonly name = 'DependencyForgottenError'
}

/** The state of the task does not allow what was asked for. Nothing was done. */
export class TaskStateError extends Error {
  override readonly name = 'TaskStateError'
}

/** As many tasks fit as were not expected. Nothing was done. */
export class CountMismatchError extends Error {
  override readonly name = 'CountMismatchError'
}

/** The wait ended before the task did. The task goes on. */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError'
}

/** The task failed or was cancelled. `name` is that of the handler's error where there was one. */
export class TaskFailedError extends Error {
  override readonly name: string
  readonly taskId: string
  readonly status: 'failed' | 'cancelled'
  readonly reason: string
  constructor(
    taskId: string,
    status: 'failed' | 'cancelled',
    reason: string,
    name: string,
    message: string
  ) {
    super(message)
    this.name = name
    this.taskId = taskId
    this.status = status
    this.reason = reason
  }
}

/** The node is stopping or has stopped. */
export class NodeClosedError extends Error {
  override readonly name = 'NodeClosedError'
}

/**
 * The node has left and closed, and `tasks` that have not settled are on its disk alone: no node was there to take
 * them. They go on when a node is started with the data folder `data`.
 */
export class TasksLeftBehindError extends Error {
  override readonly name = 'TasksLeftBehindError'
  readonly tasks: number
  readonly data: string
  constructor(tasks: number, data: string) {
    const what =
      tasks === 1 ? '1 task that has not settled is' : `${tasks} tasks that have not settled are`
    super(
      `no other node was there: ${what} in ${data} alone, to go on when a node is started with that data folder`
    )
    this.tasks = tasks
    this.data = data
  }
}

/** Fewer other nodes than asked for were connected within the time given. The node goes on. */
export class NotReadyError extends Error {
  override readonly name = 'NotReadyError'
}

/** Another process runs under this node's identity: its data folder was copied. The node has closed; tasks go on. */
export class DuplicateIdentityError extends Error {
  override readonly name = 'DuplicateIdentityError'
}

/** Another node of the cluster has this node's name, and was there before. The node has closed; tasks go on. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError'
}

/** No member, and no expected instance, has this name or id. */
export class UnknownNodeError extends Error {
  override readonly name = 'UnknownNodeError'
}

/** Another process uses the data folder. Nothing was changed in it. */
export class DataFolderLockedError extends Error {
  override readonly name = 'DataFolderLockedError'
  constructor(message: string) {
    super(message)
    this.stack = withoutPlace(this)
  }
}

/** The data folder cannot be used: not writable, or written by a newer hearsay. Nothing was changed in it. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.stack = withoutPlace(this)
  }
}

/**
 * The node cannot write to its disk, or not as much, and accepts nothing until it can. No task was created; but if the
 * message says that it is in memory, it may run all the same.
 */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError'
}

/** The lease is not its worker's any more: the run has been taken from it, or its time was over. Stop. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLost'
}

/** What a run wanted to save for the next attempt is not taken: the task is not that run's any more. Stop. */
export class CheckpointRefusedError extends Error {
  override readonly name = 'CheckpointRefusedError'
}

/** The lease has ended, by another word of its worker. That one counts. */
export class LeaseEndedError extends Error {
  override readonly name = 'LeaseEnded'
}

/** No worker of this name is connected to the node. */
export class UnknownWorkerError extends Error {
  override readonly name = 'UnknownWorkerError'
}

/** A handlers file cannot be loaded or has no handlers. */
export class HandlersFileError extends Error {
  override readonly name = 'HandlersFileError'
}

/** Thrown by a handler: this task will not succeed, however often it is tried. */
export class NonRetryableError extends Error {
  override readonly name = 'NonRetryableError'
}

/** Thrown by a handler: this attempt came too early. The task is tried again after a while, and that uses no retry. */
export class RetryAfterError extends Error {
  override readonly name = 'RetryAfterError'
  /** How long to wait, in ms, from when it was made. */
  readonly retryAfterMs: number

  /**
   * @param after ms from now, or a time
   * @param message why. @default that it is to be tried again later
   */
  constructor(after: number | Date, message = 'to be tried again later', options?: ErrorOptions) {
    super(message, options)
    this.retryAfterMs = after instanceof Date ? after.getTime() - Date.now() : after
  }
}

/** The message alone: where a start was found to be impossible helps nobody, and uncaught it would bury what to do. */
function withoutPlace({ name, message }: Error): string {
  return `${name}: ${message}`
}
