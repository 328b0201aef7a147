/**
 * A process for each task: the payload is what it reads, what it prints is the log, and its result is what it leaves in
 * a file, or what it prints, if that is asked for.
 */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert } from '../../core/base/assert.ts'
import { isBlob } from '../../core/task/content.ts'
import type { LeaseFailure } from '../../node/api/node-api.ts'
import { CommandResult } from '../../run/commands/command-result.ts'
import { eachLine, exitText, start, type Exit, type Program } from './process.ts'
import type { Ended, Hands, Running, TakenTask } from './work.ts'

/** `EX_TEMPFAIL` of sysexits.h: try again later. */
const TRY_AGAIN_CODE = 75
/** Unless the program says when. As for command tasks. */
const RETRY_AFTER_MS = 10_000
/** Between asking a program to end and ending it. As for command tasks. */
const GRACE_MS = 2000

export type ResultFrom = 'file' | 'stdout'

export class TaskProcesses implements Hands {
  readonly #argv: readonly string[]
  readonly #resultFrom: ResultFrom

  constructor(argv: readonly string[], resultFrom: ResultFrom) {
    this.#argv = argv
    this.#resultFrom = resultFrom
  }

  run(taken: TakenTask): Running {
    const cancelled = Promise.withResolvers<void>()
    return { ended: this.#perform(taken, cancelled.promise), cancel: () => cancelled.resolve() }
  }

  async stop(): Promise<void> {}

  async #perform(taken: TakenTask, cancelled: Promise<void>): Promise<Ended> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-work-'))
    const result = new CommandResult({ result: join(folder, 'result') })
    if (this.#resultFrom === 'stdout') result.keepPrinted()
    const { task, attempt, epoch } = taken.task
    try {
      const program = await start(this.#argv, {
        HEARSAY_TASK_ID: task,
        HEARSAY_ATTEMPT: String(attempt),
        HEARSAY_EPOCH: String(epoch),
        HEARSAY_RESULT_FILE: result.file
      })
      let isCancelled = false
      void cancelled.then(() => {
        isCancelled = true
        void program.group.end(GRACE_MS)
      })
      await converse(program, taken, result)
      const exit = await program.ended
      await program.group.end(GRACE_MS)
      if (isCancelled) return { kind: 'given back' }
      return await this.#endedBy(exit, result, join(folder, 'result'), taken)
    } finally {
      await result.discard()
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #endedBy(
    exit: Exit,
    result: CommandResult,
    place: string,
    { store }: TakenTask
  ): Promise<Ended> {
    if (exit.code === 0) {
      const run = await result.outcome(null)
      if (run.status === 'completed') {
        if (!isBlob(run.result)) return { kind: 'completed', text: run.result }
        return { kind: 'stored', blob: await store(createReadStream(place, 'utf8')) }
      }
      assert(run.status === 'failed', 'what a program has left is a result, or none')
      const { name, message } = run.error
      return { kind: 'failed', failure: { error: { name, message }, retryable: false } }
    }
    const message = exitText(this.#argv[0]!, exit)
    const failure: LeaseFailure = { error: { name: 'CommandFailedError', message } }
    if (exit.code !== TRY_AGAIN_CODE) return { kind: 'failed', failure }
    const asked = await result.retryAfterMs()
    const isTime = typeof asked === 'number' && asked >= 0
    const retryAfterMs = isTime ? Math.round(asked) : RETRY_AFTER_MS
    return { kind: 'failed', failure: { ...failure, retryAfterMs } }
  }
}

/** Resolves when it has said all. */
async function converse(
  { child }: Program,
  { payload, log }: TakenTask,
  result: CommandResult
): Promise<void> {
  child.stdin.end(payload)
  await Promise.all([
    eachLine(child.stderr, log),
    eachLine(child.stdout, log, bytes => result.print(bytes))
  ])
}
