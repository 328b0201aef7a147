/**
 * What can be asked of tasks that are there already: to wait for their end, to cancel them, to try them once more. They
 * may have been submitted on any node, and their news may be on their way.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Input } from '../../core/input.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import {
  AmbiguousTaskError,
  TaskStateError,
  UnknownTaskError,
  WaitTimeoutError
} from '../../shared/errors.ts'
import { TASK_ID } from '../../shared/names.ts'
import { idText } from './checks.ts'
import type { CancelResult, EndListener, Submitted } from '../api/node-api.ts'
import type { Lookups } from './lookups.ts'
import type { Queries } from '../queries/queries.ts'
import type { Submissions } from './submissions.ts'
import type { Turns } from '../runtime/turns.ts'
import { within, type Waits } from './waits.ts'

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
  submissions: Submissions
  lookups: Lookups
  turns: Turns
  feed: (input: Input) => void
  /** Throws if nothing may be waited for any more. */
  assertOpen: () => void
  /** Throws if the node has closed. */
  assertNotClosed: () => void
}>

export class Tasks {
  readonly #options: TasksOptions

  constructor(options: TasksOptions) {
    this.#options = options
  }

  /** Resolves when the task has settled. @throws UnknownTaskError NodeClosedError, or the signal's reason */
  async settled(id: TaskId, signal?: AbortSignal): Promise<TaskRecord> {
    const { waits, core, queries, feed, assertNotClosed } = this.#options
    const isKnown = (): boolean => queries.matching(id).length > 0
    const ended = isKnown() ? undefined : waits.recent(id)
    if (ended !== undefined) return ended
    await this.#known(isKnown, id, signal)
    const record = queries.record(id)
    if (core.isReported(id)) return record
    assertNotClosed()
    const settled = waits.settled(id, signal)
    feed({ kind: 'watch', taskId: id })
    return settled
  }

  /**
   * Has `onEnd` called once, when the task has settled, if anybody is there still: nothing that happens from now on is
   * missed.
   */
  watch(id: TaskId, { onEnd, gone }: EndListener): void {
    const { waits, core, queries, feed } = this.#options
    const told = (record: TaskRecord): void => onEnd(() => queries.view(record))
    const record = core.record(id)
    if (record !== undefined && !core.isReported(id)) {
      waits.addUntil(gone, id, { resolve: told, reject: () => onEnd(null) })
      return feed({ kind: 'watch', taskId: id })
    }
    const ended = record ?? waits.recent(id)
    if (ended === undefined) onEnd(null)
    else told(ended)
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
      const record = await within(CANCEL_WAIT_MS, '', signal => this.settled(task, signal))
      return { v: 1, id: task, status: record.outcome!.status }
    } catch (error) {
      if (error instanceof WaitTimeoutError) return { v: 1, id: task, status: 'requested' }
      throw error
    }
  }

  /** @throws UnknownTaskError TaskStateError BlobUnavailableError NodeClosedError */
  async retry(id: TaskId): Promise<Submitted> {
    const { queries, submissions, core } = this.#options
    const record = queries.record(await this.resolveId(id))
    const status = isSettled(record) ? record.outcome!.status : null
    if (status === 'failed' || status === 'cancelled') return submissions.resubmit(record.spec)
    throw new TaskStateError(
      `${record.spec.id} is ${core.state(record)}: only what has failed or was cancelled is tried once more`
    )
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
