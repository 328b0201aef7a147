/**
 * One word for many tasks: cancel all that fit, or try them once more.
 *
 * Whoever says it has seen a number first, and may give it back as what is expected: if as many do not fit any more,
 * nothing is done. What is done then is done task by task, between the node's other work.
 */
import type { TaskId } from '../../core/base/ids.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import { CountMismatchError } from '../../shared/errors.ts'
import { COMMAND_TYPE } from '../../shared/names.ts'
import type { BulkPreview, BulkRequest, BulkResult, TaskRow } from '../api/lists-api.ts'
import { nextTurn, type Scans } from './scans.ts'
import type { TaskLists } from './task-lists.ts'

/** Enough to see whether they are the right ones. */
const SAMPLE = 10
const REFUSED_MAX = 1000
/** Cancellations that are taken in within one turn of the event loop: some milliseconds. */
const CANCELS_AT_ONCE = 32
/** Copies under way: enough for one flush to carry many. */
const RETRIES_AT_ONCE = 64

export type BulkParts = Readonly<{
  core: CoreView
  scans: Scans
  lists: Pick<TaskLists, 'matcher'>
  row: (record: TaskRecord) => TaskRow
  /** Has the holder of a task cancel it. @throws NodeClosedError */
  cancel: (id: TaskId) => void
  /** Resolves when the task has settled, after some seconds in any case. */
  cancelled: (id: TaskId) => Promise<unknown>
  /** Submits a copy. */
  retry: (id: TaskId) => Promise<unknown>
}>

export class Bulk {
  readonly #parts: BulkParts
  /** Settles when what was asked for last is done: a second word for the same tasks has to see what the first one did. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: BulkParts) {
    this.#parts = parts
  }

  async preview(request: BulkRequest): Promise<BulkPreview> {
    const ids = await this.#found(request)
    const { core, row } = this.#parts
    const records = ids.slice(0, SAMPLE).map(id => core.record(id))
    const sample = records.filter(record => record !== undefined).map(row)
    return { v: 1, matched: ids.length, sample }
  }

  run(request: BulkRequest, signal?: AbortSignal): Promise<BulkResult> {
    const done = this.#last.then(() => this.#run(request, signal))
    this.#last = done.catch(() => {})
    return done
  }

  async #run(request: BulkRequest, signal?: AbortSignal): Promise<BulkResult> {
    signal?.throwIfAborted()
    const ids = await this.#found(request)
    const result: BulkResult = {
      v: 1,
      matched: ids.length,
      changed: 0,
      refused: [],
      refusedMore: 0
    }
    if (request.action === 'cancel') await this.#cancel(ids, result, signal)
    else await this.#retry(ids, request.allowCommands ?? true, result, signal)
    return result
  }

  /** Newest first. @throws InvalidOptionError CountMismatchError */
  async #found({ action, filter, expect }: BulkRequest): Promise<TaskId[]> {
    const { scans, lists } = this.#parts
    const fits = lists.matcher(filter)
    const records: TaskRecord[] = []
    const copied = new Set<TaskId>()
    await scans.each(record => {
      const { retryOf } = record.spec
      if (retryOf !== null) copied.add(retryOf)
      if ((action === 'cancel' ? isOpen : isRetryable)(record) && fits(record)) records.push(record)
    })
    const found = action === 'cancel' ? records : records.filter(({ spec }) => !copied.has(spec.id))
    if (expect !== undefined && expect !== found.length) {
      throw new CountMismatchError(
        `${found.length} tasks fit, and not ${expect} as expected: nothing was done, look at them again`
      )
    }
    found.sort((x, y) => y.spec.submittedAt - x.spec.submittedAt)
    return found.map(({ spec }) => spec.id)
  }

  async #cancel(
    ids: readonly TaskId[],
    result: BulkResult,
    signal: AbortSignal | undefined
  ): Promise<void> {
    const { core, cancel, cancelled } = this.#parts
    let last: TaskId | null = null
    for (const [index, id] of ids.entries()) {
      if (index % CANCELS_AT_ONCE === 0) await nextTurn()
      signal?.throwIfAborted()
      const record = core.record(id)
      if (record === undefined || isSettled(record)) {
        refuse(result, id, record === undefined ? 'it has been pruned' : 'it has settled meanwhile')
        continue
      }
      cancel(id)
      last = id
      result.changed++
    }
    // They settle in about this order, so this is when most of them have.
    if (last !== null) await cancelled(last)
  }

  async #retry(
    ids: readonly TaskId[],
    allowCommands: boolean,
    result: BulkResult,
    signal: AbortSignal | undefined
  ): Promise<void> {
    const { core, retry } = this.#parts
    const left = ids.values()
    const work = async (): Promise<void> => {
      for (const id of left) {
        signal?.throwIfAborted()
        if (!allowCommands && core.record(id)?.spec.type === COMMAND_TYPE) {
          refuse(result, id, 'it is a command, and commands may not be submitted from here')
          continue
        }
        try {
          await retry(id)
          result.changed++
        } catch (error) {
          refuse(result, id, (error as Error).message)
        }
      }
    }
    await Promise.all(Array.from({ length: RETRIES_AT_ONCE }, work))
  }
}

function isOpen(record: TaskRecord): boolean {
  return !isSettled(record) && record.cancelRequest === null
}

function isRetryable(record: TaskRecord): boolean {
  return isSettled(record) && record.outcome!.status !== 'completed'
}

function refuse(result: BulkResult, id: TaskId, why: string): void {
  if (result.refused.length < REFUSED_MAX) result.refused.push({ id, why })
  else result.refusedMore++
}
