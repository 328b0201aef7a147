/** Which thread gets which job, with threads that do as they are told. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HandlerCode } from '../../../src/run/code/handler-code.ts'
import { ThreadPool } from '../../../src/run/threads/pool.ts'
import type { Job, ThreadOptions } from '../../../src/run/threads/thread.ts'

const threads: FakeThread[] = []

class FakeThread {
  readonly gone = Promise.resolve()
  readonly #options: ThreadOptions
  job: Job | null = null
  isEnding = false

  constructor(options: ThreadOptions) {
    this.#options = options
    threads.push(this)
  }

  start(job: Job): void {
    expect(this.job).toBeNull()
    expect(this.isEnding).toBe(false)
    this.job = job
  }

  retire(): void {
    if (this.job === null) this.isEnding = true
  }

  end(): void {
    this.isEnding = true
  }

  /** The job has ended by itself. */
  free(): void {
    if (this.job === null || this.isEnding) return
    this.job = null
    this.#options.onFree(this as never)
  }

  exit(isUntouched: boolean): void {
    threads.splice(threads.indexOf(this), 1)
    this.isEnding = true
    this.#options.onGone(this as never, isUntouched ? this.job : null)
  }
}

/** Called when the pool makes a thread, and not when it is loaded. */
vi.mock('../../../src/run/threads/thread.ts', () => ({
  Thread: function (options: ThreadOptions) {
    return new FakeThread(options)
  }
}))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const IDLE_MS = 1000

const step = fc.record({
  what: fc.constantFrom('submit', 'withdraw', 'free', 'exit', 'exit untouched', 'wait' as const),
  at: fc.nat(7)
})

test('no job waits beside a free thread, whatever becomes of jobs and threads', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      threads.length = 0
      const jobs: Job[] = []
      const pool = new ThreadPool({
        threadsMax: 3,
        memoryMiB: 64,
        idleMs: IDLE_MS,
        onTainted: () => {},
        onRefused: () => {}
      })
      for (const { what, at } of steps) {
        const thread = threads[at % Math.max(1, threads.length)]
        if (what === 'submit') {
          const source = { file: '/handlers.ts', code: new HandlerCode() }
          jobs.push({ source: () => source } as unknown as Job)
          pool.submit(jobs.at(-1)!)
        } else if (what === 'withdraw') {
          const job = jobs[at % Math.max(1, jobs.length)]
          if (job !== undefined) pool.withdraw(job)
        } else if (what === 'wait') vi.advanceTimersByTime(IDLE_MS)
        else if (what === 'free') thread?.free()
        else thread?.exit(what === 'exit untouched')
        pool.assertInvariants()
      }
    })
  )
})
