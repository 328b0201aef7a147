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
  BlobRef,
  Json,
  LoadedState,
  LogEntry,
  NodeEvent,
  NodeStatus,
  NodeView,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskFilter,
  TaskOptions,
  TaskState,
  TaskView
} from './node/handle.ts'
export type { Handler, HandlerContext } from './run/handler.ts'
export * from './errors.ts'
