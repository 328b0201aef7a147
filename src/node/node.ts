/**
 * A running node, as programs see it: submits, waits, lists, leaves. All it decides is how to say things; what happens
 * to tasks is decided by the core.
 */
import type { NodeId, TaskId } from '../core/base/ids.ts'
import type { Core } from '../core/core.ts'
import type { CoreEvent } from '../core/effect.ts'
import { DURATION_MS_MAX } from '../durations.ts'
import {
  AmbiguousTaskError,
  DiskFullError,
  InvalidOptionError,
  NodeClosedError,
  UnknownTaskError,
  WaitTimeoutError
} from '../errors.ts'
import type { BlobRef } from '../core/task/content.ts'
import { Contents } from './contents.ts'
import { Engine, type Observer, type Ports } from './engine.ts'
import type {
  NodeEvent,
  NodeHandle,
  NodeView,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskFilter,
  TaskView
} from './handle.ts'
import type { HandlerFunction } from './ports.ts'
import { Picture } from './picture.ts'
import { durationMs, typeName } from './task-options.ts'
import { Submissions } from './submissions.ts'
import { Waits } from './waits.ts'

export type NodeSettings = Readonly<{
  cluster: string
  /** `computer/instance`. */
  name: string
  concurrency: number
  /** Names of instances that are expected. */
  roster: readonly string[]
  isNodeName: (name: string) => boolean
  log: { warn(message: string): void; error(message: string): void }
  /** Frees what the ports were made of, after they have stopped. */
  onClosed: () => Promise<void>
}>

/** A task may be asked for a moment before its news arrive here. */
const UNKNOWN_AFTER_MS = 1000
const UNKNOWN_POLL_MS = 10
const GRACE_MS = 30_000
/** Handing on what was aborted takes a flush and a message. */
const HAND_ON_MS = 5000

export class Node implements NodeHandle {
  readonly id: NodeId
  readonly name: string
  readonly cluster: string
  /** Resolves when the node has closed. */
  readonly closed: Promise<void>
  readonly #settings: NodeSettings
  readonly #core: Core
  readonly #ports: Ports
  readonly #engine: Engine
  readonly #picture: Picture
  readonly #contents: Contents
  readonly #waits = new Waits()
  readonly #submissions: Submissions
  readonly #listeners = new Set<(event: NodeEvent) => void>()
  readonly #closing = Promise.withResolvers<void>()
  readonly #left = Promise.withResolvers<void>()
  readonly #graceOver = Promise.withResolvers<void>()
  #diskFailure: unknown = null
  #working = false
  #leaving: Promise<void> | null = null
  /** Nothing comes in any more, so that nobody may begin to wait for it. */
  #isClosed = false
  #registrations: Promise<unknown> = Promise.resolve()

  constructor(core: Core, ports: Ports, settings: NodeSettings) {
    this.#core = core
    this.#ports = ports
    this.#settings = settings
    this.#picture = new Picture(core.view, ports, settings)
    this.#engine = new Engine(core, ports, this.#observer())
    this.#contents = new Contents(this.#engine.blobs, core.view)
    this.#submissions = new Submissions({
      contents: this.#contents,
      feed: input => this.#engine.feed(input),
      assertAccepting: () => this.#assertAccepting(),
      warnings: type => this.#picture.warnings(type)
    })
    this.id = ports.transport.id
    this.name = settings.name
    this.cluster = settings.cluster
    this.closed = this.#closing.promise
  }

  get addresses(): readonly string[] {
    return this.#core.view.self().addresses
  }

  /** Opens the network. Called once, by createNode. */
  async open(): Promise<void> {
    await this.#engine.start()
  }

  /** Expects an instance (`computer/instance`): it is listed until it is seen. */
  registerWorker(name: string): void {
    if (typeof name !== 'string' || !this.#settings.isNodeName(name)) {
      throw new InvalidOptionError(
        `a worker is named computer/instance, not ${JSON.stringify(name)}`
      )
    }
    this.#picture.expect(name)
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

  async writeBlob(chunks: AsyncIterable<Uint8Array>): Promise<BlobRef> {
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
    const timeout =
      options.timeout === undefined
        ? undefined
        : durationMs('timeout', options.timeout, 0, DURATION_MS_MAX)
    const ended = new AbortController()
    const message = `${id} has not settled within ${timeout} ms: it goes on`
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => ended.abort(new WaitTimeoutError(message)), timeout)
    try {
      return await this.#contents.resultOf(await this.settled(id, ended.signal))
    } finally {
      clearTimeout(timer)
    }
  }

  async settled(id: TaskId, signal?: AbortSignal): Promise<TaskView> {
    await this.#known(() => this.#picture.matching(id).length > 0, signal)
    this.#picture.record(id)
    if (this.#core.view.isReported(id)) return this.task(id)
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

  nodes(): NodeView[] {
    return this.#picture.nodes()
  }

  getSystemStatus(): StatusView {
    return this.#picture.status()
  }

  onEvent(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  leave(graceMs: number = GRACE_MS): Promise<void> {
    // Of several calls, the one whose time is over first counts.
    const timer = setTimeout(this.#graceOver.resolve, graceMs)
    const clear = (): void => clearTimeout(timer)
    this.closed.then(clear, clear)
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    const left = this.#left.promise
    this.#engine.feed({ kind: 'leave', abort: false })
    await Promise.race([left, this.#graceOver.promise])
    this.#engine.feed({ kind: 'leave', abort: true })
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, HAND_ON_MS)
    await Promise.race([left, late.promise])
    clearTimeout(timer)
    await this.#close()
  }

  #closedError(): NodeClosedError {
    return new NodeClosedError(`node ${this.name} has stopped: ask another one, tasks go on`)
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    const closed = this.#closedError()
    this.#submissions.rejectAll(closed)
    this.#waits.rejectAll(closed)
    await this.#engine.stop()
    await this.#settings.onClosed()
    this.#closing.resolve()
  }

  #observer(): Observer {
    return {
      accepted: (request, ...accepted) => this.#submissions.accepted(request, ...accepted),
      settled: taskId => {
        const record = this.#core.view.record(taskId)!
        this.#emit(`task:${record.outcome!.status}`, { taskId, type: record.spec.type })
        this.#waits.release(taskId, () => this.#picture.task(taskId))
      },
      event: event => this.#onCoreEvent(event),
      left: () => this.#left.resolve(),
      disk: failure => {
        this.#diskFailure = failure
        const { log } = this.#settings
        if (failure === null) log.warn('the disk can be written to again')
        else log.error(`nothing new is accepted or begun: ${String(failure)}`)
      }
    }
  }

  #onCoreEvent(event: CoreEvent): void {
    if (!('taskId' in event)) {
      this.#emit(event.name, { node: event.nodeName, id: event.node })
      return
    }
    if (event.name === 'task:pruned') {
      const why = `${event.taskId} settled while this node was away, and has been forgotten since`
      this.#waits.reject(event.taskId, new UnknownTaskError(why))
    }
    const type = this.#core.view.record(event.taskId)?.spec.type ?? ''
    this.#emit(event.name, { taskId: event.taskId, type })
  }

  #emit(event: string, fields: Readonly<Record<string, string>>): void {
    if (this.#listeners.size === 0) return
    const at = new Date(this.#ports.clock.now()).toISOString()
    for (const listener of this.#listeners) listener({ v: 1, at, event, ...fields })
  }

  #equip(): void {
    if (!this.#working) return
    const { handlers } = this.#ports.runner
    this.#engine.feed({ kind: 'worker', slots: this.#settings.concurrency, handlers })
  }

  /** Waits for news that may be on their way; returns also if they do not come. */
  async #known(isKnown: () => boolean, signal?: AbortSignal): Promise<void> {
    const until = this.#ports.clock.now() + UNKNOWN_AFTER_MS
    while (!isKnown() && this.#ports.clock.now() < until) {
      signal?.throwIfAborted()
      this.#assertOpen()
      await new Promise(resolve => setTimeout(resolve, UNKNOWN_POLL_MS))
    }
  }

  #assertAccepting(): void {
    this.#assertOpen()
    if (this.#diskFailure === null) return
    throw new DiskFullError(
      `node ${this.name} accepts nothing until its disk can be written to again: ${String(this.#diskFailure)}`
    )
  }

  #assertOpen(): void {
    if (this.#leaving !== null) {
      throw new NodeClosedError(`node ${this.name} is stopping: ask another one`)
    }
  }
}
