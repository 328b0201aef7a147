/**
 * A few threads for many jobs. Threads are started when there is a job for them and ended when there has been none for
 * a while, so an idle node has none; there are never more than `threadsMax`. A thread that is on its way out still
 * counts, because it still uses the processor; jobs wait for it in order of arrival.
 *
 * Why not a ready-made pool: it has to be certain which job a thread died of, and that the
 * thread has really ended when its job is reported as ended.
 */
import { assert } from '../../core/base/assert.ts'
import { outcomeOfUnloadable } from '../outcome.ts'
import { Thread, type Job } from './thread.ts'

export type PoolOptions = {
  threadsMax: number
  memoryMiB: number
  /** Time without a job after which a thread is ended. */
  idleMs: number
  onTainted: (why: string) => void
  onRefused: () => void
}

export class ThreadPool {
  readonly #options: PoolOptions
  readonly #threads = new Set<Thread>()
  /** Free threads; the one used last is at the end and used next, so that the others can go. */
  readonly #idle = new Map<Thread, NodeJS.Timeout>()
  readonly #waiting: Job[] = []
  #stopped = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** How many threads there are, also idle and ending ones. */
  get size(): number {
    return this.#threads.size
  }

  submit(job: Job): void {
    this.#waiting.push(job)
    this.#assign()
  }

  /** The job that has not got a thread yet is not wanted any more. */
  withdraw(job: Job): void {
    const at = this.#waiting.indexOf(job)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  /** No thread that is there now gets a further job: what they have loaded is out of date. */
  retire(): void {
    for (const thread of this.#idle.keys()) this.#endIdle(thread)
    for (const thread of this.#threads) thread.retire()
  }

  /** Ends each thread when its job has ended (abort the jobs first), and waits for that, but not for ever. */
  async stop(waitMsMax: number): Promise<void> {
    this.#stopped = true
    for (const thread of this.#idle.keys()) this.#endIdle(thread)
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, waitMsMax)
    await Promise.race([Promise.all(Array.from(this.#threads, thread => thread.gone)), late])
    clearTimeout(timer)
  }

  assertInvariants(): void {
    assert(this.#threads.size <= this.#options.threadsMax, 'threads have a bound', this.size)
    for (const thread of this.#idle.keys()) {
      assert(this.#threads.has(thread), 'a thread that is free is there')
    }
    const isHeldUp = this.#waiting.length > 0 && !this.#stopped
    assert(!isHeldUp || this.#idle.size === 0, 'no job waits beside a free thread')
  }

  #assign(): void {
    while (!this.#stopped) {
      this.#dropHomeless()
      if (this.#waiting.length === 0) return
      const thread = this.#take()
      if (thread === null) return
      const job = this.#waiting.shift()!
      thread.start(job, job.source()!)
    }
  }

  /** Jobs whose handlers have gone while they waited. */
  #dropHomeless(): void {
    for (const job of this.#waiting.filter(({ source }) => source() === null)) {
      this.withdraw(job)
      job.attempt.ended(outcomeOfUnloadable('its handler is gone from this node'), 0)
    }
  }

  #take(): Thread | null {
    const last = [...this.#idle.keys()].at(-1)
    if (last !== undefined) {
      clearTimeout(this.#idle.get(last))
      this.#idle.delete(last)
      return last
    }
    return this.#threads.size < this.#options.threadsMax ? this.#create() : null
  }

  #create(): Thread {
    const thread = new Thread({
      memoryMiB: this.#options.memoryMiB,
      onFree: free => this.#onFree(free),
      onGone: (gone, untouched) => this.#onGone(gone, untouched),
      onTainted: this.#options.onTainted,
      onRefused: this.#options.onRefused
    })
    this.#threads.add(thread)
    return thread
  }

  #onFree(thread: Thread): void {
    if (this.#stopped) return thread.end()
    this.#dropHomeless()
    const next = this.#waiting.shift()
    if (next !== undefined) return thread.start(next, next.source()!)
    const timer = setTimeout(() => this.#endIdle(thread), this.#options.idleMs).unref()
    this.#idle.set(thread, timer)
  }

  #onGone(thread: Thread, untouched: Job | null): void {
    clearTimeout(this.#idle.get(thread))
    this.#idle.delete(thread)
    this.#threads.delete(thread)
    if (untouched !== null) this.#waiting.unshift(untouched)
    this.#assign()
  }

  #endIdle(thread: Thread): void {
    clearTimeout(this.#idle.get(thread))
    this.#idle.delete(thread)
    thread.end()
  }
}
