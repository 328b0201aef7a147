/**
 * One worker thread, seen from the node: runs one job at a time, and says how each ended, also if the thread dies of
 * it.
 *
 * All that a thread has said is heard before it is said to have exited (channel.ts). So a job that is still there at
 * the exit is one that did not end by itself, and there is no doubt which: a thread has one at most.
 *
 * Memory is bounded in two steps. V8's own limit ends a thread neatly if its heap grows bit by bit, but a single
 * allocation that does not fit below it ends the whole process (seen with Node 24: one array of 512 MB). So V8's limit
 * lies out of reach of one allocation, and the node itself looks at the heap ten times a second and ends the thread.
 */
import { assert } from '../../core/base/assert.ts'
import type { RunResult } from '../../core/input.ts'
import type { Attempt } from '../attempt.ts'
import type { ModuleSource } from '../registry.ts'
import { Channel } from './channel.ts'
import type { RunFiles } from '../contents.ts'
import type { Reporter } from '../context.ts'
import type { FromThread, Unreadable } from './from-thread.ts'
import { describe } from '../description.ts'
import type { SaveAnswer, StopCause } from './protocol.ts'
import { failure, outcomeOfCrash, outcomeOfUnloadable } from '../outcome.ts'

export type Job = {
  attempt: Attempt
  /** Where its handler is now; null if there is none any more. */
  source: () => ModuleSource | null
  files: RunFiles
  reporter: Reporter
  /** The thread has loaded the handlers file. */
  loaded: (source: ModuleSource) => void
  /** The thread cannot load it. */
  unloadable: (source: ModuleSource, why: string) => void
}

export type ThreadOptions = {
  memoryMiB: number
  /** The thread can take a job. */
  onFree(thread: Thread): void
  /** The thread has exited. A job that it had taken but cannot have begun is given back. */
  onGone(thread: Thread, untouched: Job | null): void
  /** The thread gets no further run. */
  onTainted: (why: string) => void
  /** The thread said what is no message of ours. */
  onRefused: () => void
}

const MEMORY_CHECK_MS = 100
const MIB = 2 ** 20

export class Thread {
  readonly #options: ThreadOptions
  readonly #channel: Channel
  readonly #memoryWatch: NodeJS.Timeout
  readonly gone: Promise<void>
  #job: Job | null = null
  /** That of the job. */
  #source: ModuleSource | null = null
  /** How many files of its code the thread has been given. */
  #filesGiven = 0
  readonly #loaded = new Set<string>()
  /** Jobs so far; the number of the current one. */
  #jobs = 0
  #memoryMeasuring = false
  #ending = false
  #tainted = false
  /** The run has broken it: what it still says does not count. */
  #broken = false
  /** What is known of why it exits. */
  #death: RunResult | null = null

  constructor(options: ThreadOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gone = promise
    this.#channel = new Channel(options.memoryMiB, {
      message: message => this.#onMessage(message),
      error: error => {
        this.#death ??= isOutOfMemory(error) ? this.#outOfMemory() : outcomeOfCrash(error)
      },
      exited: code => {
        this.#onExit(code)
        resolve()
      }
    })
    this.#memoryWatch = setInterval(() => void this.#checkMemory(), MEMORY_CHECK_MS)
    this.#memoryWatch.unref()
  }

  /** @param source of the version of the handlers that it had the last time */
  start(job: Job, source: ModuleSource): void {
    assert(this.#job === null && !this.#ending, 'a thread gets a job only while it is free')
    this.#job = job
    this.#source = source
    const number = ++this.#jobs
    this.#channel.ref()
    const { file, code } = source
    const brakes = {
      ask: (cause: StopCause) => this.#channel.send({ kind: 'stop', number, cause }),
      force: () => this.end()
    }
    job.attempt.begin(brakes, this.#loaded.has(file))
    if (this.#filesGiven < code.files.size) this.#channel.send({ kind: 'code', code })
    this.#filesGiven = code.files.size
    const { files, attempt } = job
    this.#channel.send({ kind: 'run', number, file, run: attempt.run, files })
  }

  /** What it has loaded is out of date: it ends with its job, or at once. */
  retire(): void {
    this.#tainted = true
    if (this.#job === null) this.end()
  }

  /** Ends the thread, even if it never listens. Its job ends with it. */
  end(): void {
    this.#ending = true
    void this.#channel.end()
  }

  #onMessage(message: FromThread | Unreadable): void {
    if (this.#broken) return
    if (message.kind === 'unreadable') return this.#refuse(message)
    if (message.kind === 'tainted') return this.#taint(message.why)
    const job = this.#job
    if (job === null || !('number' in message) || message.number !== this.#jobs) return
    if (message.kind === 'called') job.attempt.markCalled()
    else if (message.kind === 'loaded') this.#onLoaded(job)
    else if (message.kind === 'unloadable') this.#crash(outcomeOfUnloadable(message.why))
    else if (message.kind === 'crashed') this.#crash(message.result)
    else if (message.kind === 'ended') this.#onEnded(job, message.result, message.durationMs)
    else if (job.attempt.aborted) return
    else if (message.kind === 'progress') job.reporter.progress(message.fraction, message.message)
    else if (message.kind === 'output') job.reporter.output(message.stream, message.bytes)
    else if (message.kind === 'save') void this.#save(job, message)
  }

  async #save(
    { reporter }: Job,
    { number, save, blob }: Extract<FromThread, { kind: 'save' }>
  ): Promise<void> {
    let answer: SaveAnswer
    try {
      answer = await reporter.save(save, blob)
    } catch (error) {
      answer = describe(error)
    }
    if (!this.#ending) this.#channel.send({ kind: 'saved', number, save, answer })
  }

  #onLoaded(job: Job): void {
    this.#loaded.add(this.#source!.file)
    job.attempt.markLoaded()
    job.loaded(this.#source!)
  }

  /** A run goes on whatever is said beside it; if it was its end that cannot be read, it has ended all the same. */
  #refuse({ why, ends }: Unreadable): void {
    this.#options.onRefused()
    const what = `it said what is no message of hearsay's (${why})`
    if (!this.#tainted) this.#taint(what)
    if (this.#job === null || ends !== this.#jobs) return
    this.#crash(failure('HandlerCrashedError', `its thread is broken: of its end ${what}`))
  }

  #taint(why: string): void {
    this.#tainted = true
    this.#options.onTainted(why)
  }

  #onEnded(job: Job, result: RunResult, durationMs: number): void {
    this.#job = null
    this.#channel.unref()
    if (this.#tainted) this.end()
    // First free, then reported: the report may bring the next job.
    if (!this.#ending) this.#options.onFree(this)
    job.attempt.ended(result, durationMs)
  }

  #crash(result: RunResult): void {
    this.#broken = true
    this.#death ??= result
    this.end()
  }

  #onExit(code: number): void {
    clearInterval(this.#memoryWatch)
    const job = this.#job
    this.#job = null
    const untouched = job !== null && this.#jobs > 1 && !this.#ending && job.attempt.giveBack()
    if (job !== null && !untouched) this.#endedBy(job, code)
    this.#ending = true
    this.#options.onGone(this, untouched ? job : null)
  }

  #endedBy({ attempt, unloadable }: Job, code: number): void {
    if (attempt.isLoaded || attempt.isOver) {
      const exited = `the handler ended its thread: process.exit(${code}); return or throw instead`
      return attempt.ended(this.#death ?? failure('HandlerExitedError', exited), null)
    }
    // Whatever a file does while it is loaded is not the fault of the task.
    const death = attempt.verdict ?? this.#death
    const why =
      death?.status === 'failed'
        ? death.error.message
        : `it ended its thread: process.exit(${code})`
    unloadable(this.#source!, why)
    attempt.ended(outcomeOfUnloadable(why), null)
  }

  async #checkMemory(): Promise<void> {
    if (this.#job === null || this.#memoryMeasuring || this.#ending) return
    this.#memoryMeasuring = true
    try {
      const used = await this.#channel.memory()
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
