/**
 * Workers outside the process of the node: what they ask for is checked, what they hear is put into words, and what they
 * return goes where large things go. Their leases are kept where runs are (run/external).
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'
import { hlcMs } from '../../core/base/hlc.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import { isBlob, type BlobRef, type Content } from '../../core/task/content.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { SLOTS_MAX } from '../../pool-options.ts'
import type { SaveRun } from '../../ports/ports.ts'
import type { ExternalRunner, Handed, LeaseStanding, WorkerNews } from '../../ports/external.ts'
import { InvalidOptionError, LeaseLostError } from '../../shared/errors.ts'
import { LABEL_NAME } from '../../shared/names.ts'
import type {
  ClaimOptions,
  LeasedTask,
  LeaseFailure,
  LeaseResult,
  LeaseView,
  WorkerFeed,
  WorkerLine,
  WorkerOptions,
  WorkersApi
} from '../api/workers-api.ts'
import { parse } from '../queries/views.ts'
import { typeName, whole } from '../tasks/checks.ts'
import type { Payloads } from '../tasks/payloads.ts'

export type WorkersParts = Readonly<{
  external: ExternalRunner
  record: (id: TaskId) => TaskRecord | undefined
  payloads: Pick<Payloads, 'isFit' | 'write' | 'written'>
  /** Keeps what a run has saved. */
  save: SaveRun
  /** Throws if no more tasks are given out here. */
  assertGiving: () => void
}>

const TYPES_MAX = 256
const NAME_LENGTH_MAX = 24
const WAIT_MS_MAX = 60_000
/** Guess: what a poller that says nothing of its task has died of. */
const LEASE_MS = 60_000
/** Half a day: a night's work of a model that cannot hold a connection. */
const LEASE_MS_MAX = 43_200_000
/** How often a worker is known to be there while it sends a checkpoint: well below the shortest lease. */
const RENEW_MS = 250

export class Workers implements WorkersApi {
  readonly #parts: WorkersParts

  constructor(parts: WorkersParts) {
    this.#parts = parts
  }

  connect(options: WorkerOptions, gone: AbortSignal): AsyncIterable<WorkerLine> {
    return linesOf(this.attach(options, gone))
  }

  attach(options: WorkerOptions, gone: AbortSignal): WorkerFeed {
    const { name = 'worker', labels = {}, leaseMs } = options
    if (!LABEL_NAME.test(name) || name.length > NAME_LENGTH_MAX) {
      throw new InvalidOptionError(
        `name must be 1 to ${NAME_LENGTH_MAX} letters, digits, dots, dashes and underscores, not ${JSON.stringify(name)}`
      )
    }
    const offer = {
      name,
      labels,
      types: typesOf(options.types),
      slots: whole('slots', options.slots, 1, SLOTS_MAX),
      leaseMs: leaseMs === undefined ? null : leaseTime(leaseMs)
    }
    this.#parts.assertGiving()
    const { external } = this.#parts
    const session = external.connect(offer, gone)
    let isNamed = false
    return {
      next: () => {
        if (isNamed) return this.#line(session.next(), offer.leaseMs)
        isNamed = true
        return { v: 1, worker: session.worker }
      },
      get isOver() {
        return isNamed && session.isOver
      },
      onNews: listener => session.onNews(listener),
      leave: () => session.leave()
    }
  }

  drain(worker: string): void {
    this.#parts.external.drain(worker)
  }

  disconnect(worker: string): void {
    this.#parts.external.disconnect(worker)
  }

  async claim(options: ClaimOptions, gone: AbortSignal): Promise<LeasedTask | null> {
    const offer = {
      types: typesOf(options.types),
      waitMs: whole('waitMs', options.waitMs ?? 0, 0, WAIT_MS_MAX),
      leaseMs: leaseTime(options.leaseMs ?? LEASE_MS)
    }
    this.#parts.assertGiving()
    const { external } = this.#parts
    const handed = await external.claim(offer, gone)
    if (handed === null) return null
    if (!gone.aborted) return this.#taskOf(handed, offer.leaseMs)
    external.release(handed.lease)
    throw gone.reason
  }

  extend(lease: string, leaseMs?: number): LeaseView {
    const ms = leaseMs === undefined ? undefined : leaseTime(leaseMs)
    return viewOf(this.#parts.external.extend(lease, ms))
  }

  progress(lease: string, fraction: number, message?: string): LeaseView {
    return viewOf(this.#parts.external.progress(lease, fraction, message ?? null))
  }

  log(lease: string, lines: readonly string[]): LeaseView {
    return viewOf(this.#parts.external.log(lease, lines))
  }

  async save(lease: string, chunks: AsyncIterable<Uint8Array>): Promise<LeaseView> {
    const { external, payloads, save } = this.#parts
    const before = external.extend(lease)
    if (before.cancelled !== null) return viewOf(before)
    const { taskId, epoch } = external.runOf(lease)
    const blob = await payloads.write(this.#renewing(lease, chunks))
    if (blob.bytes === 0) {
      throw new InvalidOptionError('a checkpoint has one byte at least: nothing was sent')
    }
    external.extend(lease)
    const isTaken = await save(taskId, epoch, blob)
    const after = external.extend(lease)
    if (isTaken || after.cancelled !== null) return viewOf(after)
    throw new LeaseLostError(
      `the checkpoint is not taken: the lease ${lease} is not yours any more; stop, and ask for another task`
    )
  }

  /** A worker that sends is there. @throws LeaseLost LeaseEnded */
  async *#renewing(
    lease: string,
    chunks: AsyncIterable<Uint8Array>
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let renewedAt = performance.now()
    for await (const chunk of chunks) {
      const now = performance.now()
      if (now - renewedAt >= RENEW_MS) {
        this.#parts.external.extend(lease)
        renewedAt = now
      }
      yield chunk
    }
  }

  async complete(lease: string, given: LeaseResult): Promise<void> {
    const result =
      'resultBlob' in given ? await this.#written(given.resultBlob) : await this.#kept(given.result)
    this.#parts.external.complete(lease, result)
  }

  fail(lease: string, { error, retryable = true, retryAfterMs }: LeaseFailure): void {
    const { name, message } = error
    const after =
      retryAfterMs === undefined
        ? null
        : whole('retryAfterMs', retryAfterMs, 0, TASK_LIMITS.timeoutMsMax)
    this.#parts.external.fail(lease, { name, message, retryable, retryAfterMs: after })
  }

  release(lease: string): void {
    this.#parts.external.release(lease)
  }

  #line(news: WorkerNews | null, leaseMs: number | null): WorkerLine | null {
    switch (news?.kind) {
      case undefined:
        return null
      case 'run':
        return this.#taskOf(news, leaseMs)
      case 'cancel':
        return { v: 1, cancel: news.lease, reason: news.reason }
      case 'drain':
        return { v: 1, drain: true }
      case 'ping':
        return { v: 1, ping: true }
    }
  }

  #taskOf({ lease, run }: Handed, leaseMs: number | null): LeasedTask {
    const { taskId, type, payload, attempt, epoch, timeoutMs, traceparent, dependencies } = run
    const results = Array.from(dependencies, ([id, result]): [TaskId, Dependency] => [
      id,
      { result: parse(result), resultBlob: isBlob(result) ? result : null }
    ])
    return {
      v: 1,
      task: taskId,
      lease,
      type,
      payload: parse(payload),
      payloadBlob: isBlob(payload) ? payload : null,
      attempt,
      epoch,
      timeoutMs,
      deadline: this.#deadlineOf(run),
      leaseMs,
      traceparent,
      checkpointBlob: run.checkpoint ?? null,
      dependencies: Object.fromEntries(results)
    }
  }

  #deadlineOf({ taskId }: Run): string | null {
    const { deadlineMs = null, submittedAt = 0 } = this.#parts.record(taskId)?.spec ?? {}
    return deadlineMs === null ? null : new Date(hlcMs(submittedAt) + deadlineMs).toISOString()
  }

  /** A value, as it fits into a record, or in a blob of this node. @throws InvalidOptionError TooLargeError */
  async #kept(value: unknown): Promise<Content> {
    const text = JSON.stringify(value) ?? 'null'
    const { payloads } = this.#parts
    return payloads.isFit(text) ? text : payloads.write([Buffer.from(text)])
  }

  /** What was written before. @throws InvalidOptionError if it was not, or is small and no JSON */
  async #written(ref: BlobRef): Promise<Content> {
    const content = await this.#parts.payloads.written(ref)
    if (isBlob(content)) return content
    try {
      JSON.parse(content)
    } catch (error) {
      throw new InvalidOptionError(`the result is no JSON: ${(error as Error).message}`)
    }
    return content
  }
}

/** What a worker is to hear, as it is read. Reading no further is going without a word. */
async function* linesOf(feed: WorkerFeed): AsyncGenerator<WorkerLine, void, undefined> {
  let wake = (): void => {}
  feed.onNews(() => wake())
  try {
    for (;;) {
      const line = feed.next()
      if (line !== null) yield line
      else if (feed.isOver) return
      else await new Promise<void>(resolve => (wake = resolve))
    }
  } finally {
    feed.leave()
  }
}

type Dependency = LeasedTask['dependencies'][TaskId]

function viewOf({ leaseMs, cancelled, draining }: LeaseStanding): LeaseView {
  return { v: 1, leaseMs, cancelled: cancelled !== null, reason: cancelled, draining }
}

/** @throws InvalidOptionError */
function typesOf(types: readonly string[]): readonly string[] {
  if (types.length === 0 || types.length > TYPES_MAX) {
    throw new InvalidOptionError(`types must be 1 to ${TYPES_MAX} types of tasks`)
  }
  return [...new Set(types.map(typeName))]
}

/** @throws InvalidOptionError */
function leaseTime(ms: number): number {
  return whole('leaseMs', ms, 1000, LEASE_MS_MAX)
}
