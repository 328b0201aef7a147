/**
 * What a node offers to workers outside its process: programs in any language that run its tasks. Shapes are those of
 * the local API.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { BlobRef } from '../../core/task/content.ts'

/** What a task's next attempt would go on from: at which epoch it was saved, and its size. */
export type CheckpointView = { epoch: number; bytes: number }

/** What a worker that connects has to offer. */
export type WorkerOptions = {
  /** Types of tasks that it runs. */
  types: readonly string[]
  /** How many it runs at once. */
  slots: number
  /** What it is called. @default "worker" */
  name?: string
  /** What it says of itself beside what its node says, for tasks to choose by. @default none */
  labels?: Readonly<Record<string, string>>
  /**
   * How long it may be silent about a task, in ms, before that is taken from it. @default for as long as it is connected
   */
  leaseMs?: number
}

/** What one that asks for a task has to offer. */
export type ClaimOptions = {
  types: readonly string[]
  /** How long to wait for one, in ms: 60,000 at most. @default 0 */
  waitMs?: number
  /** How long it may be silent about the task, in ms: 12 hours at most. @default 60,000 */
  leaseMs?: number
}

/** A task that a worker has, under a lease. */
export type LeasedTask = {
  v: 1
  task: TaskId
  lease: string
  type: string
  /** Null if it is in a blob. */
  payload: unknown
  payloadBlob: BlobRef | null
  /** Which run of the task this is, from 1. */
  attempt: number
  /** The task's fencing token. */
  epoch: number
  /** How long this attempt may take. */
  timeoutMs: number | null
  /** By when the task has to have ended. */
  deadline: string | null
  /** How long the worker may be silent; null: as long as it is connected. */
  leaseMs: number | null
  /** Where its submission stands in a trace (W3C Trace Context); null: in none. */
  traceparent: string | null
  /** What the attempt before this one saved last; null: nothing. Absent: a node of a version that knows none. */
  checkpointBlob?: BlobRef | null
  /** Results of the tasks that it depends on, by id. */
  dependencies: Record<TaskId, { result: unknown; resultBlob: BlobRef | null }>
}

/** What a connected worker hears. */
export type WorkerLine =
  | { v: 1; worker: string }
  | LeasedTask
  | { v: 1; cancel: string; reason: string }
  | { v: 1; drain: true }
  | { v: 1; ping: true }

/** A connected worker, as the door sees it that tells it what there is to hear. */
export interface WorkerFeed {
  /** What the worker is to hear next: its name, then tasks; null: nothing for now. A task is its own when it is taken here. */
  next(): WorkerLine | null
  /** Whether nothing more comes. */
  readonly isOver: boolean
  /** Has a function called whenever there may be something to take, or it may be over. There is one such function. */
  onNews(listener: () => void): void
  /** Nobody takes anything more: what the worker has is lost. */
  leave(): void
}

/** How a lease stands. */
export type LeaseView = {
  v: 1
  /** For how long from now; null: as long as the worker is connected. */
  leaseMs: number | null
  /** The worker is to stop, and to end the lease. */
  cancelled: boolean
  /** Why: a reason of its task, or `LeaseLost`. */
  reason: string | null
  /** The node drains: it gives out nothing more. */
  draining: boolean
}

/** How a run failed, in the words of its worker. */
export type LeaseFailure = {
  error: { name: string; message: string }
  /** Whether another attempt may succeed. @default true */
  retryable?: boolean
  /** It came too early: to be tried again after this time, in ms, which uses no retry. */
  retryAfterMs?: number
}

/** What a worker returned: a value, or a blob that it has written to this node. */
export type LeaseResult = { result: unknown } | { resultBlob: BlobRef }

/**
 * Workers outside the process of the node, and their leases. A call on a lease throws LeaseLost if it is not its
 * worker's any more, and LeaseEnded if it has ended in another way; the same end told twice is taken once.
 */
export interface WorkersApi {
  /**
   * A worker connects. Reading the lines hands tasks over; what it has is lost when `gone` is aborted, or it reads no
   * more.
   *
   * @throws InvalidOptionError NodeClosedError
   */
  connect(options: WorkerOptions, gone: AbortSignal): AsyncIterable<WorkerLine>
  /**
   * The same, for a reader that takes all that there is at once.
   *
   * @throws InvalidOptionError NodeClosedError
   */
  attach(options: WorkerOptions, gone: AbortSignal): WorkerFeed
  /** A worker gets nothing more; its lines end when it has ended what it has. @throws UnknownWorkerError */
  drain(worker: string): void
  /** A worker goes, and gives back what it has. @throws UnknownWorkerError */
  disconnect(worker: string): void
  /**
   * Resolves to a task; to null if none came in time, or the node drains.
   *
   * @throws InvalidOptionError NodeClosedError, or the reason of `gone`
   */
  claim(options: ClaimOptions, gone: AbortSignal): Promise<LeasedTask | null>
  /**
   * The worker is there.
   *
   * @param leaseMs how long the lease is to last from now on. @default as before
   */
  extend(lease: string, leaseMs?: number): LeaseView
  /** How far the run is. @param fraction 0 to 1 */
  progress(lease: string, fraction: number, message?: string): LeaseView
  /** What the run has to say. */
  log(lease: string, lines: readonly string[]): LeaseView
  /**
   * Saves where the run stands, for the next attempt, on whatever node: bytes as they come. Resolves when they are in two
   * places, if there are two. Nothing is saved of a run that is to stop.
   *
   * @throws also InvalidOptionError if there are none, TooLargeError DiskFullError
   */
  save(lease: string, chunks: AsyncIterable<Uint8Array>): Promise<LeaseView>
  /** The run has completed. @throws also InvalidOptionError TooLargeError DiskFullError */
  complete(lease: string, result: LeaseResult): Promise<void>
  /** The run has failed. */
  fail(lease: string, failure: LeaseFailure): void
  /** The task is to run elsewhere, or again: it uses no retry. */
  release(lease: string): void
}
