/**
 * What the runs of this node have said, and how far they are: kept in memory, for readers.
 *
 * It is bounded, and when it is full the oldest attempt that has ended is dropped; it goes when the task is pruned, and
 * with the node. What has to outlive the node, the last lines of each run, is in the task's outcome.
 */
import type { Run } from '../../core/effect.ts'
import type { TaskId } from '../../core/base/ids.ts'
import type { AttemptInfo, OutputAnswer, OutputRequest, OutputStream } from '../../core/message.ts'
import { AttemptLog } from './attempt-log.ts'

/**
 * Cost of the attempts that have ended; those that run have 1.1 MiB each at most. Guess: a thousand tasks that say a
 * lot.
 */
const COST_MAX = 67_108_864
/** Interval at which a reader hears that there is nothing new. */
const QUIET_MS = 3000

type Attempts = Map<number, AttemptLog>

export class Logbook {
  readonly #now: () => number
  readonly #tasks = new Map<TaskId, Attempts>()
  readonly #running = new Set<AttemptLog>()
  /** Attempts that have ended, in that order, and what they cost. */
  readonly #ended = new Map<AttemptLog, number>()
  #cost = 0

  /** @param now the wall clock in ms */
  constructor(now: () => number) {
    this.#now = now
  }

  begin(run: Run): void {
    const log = new AttemptLog(run)
    const attempts: Attempts = this.#tasks.get(run.taskId) ?? new Map<number, AttemptLog>()
    attempts.set(run.epoch, log)
    this.#tasks.set(run.taskId, attempts)
    this.#running.add(log)
  }

  say(taskId: TaskId, epoch: number, stream: OutputStream, bytes: Uint8Array): void {
    const log = this.#get(taskId, epoch)
    if (log?.ended === false) log.say(stream, bytes, Math.floor(this.#now()))
  }

  progress(taskId: TaskId, epoch: number, fraction: number, message: string | null): void {
    const log = this.#get(taskId, epoch)
    if (log?.ended === false) log.progress = { fraction, message }
  }

  progressOf(taskId: TaskId, epoch: number): AttemptInfo['progress'] {
    return this.#get(taskId, epoch)?.progress ?? null
  }

  /** @returns what it said, if anything */
  end(taskId: TaskId, epoch: number): AttemptLog | undefined {
    const log = this.#get(taskId, epoch)
    if (log === undefined || log.ended) return log
    log.end()
    this.#running.delete(log)
    this.#ended.set(log, log.cost)
    this.#cost += log.cost
    for (const oldest of this.#ended.keys()) {
      if (this.#cost <= COST_MAX) break
      this.#remove(oldest)
    }
    return log
  }

  forget(taskId: TaskId): void {
    for (const [epoch, log] of this.#tasks.get(taskId) ?? []) {
      this.end(taskId, epoch)
      this.#remove(log)
    }
  }

  /** All readings come to an end. */
  close(): void {
    for (const { info } of this.#running) this.end(info.taskId, info.epoch)
  }

  /** The answer to a question, made as it is read. */
  async *answer(request: OutputRequest): AsyncGenerator<OutputAnswer, void, undefined> {
    if (request.kind === 'read') yield* this.#read(request)
    else {
      const logs =
        request.kind === 'running'
          ? [...this.#running]
          : [...(this.#tasks.get(request.taskId)?.values() ?? [])]
      for (const { info } of logs) yield { kind: 'attempt', info }
    }
    yield { kind: 'end' }
  }

  async *#read({
    taskId,
    epoch,
    position: start,
    follow
  }: Extract<OutputRequest, { kind: 'read' }>): AsyncGenerator<OutputAnswer, void, undefined> {
    const log = this.#get(taskId, epoch)
    if (log === undefined) return
    let position = start
    for (;;) {
      const piece = log.after(position)
      if (piece !== undefined) {
        position = piece.position + piece.bytes.length
        yield { kind: 'piece', piece }
      } else if (log.ended || !follow) return
      else if (!(await log.news(QUIET_MS))) yield { kind: 'quiet' }
    }
  }

  #get(taskId: TaskId, epoch: number): AttemptLog | undefined {
    return this.#tasks.get(taskId)?.get(epoch)
  }

  #remove(log: AttemptLog): void {
    this.#cost -= this.#ended.get(log) ?? 0
    this.#ended.delete(log)
    const { taskId, epoch } = log.info
    const attempts = this.#tasks.get(taskId)
    if (attempts?.get(epoch) === log) attempts.delete(epoch)
    if (attempts?.size === 0) this.#tasks.delete(taskId)
  }
}
