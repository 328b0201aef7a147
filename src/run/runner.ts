/**
 * Runs user code: the Runner port over worker threads (modules) and the node's own thread (functions).
 *
 * A handler may do what it likes, and the node goes on: whatever becomes of a run, its end is reported once, never
 * inside `start`, or not at all if the run was aborted.
 */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Run } from '../core/effect.ts'
import type { TaskId } from '../core/base/ids.ts'
import type { RunResult } from '../core/input.ts'
import { isBlob } from '../core/task/content.ts'
import { assert } from '../core/base/assert.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import type {
  BlobFolder,
  ReloadedHandlers,
  RunEnded,
  Runner,
  RunOutput,
  RunProgress,
  SaveRun
} from '../ports/ports.ts'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Checker } from './threads/checker.ts'
import { refusalOf } from './validation.ts'
import { Attempt } from './attempt.ts'
import { commandRefusal } from './commands/command.ts'
import { CommandProcesses } from './commands/command-processes.ts'
import { runCommand, type Say } from './commands/command-run.ts'
import { blobsOf, type RunFiles } from './contents.ts'
import type { Reporter } from './context.ts'
import { External } from './external/external.ts'
import { runFunction } from './functions/function-run.ts'
import type { Handler } from '../ports/handler.ts'
import { Handlers } from './handlers.ts'
import { outcomeOfUnkept, outcomeOfUnloadable, UNKEPT, UNREADABLE } from './outcome.ts'
import { savePath } from './saving.ts'
import { ThreadPool } from './threads/pool.ts'
import type { Job } from './threads/thread.ts'

export type RunnerOptions = {
  /** Handlers files. Relative paths start at the current directory. @default none */
  files?: readonly string[]
  /** Whether it runs commands: tasks of the type `command` say which. @default false */
  commands?: boolean
  /** How many modules' handlers run at once, a thread each; runs beyond that wait. A positive integer. */
  concurrency: number
  /** Hears what no run can be told. @default nobody */
  log?: { warn(message: string): void }
  /** Between asking a handler to stop and ending its thread. @default 2000 */
  abortGraceMs?: number
  /** Of one thread: heap and buffers, in MiB. Checked ten times a second. @default 512 */
  memoryMiB?: number
  /** Idle time after which a thread, and the process that starts commands, are ended. @default 10,000 */
  idleMs?: number
  /** A handlers file has to be loaded within this time. @default 30,000 */
  loadTimeoutMs?: number
  /** What a worker outside this process has to end a run that the node has settled. @default 30,000 */
  externalGraceMs?: number
}

export interface ModuleAndFunctionRunner extends Runner {
  /** How many worker threads there are at the moment. */
  readonly threads: number
  /** Messages of threads that were refused, because they are none of ours. */
  readonly refused: number
}

/** Guesses, but for the memory: what Node itself gives a small process. */
const DEFAULTS = {
  abortGraceMs: 2000,
  memoryMiB: 512,
  idleMs: 10_000,
  loadTimeoutMs: 30_000,
  externalGraceMs: 30_000
} as const

/** Guess: a schema takes milliseconds, and loading its file at most some seconds. */
const CHECK_MS = 5000

/** Guess: what a blob of ordinary size takes to come from a peer. */
const REFETCH_MS = 100

/** Nothing ends a thread inside a blocking system call, such as `execSync`. Guess: nobody waits longer to stop. */
const END_WAIT_MS = 5000

/** What a timer can wait for, also together with the time above: beyond that it does not wait at all. */
const SETTING_MAX = 2 ** 31 - 1 - END_WAIT_MS

/**
 * Loads the handlers files and returns a runner without any thread yet.
 *
 * @throws HandlersFileError InvalidOptionError
 */
export async function createRunner(options: RunnerOptions): Promise<ModuleAndFunctionRunner> {
  const { files = [], commands = false, ...given } = options
  const settings = { ...DEFAULTS, log: null, ...given }
  checkIntegers(settings)
  const runner = new ThreadRunner(settings)
  await runner.load(files, commands)
  return runner
}

type Settings = Required<Omit<RunnerOptions, 'files' | 'commands' | 'log'>> & {
  log: { warn(message: string): void } | null
}

class ThreadRunner implements ModuleAndFunctionRunner {
  readonly external: External
  readonly #settings: Settings
  readonly #handlers: Handlers
  readonly #pool: ThreadPool
  readonly #checker: Checker
  readonly #processes: CommandProcesses
  /** Commands that have processes, or may get one. */
  readonly #commands = new Set<Promise<void>>()
  readonly #attempts = new Map<string, Attempt>()
  #ended: RunEnded = () => {}
  #progress: RunProgress = () => {}
  #output: RunOutput = () => {}
  #blobs: BlobFolder | null = null
  #save: SaveRun = () => Promise.resolve(false)
  #stopped = false
  refused = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#handlers = new Handlers({
      ...settings,
      replaced: () => {
        this.#pool.retire()
        void this.#checker.stop()
      }
    })
    this.#checker = new Checker({ ...settings, patienceMs: CHECK_MS })
    this.#processes = new CommandProcesses(settings.idleMs)
    this.external = new External(settings.externalGraceMs, {
      ended: (...ended) => this.#ended(...ended),
      progress: (...progress) => this.#progress(...progress),
      output: (...output) => this.#output(...output)
    })
    this.#pool = new ThreadPool({
      threadsMax: settings.concurrency,
      memoryMiB: settings.memoryMiB,
      idleMs: settings.idleMs,
      onTainted: why => settings.log?.warn(`a worker thread is replaced after its run: ${why}`),
      onRefused: () => this.refused++
    })
  }

  get handlers(): readonly string[] {
    return this.#handlers.types
  }

  get threads(): number {
    return this.#pool.size
  }

  useBlobs(blobs: BlobFolder, save: SaveRun = this.#save): void {
    this.#blobs = blobs
    this.#save = save
  }

  onEnded(ended: RunEnded): void {
    this.#ended = ended
  }

  onProgress(progress: RunProgress): void {
    this.#progress = progress
  }

  onOutput(output: RunOutput): void {
    this.#output = output
  }

  onHandlersChanged(changed: () => void): void {
    this.#handlers.onChanged(changed)
  }

  /** @throws HandlersFileError InvalidOptionError */
  async load(files: readonly string[], commands: boolean): Promise<void> {
    if (commands) this.#handlers.addCommands()
    await this.#handlers.addFiles(files)
  }

  registerFunction(type: string, handler: Handler, schema: StandardSchemaV1 | null = null): void {
    this.#handlers.addFunction(type, handler, schema)
  }

  registerModule(type: string, path: string): Promise<void> {
    return this.#handlers.addModule(type, path)
  }

  reload(files?: readonly string[]): Promise<ReloadedHandlers> {
    return this.#handlers.reload(files)
  }

  refusalOf(type: string, payload: string): Promise<string | null> | null {
    const source = this.#handlers.get(type)
    if (source?.kind === 'function' && source.schema !== null) {
      return refusalOf(type, source.schema, payload)
    }
    if (source?.kind === 'command') return Promise.resolve(commandRefusal(payload))
    if (source?.kind !== 'module' || !source.hasSchema || this.#stopped) return null
    return this.#checker.refusalOf(source, type, payload)
  }

  start(run: Run): void {
    assert(!this.#stopped, 'a stopped runner is given no runs')
    if (run.isExternal === true) return this.external.start(run)
    const { taskId, epoch } = run
    const key = keyOf(taskId, epoch)
    assert(!this.#attempts.has(key), 'a run is started once')
    const source = this.#handlers.get(run.type)
    const files = this.#filesOf(run)
    let job: Job | null = null
    let reported = false
    const attempt = new Attempt(run, {
      ...this.#settings,
      over: () => {
        this.#attempts.delete(key)
        if (job !== null) this.#pool.withdraw(job)
        // An aborted run may have left a file. A report, if there is one, follows at once.
        queueMicrotask(() => {
          if (!reported) void this.#discard(files)
        })
      },
      report: (result, durationMs) => {
        reported = true
        void this.#report(run, files, result, durationMs)
      }
    })
    this.#attempts.set(key, attempt)
    const reporter: Reporter = {
      room: () => true,
      progress: (fraction, message) => this.#progress(taskId, epoch, fraction, message),
      output: (stream, bytes) => this.#output(taskId, epoch, stream, bytes),
      save: async (number, blob) => {
        await this.#blobs!.adopt(savePath(files.result!, number), blob)
        return this.#save(taskId, epoch, blob)
      }
    }
    if (source?.kind === 'module') {
      job = this.#jobOf(attempt, files, reporter)
      this.#pool.submit(job)
    } else if (source?.kind === 'function') {
      runFunction(source, attempt, files, reporter)
    } else if (source?.kind === 'command') {
      const say: Say = (stream, bytes) => this.#output(taskId, epoch, stream, bytes)
      const { abortGraceMs } = this.#settings
      const running = runCommand(attempt, files, this.#processes, say, abortGraceMs)
      this.#commands.add(running)
      void running.finally(() => this.#commands.delete(running))
    } else {
      const missing = outcomeOfUnloadable(
        `this node has no handler for ${run.type}`,
        'NoHandlerError'
      )
      setImmediate(() => attempt.ended(missing, 0))
    }
  }

  #jobOf(attempt: Attempt, files: RunFiles, reporter: Reporter): Job {
    return {
      attempt,
      source: () => {
        const source = this.#handlers.get(attempt.run.type)
        return source?.kind === 'module' ? source : null
      },
      files,
      reporter,
      loaded: ({ file }) => this.#handlers.loaded(file),
      unloadable: (source, why) => this.#handlers.cannotLoad(source, why)
    }
  }

  async abort(taskId: TaskId, epoch: number): Promise<void> {
    const attempt = this.#attempts.get(keyOf(taskId, epoch))
    if (attempt === undefined) return this.external.abort(taskId, epoch)
    attempt.abort()
    // Nothing ends a thread inside a blocking system call.
    const over = new AbortController()
    const late = sleep(this.#settings.abortGraceMs + END_WAIT_MS, undefined, {
      ref: false,
      signal: over.signal
    }).catch(() => {})
    await Promise.race([attempt.over, late])
    over.abort()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#handlers.stop()
    this.external.stop()
    for (const attempt of this.#attempts.values()) attempt.abort()
    const waitMs = this.#settings.abortGraceMs + END_WAIT_MS
    const late = sleep(waitMs, undefined, { ref: false })
    const commands = Promise.all(this.#commands)
    await Promise.all([
      this.#pool.stop(waitMs),
      this.#checker.stop(),
      Promise.race([commands, late])
    ])
    this.#processes.stop()
  }

  #filesOf(run: Run): RunFiles {
    const blobs = this.#blobs
    if (blobs === null) return { paths: new Map(), result: null }
    const paths = new Map(blobsOf(run).map(({ hash }) => [hash, blobs.pathOf(hash)]))
    return { paths, result: blobs.newPath() }
  }

  /** A result in a file of its own goes to its place first. */
  async #report(run: Run, files: RunFiles, result: RunResult, durationMs: number): Promise<void> {
    const { taskId, epoch } = run
    let outcome = result
    if (result.status === 'failed') {
      void this.#discard(files)
      // What was damaged here is fetched from elsewhere, and then the run is tried again.
      const isDamaged = result.error.name === UNREADABLE && !(await this.#isSound(run))
      if (isDamaged) outcome = { ...result, retryAfterMs: REFETCH_MS }
    } else if (result.status === 'completed' && isBlob(result.result)) {
      try {
        await this.#blobs!.adopt(files.result!, result.result)
      } catch (error) {
        outcome = outcomeOfUnkept(error)
      }
    }
    if (outcome.status === 'failed' && outcome.error.name === UNKEPT) {
      this.#settings.log?.warn(`${taskId} is to run again: ${outcome.error.message}`)
    }
    this.#ended(taskId, epoch, outcome, durationMs)
  }

  /** Whether all blobs that a run reads are on the disk as they should be. */
  async #isSound(run: Run): Promise<boolean> {
    try {
      for (const { hash } of blobsOf(run)) if (!(await this.#blobs!.isSound(hash))) return false
    } catch {
      // A blob that cannot be looked at is not known to be damaged.
    }
    return true
  }

  async #discard({ result }: RunFiles): Promise<void> {
    if (result !== null) await rm(result, { force: true }).catch(() => {})
  }
}

function keyOf(taskId: TaskId, epoch: number): string {
  return `${taskId} ${epoch}`
}

function checkIntegers(settings: Settings): void {
  const least = {
    concurrency: 1,
    abortGraceMs: 0,
    memoryMiB: 16,
    idleMs: 0,
    loadTimeoutMs: 1,
    externalGraceMs: 0
  }
  for (const [name, min] of Object.entries(least)) {
    const value = settings[name as keyof typeof least]
    if (Number.isInteger(value) && value >= min && value <= SETTING_MAX) continue
    throw new InvalidOptionError(
      `${name} has to be an integer of at least ${min} and at most ${SETTING_MAX}, not ${String(value)}`
    )
  }
}
