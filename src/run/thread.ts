/**
 * One worker thread, seen from the node: runs one job at a time, and says how each ended, also if the thread dies of it.
 *
 * Node delivers all that a thread has posted on its own port before it says that the thread has exited. So a job that
 * is still there at the exit is one that did not end by itself, and there is no doubt which: a thread has one at most.
 *
 * Memory is bounded in two steps. V8's own limit ends a thread neatly if its heap grows bit by bit, but a single
 * allocation that does not fit below it ends the whole process (seen with Node 24: one array of 512 MB). So V8's limit
 * lies out of reach of one allocation, and the node itself looks at the heap ten times a second and ends the thread.
 */
import { Worker } from 'node:worker_threads'
import { assert } from '../core/base/assert.ts'
import type { RunResult } from '../core/input.ts'
import type { Attempt } from './attempt.ts'
import type { RunFiles } from './contents.ts'
import type { Reporter } from './context.ts'
import { failure, outcomeOfCrash } from './outcome.ts'
import type { FromThread, ToThread } from './protocol.ts'

export type Job = { attempt: Attempt; file: string; files: RunFiles; reporter: Reporter }

export type ThreadOptions = {
  memoryMiB: number
  /** It can take a job. */
  onFree(thread: Thread): void
  /** It has exited. A job that it had taken but cannot have begun is given back. */
  onGone(thread: Thread, untouched: Job | null): void
  onTainted: (why: string) => void
}

/** Above the largest array (1 GiB) and the largest text (512 MiB) of V8 together. */
const UNREACHABLE_MIB = 2048
const MEMORY_CHECK_MS = 100
const MIB = 2 ** 20

/** Starts a thread on the entry, which lies beside this file: as source, or compiled like this file itself. */
export function startWorker(memoryMiB: number): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./worker.${extension}`, import.meta.url), {
    name: 'hearsay handler',
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB + UNREACHABLE_MIB },
    // A thread inherits the flags of the process, and one of them is refused for files.
    ...(process.execArgv.some(flag => flag.startsWith('--input-type')) && { execArgv: [] })
  })
}

export function send(worker: Worker, message: ToThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(message)
}

export class Thread {
  readonly #options: ThreadOptions
  readonly #worker: Worker
  readonly #memoryWatch: NodeJS.Timeout
  readonly gone: Promise<void>
  #job: Job | null = null
  /** Jobs so far; the number of the current one. */
  #jobs = 0
  #memoryMeasuring = false
  #ending = false
  #tainted = false
  /** What is known of why it exits. */
  #death: RunResult | null = null

  constructor(options: ThreadOptions) {
    this.#options = options
    this.#worker = startWorker(options.memoryMiB)
    this.#worker.on('message', message => this.#onMessage(message as FromThread))
    this.#worker.on('error', error => {
      this.#death ??= isOutOfMemory(error) ? this.#outOfMemory() : outcomeOfCrash(error)
    })
    this.gone = new Promise(resolve => {
      this.#worker.on('exit', code => {
        this.#onExit(code)
        resolve()
      })
    })
    this.#memoryWatch = setInterval(() => void this.#checkMemory(), MEMORY_CHECK_MS)
    this.#memoryWatch.unref()
  }

  start(job: Job): void {
    assert(this.#job === null && !this.#ending, 'a thread gets a job only while it is free')
    this.#job = job
    const number = ++this.#jobs
    this.#worker.ref()
    job.attempt.begin({
      ask: cause => this.#post({ kind: 'stop', number, cause }),
      force: () => this.end()
    })
    const { file, files, attempt } = job
    this.#post({ kind: 'run', number, file, run: attempt.run, files })
  }

  /** Ends the thread, even if it never listens. Its job ends with it. */
  end(): void {
    this.#ending = true
    void this.#worker.terminate()
  }

  #post(message: ToThread): void {
    send(this.#worker, message)
  }

  #onMessage(message: FromThread): void {
    if (message?.kind === 'tainted') {
      this.#tainted = true
      this.#options.onTainted(message.why)
      return
    }
    const job = this.#job
    if (job === null || !('number' in (message ?? {}))) return
    const ofJob = message as Extract<FromThread, { number: number }>
    if (ofJob.number !== this.#jobs) return
    if (ofJob.kind === 'called') job.attempt.markCalled()
    else if (ofJob.kind === 'crashed') this.#crash(ofJob.result)
    else if (ofJob.kind === 'ended') this.#onEnded(job, ofJob.result, ofJob.durationMs)
    else if (job.attempt.aborted) return
    else if (ofJob.kind === 'progress') job.reporter.progress(ofJob.fraction, ofJob.message)
    else if (ofJob.kind === 'output') job.reporter.output(ofJob.stream, ofJob.text)
  }

  #onEnded(job: Job, result: RunResult, durationMs: number): void {
    this.#job = null
    this.#worker.unref()
    if (this.#tainted) this.end()
    // First free, then reported: the report may bring the next job.
    if (!this.#ending) this.#options.onFree(this)
    job.attempt.ended(result, durationMs)
  }

  #crash(result: RunResult): void {
    this.#death ??= result
    this.end()
  }

  #onExit(code: number): void {
    clearInterval(this.#memoryWatch)
    const job = this.#job
    this.#job = null
    const untouched = job !== null && this.#jobs > 1 && !this.#ending && job.attempt.giveBack()
    if (job !== null && !untouched) {
      const exited = `the handler ended its thread: process.exit(${code}); return or throw instead`
      job.attempt.ended(this.#death ?? failure('HandlerExitedError', exited), null)
    }
    this.#ending = true
    this.#options.onGone(this, untouched ? job : null)
  }

  async #checkMemory(): Promise<void> {
    if (this.#job === null || this.#memoryMeasuring || this.#ending) return
    this.#memoryMeasuring = true
    try {
      const heap = await this.#worker.getHeapStatistics()
      const used = heap.used_heap_size + heap.external_memory
      if (this.#job === null || this.#ending || used <= this.#options.memoryMiB * MIB) return
      this.#death = this.#outOfMemory()
      this.end()
    } catch {
      // The thread is about to exit, which it says itself.
    } finally {
      this.#memoryMeasuring = false
    }
  }

  #outOfMemory(): RunResult {
    const { memoryMiB } = this.#options
    const message = `the handler used more memory than its limit of ${memoryMiB} MiB`
    return failure('OutOfMemoryError', message)
  }
}

function isOutOfMemory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
}
