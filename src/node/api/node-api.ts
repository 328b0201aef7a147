/**
 * What a running node offers to a program, to the local API and so to the CLI. Shapes of the views are those of
 * `--json`: times RFC 3339 UTC, durations in ms.
 */
import type { NodeId, TaskId } from '../../core/base/ids.ts'
import type {
  DiagnosisView,
  HoldsUp,
  NodeStatus,
  NodeView,
  PoolView,
  StatusView,
  UnreadableView,
  WorkerHealth
} from './node-views.ts'
import type { Via } from '../../core/message.ts'
import type { OpenDependency, WhyView } from './why-view.ts'
import type { BlobRef } from '../../core/task/content.ts'
import type { ReloadedHandlers, SavedState } from '../../ports/ports.ts'
import type { MetricsView, ProcessingTimes, TaskCounts, TaskCountsByType } from './counts-view.ts'
import type {
  BackoffOptions,
  LabelConditionsOption,
  SubmitOptions,
  TaskOptions
} from './submit-options.ts'

export type { BlobRef, ReloadedHandlers, SavedState, TaskSort, TaskState }
export type {
  CheckpointView,
  ClaimOptions,
  LeasedTask,
  LeaseFailure,
  LeaseResult,
  LeaseView,
  WorkerFeed,
  WorkerLine,
  WorkerOptions,
  WorkersApi
} from './workers-api.ts'
export type {
  DiagnosisView,
  HoldsUp,
  UnreadableView,
  NodeStatus,
  NodeView,
  PoolView,
  StatusView,
  WorkerHealth,
  OpenDependency,
  WhyView
}
export type { MetricsView, ProcessingTimes, TaskCounts, TaskCountsByType }
export type { BackoffOptions, LabelConditionsOption, SubmitOptions, TaskOptions }
import type { CheckpointView, WorkersApi } from './workers-api.ts'
import type { TaskSort, TaskState } from '../../shared/names.ts'

/** A value as JSON carries it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A task as `hearsay get --json` shows it. */
export type TaskView = {
  v: 1
  id: TaskId
  type: string
  state: TaskState
  /** Why it is not running, or why it failed or was cancelled; null while it runs and once it is completed. */
  reason: string | null
  priority: number
  attempt: number
  /** Further attempts after the first one. */
  maxRetries: number
  epoch: number
  /** Name of the node that holds it (`computer/instance`), or its id if the name is not known here. */
  holder: string
  submittedBy: string
  submittedAt: string
  startedAt: string | null
  /** The pool that it runs in, or ran in last; null if it does not run and never ended. */
  pool: string | null
  /** Which slot of that pool, from 0; null in the default pool. */
  slot: number | null
  settledAt: string | null
  durationMs: number | null
  /** Null if it is in a blob. */
  payload: Json
  /** Where a payload of more than 8 KiB is: see `NodeHandle.readBlob`. */
  payloadBlob: BlobRef | null
  /** Null if it is in a blob. */
  result: Json
  resultBlob: BlobRef | null
  /** The error of the last attempt that failed; null if none did, and once it is completed. */
  error: { name: string; message: string; stack?: string } | null
  dependsOn: TaskId[]
  /** What it asks of the labels of nodes. */
  labels: { require: LabelConditionsOption; prefer: LabelConditionsOption }
  tags: string[]
  /** What its submitter calls it, such as its `ref` in a file of tasks. */
  ref: string | null
  idempotencyKey: string | null
  /** The trace that its submission belongs to, as W3C Trace Context writes it. */
  traceparent: string | null
  /** How far its run is, 0 to 1, as the handler said; null if it said nothing, or does not run. */
  progress: { fraction: number; message: string | null } | null
  /** The task that this one is a copy of. */
  retryOf: TaskId | null
  /** Other members that are known to have it on disk. */
  acks: number
  /** What its next attempt would go on from; null: nothing was saved, or there is none. */
  checkpoint: CheckpointView | null
  /** Nodes that were gone while they ran it. */
  lost: string[]
  /** How it came to its holder: submitted placed stolen handed-on reclaimed retried. */
  via: Via
}

/** Which part of a task's output is wanted, and whether to go on reading. */
export type LogsOptions = {
  /** Go on until the task has settled. @default false */
  follow?: boolean
  signal?: AbortSignal
}

/** What a run has said; `note` is what hearsay has to remark on it. */
export type LogEntry = {
  v: 1
  /** When it was said, by the clock of the node that ran it. */
  at: string
  attempt: number
  /** Name of the node that ran it. */
  node: string | null
  stream: 'stdout' | 'stderr' | 'log' | 'note'
  /** A line with its end, several, or, if nothing ends it yet, a part of one. What is no UTF-8 is replaced in it. */
  text: string
  /** All of its bytes, if they are no UTF-8. */
  base64?: string
}

/** What is told of a submission that was accepted. */
export type Submitted = {
  id: TaskId
  /** Other members that had it on disk when it was acknowledged. */
  acks: number
  /** The task was there already, under the same idempotency key. */
  deduplicated: boolean
  /** Such as: no node of the cluster has a handler for the type. */
  warnings: string[]
  /** The task is not started before this: where `runAt` or `delay` said so. */
  runAt?: string
}

/** `withDependents`: also what was cancelled because it depends on the task. @default false */
export type RetryOptions = { withDependents?: boolean }

/** `dependents`: ids of the copies of what was cancelled with the task, if they were asked for. */
export type Retried = Submitted & { dependents?: TaskId[] }

/**
 * What became of a cancellation: how the task has settled, or that it will be cancelled when its holder hears of it.
 */
export type CancelResult = {
  v: 1
  id: TaskId
  status: 'cancelled' | 'completed' | 'failed' | 'requested'
}

/** `rekey`: the file may be of this cluster's name under another key. @default false */
export type ImportOptions = { rekey?: boolean }

/** What became of the tasks in a state file. */
export type LoadedState = {
  v: 1
  /** Tasks that this node did not know. */
  loaded: number
  /** Tasks that it knew. */
  known: number
  /** Tasks that it knew once: they have settled, and their retention is over. */
  skipped: number
}

/** Which tasks are meant: those for which all of it holds. */
export type TaskFilter = {
  /** The state, or one of these. */
  state?: TaskState | readonly TaskState[]
  type?: string
  tag?: string
  /** Name of the holder. */
  node?: string
  ref?: string
  /**
   * Words, each of which occurs in the id, the type, the ref, the key, a tag, the holder's name or the error of the task, in
   * upper or lower case.
   */
  q?: string
  /** Submitted at this time or later: RFC 3339. */
  since?: string
  /** Submitted before this time: RFC 3339. */
  until?: string
}

/** Which tasks are listed, and in which order. */
export type TaskQuery = TaskFilter & {
  /** What has no such value comes last; of equals, the newest is first. @default '-submittedAt' */
  sort?: TaskSort
  /** How many at most, the first ones. @default no limit */
  limit?: number
}

/** Which events are wanted. All of these have to fit. */
export type EventFilter = {
  /** The cursor of an event: those after it, instead of those from now on. */
  since?: string
  /** The name of an event, or its part before the colon. */
  event?: string
  /** The type of the task that the event is about. */
  type?: string
  /** The id of a task; may be shortened. */
  task?: string
}

/**
 * Something that happened, as a node sees it. `events:lost` stands for events that a reader has missed: how many
 * (`count`; null if nobody knows) and why (`reason`: SlowReader, CursorTooOld, CursorOfAnotherBoot).
 */
export type NodeEvent = { v: 1; at: string; event: string; cursor: string } & Record<string, Json>

/** A caller's interest in how a task ends. */
export type EndListener = Readonly<{
  /**
   * Called once: with what makes a view of the task when it has settled, or with why this node cannot tell any more
   * (NodeClosedError; UnknownTaskError: it was away until the task was pruned).
   */
  onEnd: (end: (() => TaskView) | Error) => void
  /**
   * Nobody wants to hear of it any more: nothing is kept for it, and it may not be called. One signal for many tasks is
   * cheap.
   */
  gone: AbortSignal
}>

/** Called when it is clear which id a task will have that is being submitted: later ones may depend on it. */
export type IdListener = (id: string) => void

/** Tasks one by one: submitted, waited for, cancelled, tried again; and their payloads and results. */
export interface TasksApi {
  /**
   * Submits a task and resolves when it is accepted. Waits first while this node has too much of its own to write, and
   * to copy to others.
   *
   * @param signal gives up before the task is taken. @default never
   * @param listener registered with the acceptance, so that nothing is missed; called also if that ends in
   *   NotReplicatedError
   * @param named called before the task is on any disk, and not at all if it is refused
   * @throws InvalidOptionError PayloadRejectedError TooLargeError NotReplicatedError NodeClosedError
   */
  submit(
    type: string,
    payload: unknown,
    options?: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    listener?: EndListener,
    named?: IdListener
  ): Promise<Submitted>
  /**
   * Submits a task whose payload was written by `writeBlob`.
   *
   * @throws InvalidOptionError TooLargeError NotReplicatedError NodeClosedError
   */
  submitBlob(
    type: string,
    payload: BlobRef,
    options?: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
    listener?: EndListener
  ): Promise<Submitted>
  /**
   * Writes JSON text of any size to this node's disk, as a payload for `submitBlob`. It is not looked at: what is no
   * JSON fails when it is run. Without a submission it is removed after a while.
   *
   * @throws TooLargeError NodeClosedError
   */
  writeBlob(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef>
  /**
   * The bytes of a payload or result, as JSON text; fetched from another node if they are not here.
   *
   * @throws BlobUnavailableError NodeClosedError
   */
  readBlob(blob: BlobRef): Promise<AsyncIterable<Uint8Array>>
  /**
   * Resolves when the task has settled, however it ended.
   *
   * @throws UnknownTaskError NodeClosedError, or the signal's reason
   */
  settled(id: TaskId, signal?: AbortSignal): Promise<TaskView>
  /**
   * The same for very many tasks at a time: calls back when the task has settled. Resolves when it is known here and
   * waited for.
   *
   * @throws UnknownTaskError NodeClosedError, or the reason of the listener's signal
   */
  follow(id: TaskId, listener: EndListener): Promise<void>
  /**
   * Cancels a task, in whatever state it is and wherever it is held. Resolves when it has settled, after 5 s in any
   * case: the request stands, and the holder of the task, then or later, cancels it.
   *
   * @throws UnknownTaskError AmbiguousTaskError NodeClosedError
   */
  cancel(id: TaskId): Promise<CancelResult>
  /**
   * Submits a copy of a task that has failed or was cancelled; with `withDependents`, also of those that were cancelled
   * with it because they depend on it, so that copies depend on copies.
   *
   * @throws UnknownTaskError AmbiguousTaskError TaskStateError BlobUnavailableError NotReplicatedError NodeClosedError
   */
  retry(id: TaskId, options?: RetryOptions): Promise<Retried>
  /**
   * The id that a shortened one means: any unambiguous part of it. News of a task may be on their way, so an unknown id
   * is waited for, for a second.
   *
   * @throws UnknownTaskError AmbiguousTaskError
   */
  resolveId(part: string): Promise<TaskId>
}

/** What a node can tell of tasks and nodes. Changes nothing. */
export interface QueriesApi {
  /** Says for a task, and for each node, which condition fails. @throws UnknownTaskError */
  why(id: TaskId): WhyView
  /** @throws UnknownTaskError */
  task(id: TaskId): TaskView
  /**
   * Newest first, if nothing else is asked for. Looks at all tasks at once; `listTasks` takes turns with other work.
   *
   * @throws InvalidOptionError
   */
  tasks(query?: TaskQuery): Iterable<TaskView>
  /** This node, all members, peers that have not introduced themselves yet, and expected instances never seen. */
  nodes(): NodeView[]
  /** The cluster in brief: members, tasks by state, slots, and whether a quorum is seen. */
  getSystemStatus(): StatusView
  /**
   * What this node can tell for diagnosis, such as by "hearsay doctor".
   *
   * @param names what clusters may be called, whose fingerprints with this node's key are wanted. @default none
   */
  diagnosis(names?: readonly string[]): DiagnosisView
  /** What there is to measure, as text for Prometheus. */
  metricsText(): Promise<string>
  /** How every member is, and every expected instance, this node included; sorted by name. */
  checkWorkerHealth(): WorkerHealth[]
}

/** What is heard of tasks and nodes as it happens: output, progress, events. */
export interface OutputApi {
  /**
   * What the runs of a task have said, from the beginning, on whichever nodes they ran: what it printed, and what it
   * logged. Of each attempt the first 64 KiB and the last MiB are kept, by the node that ran it, in memory: until the
   * task is forgotten, the node stops, or newer output needs the room (64 MiB in all). The last 16 KiB outlive the
   * node.
   *
   * @throws UnknownTaskError NodeClosedError, and while it is read the signal's reason
   */
  logs(id: TaskId, options?: LogsOptions): AsyncIterable<LogEntry>
  /**
   * Asks the other nodes how far their runs are, so that views of tasks say it; at most once a second. Takes half a
   * second at most, and never rejects.
   */
  refreshProgress(): Promise<void>
  /** What has happened to a task since this node has known it, oldest first, as far as its memory reaches. */
  history(id: TaskId): NodeEvent[]
  /**
   * Calls back for each event until the returned function is called: from now on or, with the `cursor` of an event,
   * also for those after it, as far as the node still has them.
   *
   * @throws InvalidOptionError if that is no cursor
   */
  onEvent(listener: (event: NodeEvent) => void, since?: string): () => void
}

/** What people do with a node, and with the cluster through it. */
export interface AdminApi {
  /**
   * A file with all tasks that this node knows, and their large payloads and results, piece by piece, made as it is
   * read. Those that no node has are named in it without their bytes.
   */
  exportState(): AsyncIterable<string>
  /**
   * Takes in what `exportState` gave, here or on another node of the cluster. Nothing is taken in if anything is wrong.
   *
   * @throws ForeignStateFileError DiskFullError NodeClosedError
   */
  importState(
    pieces: AsyncIterable<string> | Iterable<string>,
    options?: ImportOptions
  ): Promise<LoadedState>
  /**
   * What this node says of itself from now on, in place of its labels so far; tasks choose by it. It lasts until the
   * node stops.
   *
   * @throws InvalidOptionError NodeClosedError
   */
  setLabels(labels: Readonly<Record<string, string>>): void
  /**
   * Has a node take nothing more and hand on what is queued; what runs goes on, and the node stays. Without a name,
   * this one. Another one is told: it shows as draining when it does so.
   *
   * @param node its name or id @default this node
   * @throws UnknownNodeError InvalidOptionError if it cannot be reached
   */
  drain(node?: string): NodeView
  /**
   * Loads the handlers that come from files anew: from those that the node was started with, or others. All take the
   * place of those so far, or none. Runs that have begun go on with what they have.
   *
   * @param files handlers files. @default those of the last time
   * @throws HandlersFileError InvalidOptionError NodeClosedError and nothing has changed
   */
  reloadHandlers(files?: readonly string[]): Promise<ReloadedHandlers>
  /**
   * Has a node that was told to drain take tasks again; one that leaves goes on leaving. A node of an older version
   * does not know how, and goes on draining.
   *
   * @param node its name or id @default this node
   * @throws UnknownNodeError InvalidOptionError if it cannot be reached
   */
  undrain(node?: string): NodeView
  /**
   * Expects an instance, on all nodes: it is shown, and counts in majorities, before it is seen. With too many that
   * nobody has, the work of the silent is taken over no more. It outlives restarts; `forget(name)` undoes it.
   *
   * @param name `computer/instance`
   * @throws InvalidOptionError
   */
  registerWorker(name: string): void
  /**
   * Counts a node no more that will not come back, neither as a member nor as expected: what it held is taken over.
   *
   * @param node its name or id
   * @throws UnknownNodeError InvalidOptionError if it is connected
   */
  forget(node: string): NodeView
  /**
   * Stops on purpose: lets running tasks finish for `graceMs`, hands on queued ones, says goodbye, closes. What still
   * runs then is aborted and handed on, too. Called again, it may shorten the time, never lengthen it.
   *
   * Within that time it also waits for a member to say goodbye to, if there is a member that has not left, or a task
   * here that has not settled. With a `graceMs` of 0 no member is waited for.
   *
   * @param graceMs @default the node's option `grace`
   * @throws TasksLeftBehindError the node has left, and such tasks are on its disk alone; not with a `graceMs` of 0
   */
  leave(graceMs?: number): Promise<void>
}

export interface NodeApi extends TasksApi, QueriesApi, OutputApi, AdminApi {
  readonly id: NodeId
  /** `computer/instance`. */
  readonly name: string
  readonly cluster: string
  /** Multiaddrs that it listens on. */
  readonly addresses: readonly string[]
  /** Workers outside its process. */
  readonly workers: WorkersApi
}
