/**
 * A node as a program has it: everything that a running node does, and the methods that are for programs only. They
 * have the types of the program's own tasks, if it gives a handler map.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { TaskId } from '../core/base/ids.ts'
import { DURATION_MS_MAX } from '../shared/durations.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type { LoadedState, MetricsView, SubmitOptions } from './api/node-api.ts'
import type { Handler } from '../ports/handler.ts'
import { metricsView } from './queries/metrics.ts'
import { RunningNode } from './node.ts'
import { othersConnected } from './others.ts'
import { durationMs } from './tasks/checks.ts'
import type {
  AnyHandlers,
  HandledBy,
  HandlerOf,
  PayloadOf,
  ResultOf,
  TaskIdOf,
  TaskTypeOf
} from './typed-node.ts'
import { within } from './tasks/waits.ts'

/**
 * A node of the cluster.
 *
 * @typeParam Handlers the types that its tasks have: a map from types of tasks to functions, see `createNode`
 */
export class Node<Handlers extends object = AnyHandlers> extends RunningNode {
  /** Expects an instance (`computer/instance`): it is listed until it is seen. */
  registerWorker(name: string): void {
    if (typeof name !== 'string' || !this.parts.settings.isNodeName(name)) {
      throw new InvalidOptionError(
        `a worker is named computer/instance, not ${JSON.stringify(name)}`
      )
    }
    this.parts.feed({ kind: 'expect', names: [name] })
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
  registerTaskHandler<Type extends TaskTypeOf<Handlers>, Schema extends StandardSchemaV1>(
    type: Type,
    handler: Handler<StandardSchemaV1.InferOutput<Schema>, HandledBy<Handlers, Type>>,
    options: { schema: Schema }
  ): void
  registerTaskHandler<Type extends TaskTypeOf<Handlers>>(
    type: Type,
    handler: HandlerOf<Handlers, Type>
  ): void
  registerTaskHandler(type: TaskTypeOf<Handlers>, path: string): Promise<void>
  registerTaskHandler(
    type: string,
    handler: Handler | string,
    { schema }: { schema?: StandardSchemaV1 } = {}
  ): void | Promise<void> {
    return this.parts.worker.register(type, handler, schema ?? null)
  }

  /** From here on the node runs tasks. */
  startWorker(): Promise<void> {
    return this.parts.worker.start()
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
    const ms = timeout === undefined ? null : durationMs('timeout', timeout, 0, DURATION_MS_MAX)
    await othersConnected(this, this.parts.turns, members, ms)
  }

  /**
   * Submits a task; resolves to its id when it is accepted. `submit` does the same, and resolves to
   * `{ id, acks, warnings }`: on the disks of how many other members it is by then, and what there is to say of it.
   *
   * @throws InvalidOptionError PayloadRejectedError TooLargeError NotReplicatedError NodeClosedError
   */
  async createTask<Type extends TaskTypeOf<Handlers>>(
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
    const { timeout } = options
    const { payloads, settled } = this.parts
    if (timeout === undefined) return payloads.resultOf(await settled(id))
    const ms = durationMs('timeout', timeout, 0, DURATION_MS_MAX)
    const message = `${id} has not settled within ${ms} ms: it goes on`
    return payloads.resultOf(await within(ms, message, signal => settled(id, signal)))
  }

  /** What this node and the whole cluster have done, by type of task. Counts begin with the start of each node. */
  getMetrics(): MetricsView {
    return metricsView(this.parts.core.view)
  }

  /**
   * Writes all tasks that this node knows to a file, large payloads and results included, for `loadState` on any node
   * of the cluster. An existing file is replaced when the new one is complete.
   *
   * @throws InvalidOptionError if it cannot be written
   */
  async saveState(file: string): Promise<void> {
    const { stateFiles, log } = this.parts.settings
    const { missing } = await stateFiles.write(file, this.exportState())
    if (missing === 0) return
    log.warn(
      `${file} lacks ${missing} large payloads or results, which no node that can be asked has`
    )
  }

  /**
   * Takes in the tasks of a file. What is known here, or was and has been pruned, stays as it is; the rest spreads, and
   * runs if it had not settled. Loading twice, or into a live cluster, is harmless.
   *
   * @throws ForeignStateFileError (and nothing was taken in) InvalidOptionError DiskFullError NodeClosedError
   */
  loadState(file: string): Promise<LoadedState> {
    return this.parts.state.take(this.parts.settings.stateFiles.read(file))
  }
}
