/**
 * What can be asked of tasks: to take them, to wait for their end, to cancel them, to try them once more. Those that
 * are there already may have been submitted on any node, and their news may be on their way.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Input } from '../../core/input.ts'
import type { BlobRef } from '../../core/task/content.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import {
  AmbiguousTaskError,
  TaskStateError,
  UnknownTaskError,
  WaitTimeoutError
} from '../../shared/errors.ts'
import { TASK_ID } from '../../shared/names.ts'
import { within } from '../../shared/within.ts'
import { idText } from './checks.ts'
import { cancelledWith, standIns } from './dependents.ts'
import type {
  CancelResult,
  EndListener,
  IdListener,
  Retried,
  RetryOptions,
  Submitted,
  TaskView,
  TasksApi
} from '../api/node-api.ts'
import type { Lookups } from './lookups.ts'
import type { Queries } from '../queries/queries.ts'
import type { Payloads } from './payloads.ts'
import type { Submissions } from './submissions.ts'
import type { Turns } from '../runtime/turns.ts'
import type { Waits } from './waits.ts'

/**
 * Time for which news of a task are waited for that is asked for by a part of its id: the others are asked for whole
 * ids only.
 */
const UNKNOWN_AFTER_MS = 1000
/** A holder that lives settles a cancelled task within a round trip and a flush. */
const CANCEL_WAIT_MS = 5000

export type TasksOptions = Readonly<{
  waits: Waits
  core: CoreView
  queries: Queries
  payloads: Payloads
  submissions: Submissions
  lookups: Lookups
  turns: Turns
  feed: (input: Input) => void
  /** Throws if nothing may be waited for any more. */
  assertOpen: () => void
  /** Throws if the node accepts nothing now. */
  assertAccepting: () => void
  /** Throws if the node has closed. */
  assertNotClosed: () => void
  /** A function of a caller has thrown that was to hear how a task ended: others hear of it. */
  failed: (error: unknown) => void
}>

/** Given by callers as they like: names and values are checked where they are read. */
type GivenOptions = Readonly<Record<string, unknown>>

export class Tasks implements TasksApi {
  readonly #options: TasksOptions

  constructor(options: TasksOptions) {
    this.#options = options
  }

  submit(
    type: string,
    payload: unknown,
    options: GivenOptions = {},
    signal?: AbortSignal,
    listener?: EndListener,
    named?: IdListener
  ): Promise<Submitted> {
    return this.#options.submissions.submit(type, payload, options, signal, listener, named)
  }

  submitBlob(
    type: string,
    payload: BlobRef,
    options: GivenOptions = {},
    signal?: AbortSignal,
    listener?: EndListener
  ): Promise<Submitted> {
    return this.#options.submissions.submitBlob(type, payload, options, signal, listener)
  }

  async writeBlob(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    this.#options.assertAccepting()
    return this.#options.payloads.write(chunks)
  }

  async readBlob(blob: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    this.#options.assertOpen()
    return this.#options.payloads.read(blob)
  }

  async settled(id: TaskId, signal?: AbortSignal): Promise<TaskView> {
    return this.#options.queries.view(await this.#settled(id, signal))
  }

  /**
   * What the handler returned, once the task has settled.
   *
   * @param timeoutMs null: as long as it takes
   * @throws TaskFailedError WaitTimeoutError UnknownTaskError NodeClosedError
   */
  async result(id: TaskId, timeoutMs: number | null): Promise<unknown> {
    const { payloads } = this.#options
    if (timeoutMs === null) return payloads.resultOf(await this.#settled(id))
    const message = `${id} has not settled within ${timeoutMs} ms: it goes on`
    return payloads.resultOf(await within(timeoutMs, message, signal => this.#settled(id, signal)))
  }

  async #settled(id: TaskId, signal?: AbortSignal): Promise<TaskRecord> {
    const { waits, feed } = this.#options
    const ended = await this.#ended(id, signal)
    if (ended !== null) return ended
    const settled = waits.settled(id, signal)
    feed({ kind: 'watch', taskId: id })
    return settled
  }

  async follow(id: TaskId, listener: EndListener): Promise<void> {
    await this.#ended(id, listener.gone)
    this.watch(id, listener)
  }

  /**
   * Has `onEnd` called once, when the task has settled, if anybody is there still: nothing that happens from now on is
   * missed.
   */
  watch(id: TaskId, { onEnd, gone }: EndListener): void {
    const { waits, core, queries, feed, failed } = this.#options
    const tell = (end: (() => TaskView) | Error): void => {
      try {
        onEnd(end)
      } catch (error) {
        failed(error)
      }
    }
    const resolve = (ended: TaskRecord): void => tell(() => queries.view(ended))
    const record = core.record(id)
    const ended = record === undefined ? waits.recent(id) : core.isReported(id) ? record : undefined
    if (ended !== undefined) return resolve(ended)
    if (record === undefined) return tell(forgotten(id))
    waits.addUntil(gone, id, { resolve, reject: error => tell(error as Error) })
    feed({ kind: 'watch', taskId: id })
  }

  /** How a task has ended; null if it has not, and its end can be waited for. */
  async #ended(id: TaskId, signal?: AbortSignal): Promise<TaskRecord | null> {
    const { waits, core, queries, assertNotClosed } = this.#options
    const isKnown = (): boolean => queries.matching(id).length > 0
    const recent = isKnown() ? undefined : waits.recent(id)
    if (recent !== undefined) return recent
    await this.#known(isKnown, id, signal)
    const record = queries.record(id)
    if (core.isReported(id)) return record
    assertNotClosed()
    return null
  }

  /** @throws UnknownTaskError AmbiguousTaskError */
  async resolveId(part: string): Promise<TaskId> {
    const { queries } = this.#options
    let found: TaskId[] = []
    await this.#known(() => (found = queries.matching(part)).length > 0, part)
    if (found.length > 1) {
      throw new AmbiguousTaskError(
        `${part} fits ${found.length} or more tasks, such as ${found.join(' and ')}: give the whole id, or its end`
      )
    }
    return found[0] ?? queries.record(part).spec.id
  }

  /** @throws UnknownTaskError NodeClosedError */
  async cancel(id: TaskId): Promise<CancelResult> {
    const { queries, feed, assertOpen } = this.#options
    const task = await this.resolveId(id)
    const before = queries.record(task)
    if (isSettled(before)) return { v: 1, id: task, status: before.outcome!.status }
    assertOpen()
    feed({ kind: 'cancel', taskId: task })
    try {
      const record = await within(CANCEL_WAIT_MS, '', signal => this.#settled(task, signal))
      return { v: 1, id: task, status: record.outcome!.status }
    } catch (error) {
      if (error instanceof WaitTimeoutError) return { v: 1, id: task, status: 'requested' }
      throw error
    }
  }

  /** @throws UnknownTaskError TaskStateError BlobUnavailableError NodeClosedError */
  async retry(id: TaskId, { withDependents = false }: RetryOptions = {}): Promise<Retried> {
    const { queries, submissions, core } = this.#options
    const record = queries.record(await this.resolveId(id))
    const status = isSettled(record) ? record.outcome!.status : null
    if (status !== 'failed' && status !== 'cancelled') {
      throw new TaskStateError(
        `${record.spec.id} is ${core.state(record)}: only what has failed or was cancelled is tried once more`
      )
    }
    const dependents = cancelledWith(core, record.spec.id)
    const submitted = await submissions.resubmit(record.spec)
    if (withDependents) return this.#retryDependents(record.spec.id, submitted, dependents)
    if (dependents.length === 0) return submitted
    const offer = `${dependents.length} tasks that depend on it were cancelled with it: --with-dependents tries them once more, too`
    return { ...submitted, warnings: [...submitted.warnings, offer] }
  }

  /** Copies depend on copies. What depends on another task that has failed, too, is left to the retry of that one. */
  async #retryDependents(
    root: TaskId,
    submitted: Submitted,
    dependents: readonly TaskRecord[]
  ): Promise<Retried> {
    const copies = new Map([[root, submitted.id]])
    const warnings = new Set(submitted.warnings)
    const standInOf = standIns(this.#options.core)
    for (const { spec } of dependents) {
      const found = spec.dependsOn.map(id => [id, copies.get(id) ?? standInOf(id)] as const)
      const broken = found.find(([, standIn]) => standIn === null)
      if (broken !== undefined) {
        warnings.add(
          `${spec.id} is not tried once more yet: it depends on ${broken[0]}, too, whose retry with --with-dependents takes it along`
        )
        continue
      }
      const dependsOn = found.map(([, standIn]) => standIn!)
      const copy = await this.#options.submissions.resubmit(spec, dependsOn)
      copies.set(spec.id, copy.id)
      for (const warning of copy.warnings) warnings.add(warning)
    }
    return { ...submitted, warnings: [...warnings], dependents: [...copies.values()].slice(1) }
  }

  /** What is not known yet may be on its way, or with another node, unless it was known once and is over. */
  async #known(isKnown: () => boolean, id: string, signal?: AbortSignal): Promise<void> {
    const { core, lookups, turns, assertOpen } = this.#options
    idText(id)
    if (isKnown()) return
    signal?.throwIfAborted()
    const check = (): false => {
      assertOpen()
      if (core.isForgotten(id)) throw forgotten(id)
      return false
    }
    check()
    if (TASK_ID.test(id)) {
      const lookup = lookups.ask(id)
      await turns.until(() => isKnown() || lookup.isOver || check(), signal)
      if (lookup.isForgotten && !isKnown()) throw forgotten(id)
    } else {
      let taken = core.tasksTaken
      // All tasks are looked through, so only when there is another one.
      const hasCome = (): boolean => {
        if (taken === core.tasksTaken) return false
        taken = core.tasksTaken
        return isKnown()
      }
      await turns.until(() => hasCome() || check(), signal, UNKNOWN_AFTER_MS)
    }
  }
}

function forgotten(id: TaskId): UnknownTaskError {
  return new UnknownTaskError(
    `${id} has settled, and has been forgotten since: keep tasks longer with --retention`
  )
}
