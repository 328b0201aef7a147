/**
 * A running node, as programs see it: submits, waits, lists, leaves. All it decides is how to say things; what happens
 * to tasks is decided by the core.
 */
import { bootName, type NodeId, type TaskId } from '../core/base/ids.ts'
import type { Core } from '../core/core.ts'
import { DURATION_MS_MAX } from '../durations.ts'
import { AmbiguousTaskError, InvalidOptionError, NodeClosedError } from '../errors.ts'
import type { TaskRecord } from '../core/task/record.ts'
import type { BlobRef } from '../core/task/content.ts'
import { Announcements } from './announcements.ts'
import { Contents } from './contents.ts'
import { DiskState } from './disk-state.ts'
import { Engine, type Observer, type Ports } from './engine.ts'
import type {
  LoadedState,
  LogEntry,
  LogsOptions,
  NodeEvent,
  NodeHandle,
  NodeView,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskFilter,
  TaskView,
  WorkerHealth
} from './handle.ts'
import type { HandlerFunction } from './ports.ts'
import { Leaving } from './leaving.ts'
import { Listeners } from './listeners.ts'
import { Manage } from './manage.ts'
import { Output } from './output.ts'
import { Picture } from './picture.ts'
import { durationMs, typeName } from './task-options.ts'
import type { NodeSettings } from './settings.ts'
import { State } from './state.ts'
import { Submissions } from './submissions.ts'
import { known, Waits, within } from './waits.ts'

export class Node implements NodeHandle {
  readonly id: NodeId
  readonly name: string
  readonly cluster: string
  readonly closed: Promise<Error | null>
  readonly #settings: NodeSettings
  readonly #core: Core
  readonly #ports: Ports
  readonly #engine: Engine
  readonly #picture: Picture
  readonly #contents: Contents
  readonly #waits = new Waits()
  readonly #disk: DiskState
  readonly #submissions: Submissions
  readonly #state: State
  readonly #listeners: Listeners
  readonly #leaving: Leaving
  readonly #manage: Manage
  readonly #announcements: Announcements
  readonly #output: Output
  #working = false
  /** Nothing comes in any more, so that nobody may begin to wait for it. */
  #isClosed = false
  #registrations: Promise<unknown> = Promise.resolve()

  constructor(core: Core, ports: Ports, settings: NodeSettings) {
    this.#core = core
    this.#ports = ports
    this.#settings = settings
    this.#disk = new DiskState(settings.name, settings.log)
    const now = (): number => ports.clock.now()
    this.#listeners = new Listeners(bootName(core.view.self().boot), now)
    this.#announcements = new Announcements(core.view, this.#listeners, this.#waits, now)
    this.#engine = new Engine(core, ports, this.#observer())
    const nameOf = (node: NodeId): string => this.#picture.nameOf(node)
    this.#output = new Output({ ...ports, core: core.view, logbook: this.#engine.logbook, nameOf })
    this.#picture = new Picture(core.view, ports, settings, this.#output)
    this.#contents = new Contents(this.#engine.blobs, core.view)
    this.#submissions = new Submissions({
      contents: this.#contents,
      acks: settings.acks,
      feed: input => this.#engine.feed(input),
      assertAccepting: () => this.#assertAccepting(),
      warnings: type => this.#picture.warnings(type)
    })
    this.#state = new State(core.view, settings.stateFiles, this.#engine, () => this.#assertOpen())
    this.id = ports.transport.id
    this.name = settings.name
    this.cluster = settings.cluster
    this.#manage = new Manage(this.#engine, this.#picture)
    this.#leaving = new Leaving(this.#engine, () => this.#close())
    this.closed = this.#leaving.closed
  }

  get addresses(): readonly string[] {
    return this.#core.view.self().addresses
  }

  /** Opens the network. Called once, by createNode. */
  async open(): Promise<void> {
    await this.#engine.start()
    this.#engine.feed({ kind: 'expect', names: this.#settings.roster })
  }

  /** Expects an instance (`computer/instance`): it is listed until it is seen. */
  registerWorker(name: string): void {
    if (typeof name !== 'string' || !this.#settings.isNodeName(name)) {
      throw new InvalidOptionError(
        `a worker is named computer/instance, not ${JSON.stringify(name)}`
      )
    }
    this.#engine.feed({ kind: 'expect', names: [name] })
  }

  /**
   * Says how tasks of a type are run: by a function, on the node's own thread (for work that waits), or by a module, in
   * worker threads.
   *
   * @throws InvalidOptionError HandlersFileError
   */
  registerTaskHandler(type: string, handler: HandlerFunction): void
  registerTaskHandler(type: string, path: string): Promise<void>
  registerTaskHandler(type: string, handler: HandlerFunction | string): void | Promise<void> {
    typeName(type)
    const { runner } = this.#ports
    if (typeof handler !== 'string') {
      runner.registerFunction(type, handler)
      return this.#equip()
    }
    const registered = runner.registerModule(type, handler).then(() => this.#equip())
    this.#registrations = Promise.allSettled([this.#registrations, registered])
    return registered
  }

  /** From here on the node runs tasks. */
  async startWorker(): Promise<void> {
    await this.#registrations
    this.#working = true
    this.#equip()
  }

  /**
   * Submits a task; resolves to its id when it is accepted.
   *
   * @throws InvalidOptionError PayloadRejectedError TooLargeError NotReplicatedError NodeClosedError
   */
  async createTask(type: string, payload: unknown, options: SubmitOptions = {}): Promise<TaskId> {
    return (await this.submit(type, payload, options)).id
  }

  async submit(
    type: string,
    payload: unknown,
    options: Readonly<Record<string, unknown>> = {}
  ): Promise<Submitted> {
    return this.#submissions.submit(type, payload, options)
  }

  async submitBlob(
    type: string,
    payload: BlobRef,
    options: Readonly<Record<string, unknown>> = {}
  ): Promise<Submitted> {
    return this.#submissions.submitBlob(type, payload, options)
  }

  async writeBlob(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    this.#assertAccepting()
    return this.#contents.write(chunks)
  }

  async readBlob(blob: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    this.#assertOpen()
    return this.#contents.read(blob)
  }

  /**
   * Resolves to what the handler returned. The task may have been submitted on any node.
   *
   * @param options `timeout`: ms, or a text such as `"30s"` @default none
   * @throws TaskFailedError (its `name` is that of the handler's error) WaitTimeoutError UnknownTaskError NodeClosedError
   *   InvalidOptionError
   */
  async waitForTask(id: TaskId, options: { timeout?: number | string } = {}): Promise<unknown> {
    const { timeout } = options
    if (timeout === undefined) return this.#contents.resultOf(await this.#settled(id))
    const ms = durationMs('timeout', timeout, 0, DURATION_MS_MAX)
    const message = `${id} has not settled within ${ms} ms: it goes on`
    return this.#contents.resultOf(await within(ms, message, signal => this.#settled(id, signal)))
  }

  async settled(id: TaskId, signal?: AbortSignal): Promise<TaskView> {
    return this.#picture.view(await this.#settled(id, signal))
  }

  async #settled(id: TaskId, signal?: AbortSignal): Promise<TaskRecord> {
    await this.#known(() => this.#picture.matching(id).length > 0, signal)
    const record = this.#picture.record(id)
    if (this.#core.view.isReported(id)) return record
    if (this.#isClosed) throw this.#closedError()
    const settled = this.#waits.settled(id, signal)
    this.#engine.feed({ kind: 'watch', taskId: id })
    return settled
  }

  async resolveId(part: string): Promise<TaskId> {
    let found: TaskId[] = []
    await this.#known(() => (found = this.#picture.matching(part)).length > 0)
    if (found.length > 1) {
      throw new AmbiguousTaskError(
        `${part} fits ${found.length} or more tasks, such as ${found.join(' and ')}: give the whole id, or its end`
      )
    }
    return found[0] ?? this.#picture.record(part).spec.id
  }

  task(id: TaskId): TaskView {
    return this.#picture.task(id)
  }

  tasks(filter: TaskFilter = {}): Iterable<TaskView> {
    return this.#picture.tasks(filter)
  }

  logs(id: TaskId, options: LogsOptions = {}): AsyncIterable<LogEntry> {
    this.#assertOpen()
    this.#picture.record(id)
    return this.#output.read(id, options)
  }

  refreshProgress(): Promise<void> {
    return this.#output.refresh()
  }

  /**
   * Writes all tasks that this node knows to a file, for `loadState` on any node of the cluster. An existing file is
   * replaced when the new one is complete.
   *
   * @throws InvalidOptionError if it cannot be written
   */
  async saveState(file: string): Promise<void> {
    await this.#settings.stateFiles.write(file, this.exportState())
  }

  /**
   * Takes in the tasks of a file. What is known here, or was and has been forgotten, stays as it is; the rest spreads,
   * and runs if it had not settled. Loading twice, or into a live cluster, is harmless.
   *
   * @throws ForeignStateFileError (and nothing was taken in) InvalidOptionError NodeClosedError
   */
  loadState(file: string): Promise<LoadedState> {
    return this.#state.take(this.#settings.stateFiles.read(file))
  }

  exportState(): Iterable<string> {
    return this.#state.text(this.#ports.clock.now())
  }

  importState(pieces: AsyncIterable<string> | Iterable<string>): Promise<LoadedState> {
    return this.#state.take(pieces)
  }

  nodes(): NodeView[] {
    return this.#picture.nodes()
  }

  getSystemStatus(): StatusView {
    return this.#picture.status()
  }

  checkWorkerHealth(): WorkerHealth[] {
    return this.#picture.health()
  }

  drain(node?: string): NodeView {
    this.#assertOpen()
    return this.#manage.drain(node)
  }

  forget(node: string): NodeView {
    this.#assertOpen()
    return this.#manage.forget(node)
  }

  onEvent(listener: (event: NodeEvent) => void, since?: string): () => void {
    return this.#listeners.add(listener, since)
  }

  leave(graceMs: number = this.#settings.graceMs): Promise<void> {
    return this.#leaving.leave(graceMs)
  }

  #closedError(): NodeClosedError {
    return new NodeClosedError(`node ${this.name} has stopped: ask another one, tasks go on`)
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    const closed = this.#closedError()
    this.#submissions.rejectAll(closed)
    this.#state.close()
    this.#waits.rejectAll(closed)
    await this.#engine.stop()
    await this.#settings.onClosed()
  }

  #observer(): Observer {
    return {
      accepted: (request, ...accepted) => this.#submissions.accepted(request, ...accepted),
      loaded: request => this.#state.loaded(request),
      left: () => this.#leaving.left(),
      giveWay: why => this.#leaving.giveWay(this.name, why),
      announce: this.#announcements,
      disk: failure => this.#disk.note(failure)
    }
  }

  #equip(): void {
    if (!this.#working) return
    const { handlers } = this.#ports.runner
    this.#engine.feed({ kind: 'worker', slots: this.#settings.concurrency, handlers })
  }

  #known(isKnown: () => boolean, signal?: AbortSignal): Promise<void> {
    return known(isKnown, this.#ports.clock, () => {
      signal?.throwIfAborted()
      this.#assertOpen()
    })
  }

  #assertAccepting(): void {
    this.#assertOpen()
    this.#disk.assertWorks()
  }

  #assertOpen(): void {
    if (this.#leaving.hasBegun) {
      throw new NodeClosedError(`node ${this.name} is stopping: ask another one`)
    }
  }
}
