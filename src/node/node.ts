/**
 * A node as a program has it, and as its local API sees it. It holds the tasks, the queries, the output and the
 * administration of a node; nothing is decided here. What only programs call has the types of the program's own tasks,
 * if it gives a handler map.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { NodeId, TaskId } from '../core/base/ids.ts'
import type { Core } from '../core/core.ts'
import type { BlobRef } from '../core/task/content.ts'
import type { Handler } from '../ports/handler.ts'
import { DURATION_MS_MAX } from '../shared/durations.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type {
  CancelResult,
  DiagnosisView,
  EndListener,
  IdListener,
  ImportOptions,
  LoadedState,
  LogEntry,
  LogsOptions,
  MetricsView,
  NodeApi,
  NodeEvent,
  NodeView,
  Retried,
  RetryOptions,
  SavedState,
  StatusView,
  SubmitOptions,
  ReloadedHandlers,
  Submitted,
  TaskFilter,
  TaskQuery,
  TaskView,
  WhyView,
  WorkerHealth,
  WorkersApi
} from './api/node-api.ts'
import type {
  BulkPreview,
  BulkRequest,
  BulkResult,
  GraphQuery,
  GraphView,
  ListsApi,
  PageQuery,
  TaskCountsView,
  TaskPage,
  TaskRow,
  TimelineQuery,
  TimelineView,
  ViewLine,
  WatchOptions
} from './api/lists-api.ts'
import type { Lists } from './lists/lists.ts'
import { othersConnected } from './others.ts'
import type { Output } from './output/output.ts'
import { Parts } from './parts.ts'
import type { Queries } from './queries/queries.ts'
import type { Ports } from './runtime/engine.ts'
import type { NodeSettings } from './settings.ts'
import type { Admin } from './tasks/admin.ts'
import { durationMs } from './tasks/checks.ts'
import type { Tasks } from './tasks/tasks.ts'
import type {
  AnyHandlers,
  HandledBy,
  HandlerOf,
  PayloadOf,
  ResultOf,
  TaskIdOf,
  TaskTypeOf
} from './typed-node.ts'

/**
 * A node of the cluster.
 *
 * @typeParam Handlers the types that its tasks have: a map from types of tasks to functions, see `createNode`
 */
export class Node<Handlers extends object = AnyHandlers> implements NodeApi, ListsApi {
  readonly id: NodeId
  readonly name: string
  /** The name of the cluster that this node is in. */
  readonly cluster: string
  /** Workers outside its process, and what they say of their tasks. */
  readonly workers: WorkersApi
  readonly #parts: Parts
  readonly #tasks: Tasks
  readonly #queries: Queries
  readonly #lists: Lists
  readonly #output: Output
  readonly #admin: Admin

  constructor(core: Core, ports: Ports, settings: NodeSettings) {
    this.id = ports.transport.id
    this.name = settings.name
    this.cluster = settings.cluster
    this.#parts = new Parts(core, ports, settings)
    this.workers = this.#parts.workers
    const { tasks, queries, lists, output, admin } = this.#parts
    this.#tasks = tasks
    this.#queries = queries
    this.#lists = lists
    this.#output = output
    this.#admin = admin
  }

  /** Resolves when the node has closed; to the reason, if it had to. */
  get closed(): Promise<Error | null> {
    return this.#parts.leaving.closed
  }

  get addresses(): readonly string[] {
    return this.#queries.addresses
  }

  /** Opens the network. Called once, by createNode. */
  open(): Promise<void> {
    return this.#parts.start()
  }

  /**
   * Expects an instance (`computer/instance`), on all nodes: it is shown before it has been seen, and counts as a member
   * in every majority (quorum), whether there is one of that name or not. `forget(name)` undoes it.
   */
  registerWorker(name: string): void {
    this.#admin.registerWorker(name)
  }

  /**
   * Says how tasks of a type are run: by a function, on the node's own thread (for work that waits), or by a module, in
   * worker threads.
   *
   * A schema (any Standard Schema: zod's, valibot's, ...) says what payloads have to be: others are refused at
   * submission here, and fail where they are run. A module's handler carries it itself, as its property `schema`.
   *
   * @throws InvalidOptionError HandlersFileError
   */
  registerTaskHandler<
    Type extends TaskTypeOf<Handlers> & keyof Handlers & string,
    Schema extends StandardSchemaV1
  >(
    type: Type,
    handler: Handler<StandardSchemaV1.InferOutput<Schema>, HandledBy<Handlers, Type>>,
    options: { schema: Schema }
  ): void
  registerTaskHandler<Type extends TaskTypeOf<Handlers> & keyof Handlers & string>(
    type: Type,
    handler: HandlerOf<Handlers, Type>
  ): void
  registerTaskHandler(type: TaskTypeOf<Handlers>, path: string): Promise<void>
  registerTaskHandler(
    type: string,
    handler: Handler | string,
    { schema }: { schema?: StandardSchemaV1 } = {}
  ): void | Promise<void> {
    return this.#parts.worker.register(type, handler, schema ?? null)
  }

  /** From here on the node runs tasks. */
  startWorker(): Promise<void> {
    return this.#parts.worker.start()
  }

  /**
   * Resolves when `members` other members are connected. A program that submits before it has met anybody has its tasks
   * on its own disk alone.
   *
   * @param options `members`: how many. `timeout`: ms, or a text such as `"30s"` @default none
   * @throws NotReadyError NodeClosedError InvalidOptionError
   */
  async ready({ members, timeout }: { members: number; timeout?: number | string }): Promise<void> {
    if (!Number.isInteger(members) || members < 0) {
      throw new InvalidOptionError(`members must be a whole number from 0, not ${members}`)
    }
    const ms = msOf(timeout)
    await othersConnected(this, this.#parts.turns, members, ms)
  }

  /**
   * Submits a task; resolves to its id when it is accepted. `submit` does the same, and resolves to
   * `{ id, acks, warnings }`: on the disks of how many other members it is by then, and what there is to say of it.
   *
   * @throws InvalidOptionError PayloadRejectedError TooLargeError NotReplicatedError NodeClosedError
   */
  async createTask<Type extends TaskTypeOf<Handlers> & keyof Handlers & string>(
    type: Type,
    payload: PayloadOf<Handlers, Type>,
    options: SubmitOptions = {}
  ): Promise<TaskIdOf<ResultOf<Handlers, Type>>> {
    return (await this.submit(type, payload, options)).id as TaskIdOf<ResultOf<Handlers, Type>>
  }

  /**
   * Resolves to what the handler returned. The task may have been submitted on any node.
   *
   * @param options `timeout`: ms, or a text such as `"30s"` @default none
   * @throws TaskFailedError (its `name` is that of the handler's error) WaitTimeoutError UnknownTaskError
   *   NodeClosedError InvalidOptionError
   */
  waitForTask<Result>(
    id: TaskIdOf<Result>,
    options?: { timeout?: number | string }
  ): Promise<Result>
  waitForTask(id: TaskId, options?: { timeout?: number | string }): Promise<unknown>
  async waitForTask(id: TaskId, options: { timeout?: number | string } = {}): Promise<unknown> {
    return this.#tasks.result(id, msOf(options.timeout))
  }

  /** What this node and the whole cluster have done, by type of task. Counts begin with the start of each node. */
  getMetrics(): MetricsView {
    return this.#queries.getMetrics()
  }

  /**
   * Writes all tasks that this node knows to a file, large payloads and results included, for `loadState` on any node
   * of the cluster. An existing file is replaced when the new one is complete.
   *
   * Resolves to how many tasks are in the file, and how many large payloads or results are not, for no node that can be
   * asked has them.
   *
   * @throws InvalidOptionError if it cannot be written
   */
  saveState(file: string): Promise<SavedState> {
    return this.#admin.saveState(file)
  }

  /**
   * Takes in the tasks of a file. What is known here, or was and has been pruned, stays as it is; the rest spreads, and
   * runs if it had not settled. Loading twice, or into a live cluster, is harmless.
   *
   * @throws ForeignStateFileError (and nothing was taken in) InvalidOptionError DiskFullError NodeClosedError
   */
  loadState(file: string): Promise<LoadedState> {
    return this.#admin.loadState(file)
  }

  submit(
    type: string,
    payload: unknown,
    options: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
    listener?: EndListener,
    named?: IdListener
  ): Promise<Submitted> {
    return this.#tasks.submit(type, payload, options, signal, listener, named)
  }

  submitBlob(
    type: string,
    payload: BlobRef,
    options: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
    listener?: EndListener
  ): Promise<Submitted> {
    return this.#tasks.submitBlob(type, payload, options, signal, listener)
  }

  writeBlob(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    return this.#tasks.writeBlob(chunks)
  }

  readBlob(blob: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    return this.#tasks.readBlob(blob)
  }

  settled(id: TaskId, signal?: AbortSignal): Promise<TaskView> {
    return this.#tasks.settled(id, signal)
  }

  follow(id: TaskId, listener: EndListener): Promise<void> {
    return this.#tasks.follow(id, listener)
  }

  resolveId(part: string): Promise<TaskId> {
    return this.#tasks.resolveId(part)
  }

  cancel(id: TaskId): Promise<CancelResult> {
    return this.#tasks.cancel(id)
  }

  retry(id: TaskId, options: RetryOptions = {}): Promise<Retried> {
    return this.#tasks.retry(id, options)
  }

  why(id: TaskId): WhyView {
    return this.#queries.why(id)
  }

  task(id: TaskId): TaskView {
    return this.#queries.task(id)
  }

  tasks(query: TaskQuery = {}): Iterable<TaskView> {
    return this.#lists.tasks(query)
  }

  listTasks(query: PageQuery & { fields: 'brief' }): Promise<TaskPage<TaskRow>>
  listTasks(query?: PageQuery): Promise<TaskPage<TaskView>>
  listTasks(query: PageQuery & { fields?: 'brief' } = {}): Promise<TaskPage<TaskRow | TaskView>> {
    return this.#lists.listTasks(query as PageQuery)
  }

  countTasks(filter: TaskFilter = {}): Promise<TaskCountsView> {
    return this.#lists.countTasks(filter)
  }

  graph(id: TaskId, query: GraphQuery = {}): Promise<GraphView> {
    return this.#lists.graph(id, query)
  }

  timeline(query: TimelineQuery = {}): Promise<TimelineView> {
    return this.#lists.timeline(query)
  }

  previewBulk(request: BulkRequest): Promise<BulkPreview> {
    return this.#lists.previewBulk(request)
  }

  bulk(request: BulkRequest, signal?: AbortSignal): Promise<BulkResult> {
    return this.#lists.bulk(request, signal)
  }

  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<ViewLine> {
    return this.#lists.watch(options, signal)
  }

  nodes(): NodeView[] {
    return this.#queries.nodes()
  }

  getSystemStatus(): StatusView {
    return this.#queries.getSystemStatus()
  }

  checkWorkerHealth(): WorkerHealth[] {
    return this.#queries.checkWorkerHealth()
  }

  diagnosis(names: readonly string[] = []): DiagnosisView {
    return this.#queries.diagnosis(names)
  }

  metricsText(): Promise<string> {
    return this.#queries.metricsText()
  }

  logs(id: TaskId, options: LogsOptions = {}): AsyncIterable<LogEntry> {
    return this.#output.logs(id, options)
  }

  refreshProgress(): Promise<void> {
    return this.#output.refreshProgress()
  }

  history(id: TaskId): NodeEvent[] {
    return this.#output.history(id)
  }

  onEvent(listener: (event: NodeEvent) => void, since?: string): () => void {
    return this.#output.onEvent(listener, since)
  }

  exportState(): AsyncIterable<string> {
    return this.#admin.exportState()
  }

  importState(
    pieces: AsyncIterable<string> | Iterable<string>,
    options: ImportOptions = {}
  ): Promise<LoadedState> {
    return this.#admin.importState(pieces, options)
  }

  setLabels(labels: Readonly<Record<string, string>>): void {
    this.#admin.setLabels(labels)
  }

  drain(node?: string): NodeView {
    return this.#admin.drain(node)
  }

  undrain(node?: string): NodeView {
    return this.#admin.undrain(node)
  }

  forget(node: string): NodeView {
    return this.#admin.forget(node)
  }

  reloadHandlers(files?: readonly string[]): Promise<ReloadedHandlers> {
    return this.#admin.reloadHandlers(files)
  }

  leave(graceMs?: number): Promise<void> {
    return this.#admin.leave(graceMs)
  }

  /** Leaves, as `leave` does: at the end of a block that has `await using node = await createNode()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }
}

function msOf(timeout: number | string | undefined): number | null {
  return timeout === undefined ? null : durationMs('timeout', timeout, 0, DURATION_MS_MAX)
}
