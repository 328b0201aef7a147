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
export { createNode } from './create-node.ts'
export type { NodeOptions } from './node-options.ts'
export type { Node } from './node/node.ts'
export type {
  BackoffOptions,
  BlobRef,
  CancelResult,
  DiagnosisView,
  EndListener,
  HoldsUp,
  Json,
  LabelConditionsOption,
  LoadedState,
  LogEntry,
  LogsOptions,
  MetricsView,
  NodeEvent,
  NodeStatus,
  NodeView,
  ProcessingTimes,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskCounts,
  TaskCountsByType,
  TaskFilter,
  TaskOptions,
  TaskState,
  TaskView,
  UnreadableView,
  WhyView,
  WorkerHealth
} from './node/api/node-api.ts'
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
export type { Quorum } from './core/options.ts'
export type { BlobHash } from './core/task/content.ts'
export type { LogLevel } from './shared/names.ts'
export type { TransportLog } from './net/log.ts'
export * from './shared/errors.ts'
