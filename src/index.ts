/**
 * hearsay: share work between the AI instances on a few computers, without a server.
 *
 * ```ts
 * import { createNode } from 'hearsay'
 *
 * const node = await createNode({ computer: 'computer-a', instance: 1 })
 * node.registerTaskHandler('shout', (payload: { text: string }) => payload.text.toUpperCase())
 * await node.startWorker()
 * const id = await node.createTask('shout', { text: 'hello' }, { priority: 8 })
 * console.log(await node.waitForTask(id))
 * await node.leave()
 * ```
 *
 * @packageDocumentation
 */
// As a whole: an older Node would stop at a name that it does not have, before anything could be said.
import * as nodeModule from 'node:module'
import type { TransportLog } from './net/log.ts'
import type { ProgramOptions } from './node-options.ts'
import type { Node } from './node/node.ts'
import type { AnyHandlers } from './node/typed-node.ts'
import { assertNode } from './shared/node-version.ts'

/**
 * Starts a node: opens its data folder, takes back what an earlier start left there, and joins the cluster. It runs no
 * tasks before `startWorker`.
 *
 * The compiler checks payloads and results against a handler map, if there is one:
 * `createNode<typeof import('./work.ts')>()` says that tasks are what the functions of that file take and return.
 *
 * `await using node = await createNode()` has it leave at the end of the block.
 *
 * The code of a node is loaded by the first call, and kept in Node's compile cache, if that is not disabled.
 *
 * @typeParam Handlers a map from types of tasks to functions. @default any task, any payload, any result
 * @param log where it says what happens. @default JSON lines on stderr, from `logLevel` on
 * @throws UnsupportedNodeError InvalidOptionError NoClusterKeyError DataFolderError DataFolderLockedError HandlersFileError
 */
export async function createNode<Handlers extends object = AnyHandlers>(
  options: ProgramOptions = {},
  log?: TransportLog
): Promise<Node<Handlers>> {
  assertNode(process.versions.node)
  nodeModule.enableCompileCache()
  const { createNode: create } = await import('./create-node.ts')
  return create<Handlers>(options, log)
}

export type { NodeOptions, ProgramOptions } from './node-options.ts'
export type { Node } from './node/node.ts'
export type {
  BulkPreview,
  BulkRequest,
  BulkResult,
  GraphQuery,
  GraphView,
  PageQuery,
  SpanView,
  TaskCountsView,
  TaskPage,
  TaskRow,
  TimelineQuery,
  TimelineView,
  ViewLine,
  WatchOptions
} from './node/api/lists-api.ts'
export type {
  BackoffOptions,
  BlobRef,
  CancelResult,
  DiagnosisView,
  EndListener,
  IdListener,
  HoldsUp,
  ImportOptions,
  Json,
  LabelConditionsOption,
  LoadedState,
  LogEntry,
  LogsOptions,
  MetricsView,
  NodeEvent,
  NodeStatus,
  NodeView,
  PoolView,
  ProcessingTimes,
  Retried,
  RetryOptions,
  SavedState,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskCounts,
  TaskCountsByType,
  TaskFilter,
  TaskOptions,
  TaskQuery,
  TaskSort,
  TaskState,
  TaskView,
  UnreadableView,
  WhyView,
  WorkerHealth
} from './node/api/node-api.ts'
export type { OpenDependency } from './node/api/why-view.ts'
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
} from './node/api/workers-api.ts'
export type { PoolOptions } from './pool-options.ts'
export type {
  AnyHandlers,
  HandledBy,
  HandlerOf,
  PayloadOf,
  ResultOf,
  TaskIdOf,
  TaskTypeOf
} from './node/typed-node.ts'
export type { Handler, HandlerContext } from './ports/handler.ts'
export type { NodeId, TaskId } from './core/base/ids.ts'
export type { SpanOutcome, Via } from './core/message.ts'
export type { Quorum } from './core/options.ts'
export type { BlobHash } from './core/task/content.ts'
export type { LogLevel } from './shared/names.ts'
export type { TransportLog } from './net/log.ts'
export * from './shared/errors.ts'
