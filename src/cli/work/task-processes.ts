/**
 * A process for each task: the payload is what it reads, what it prints is the log, and its result is what it leaves in
 * a file, or what it prints, if that is asked for.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LeaseFailure } from '../../node/api/node-api.ts'
import { parseJson } from '../../shared/json/json-text.ts'
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
    const file = join(folder, 'result')
    const { task, attempt, epoch } = taken.task
    try {
      const program = await start(this.#argv, {
        HEARSAY_TASK_ID: task,
        HEARSAY_ATTEMPT: String(attempt),
        HEARSAY_EPOCH: String(epoch),
        HEARSAY_RESULT_FILE: file
      })
      let isCancelled = false
      void cancelled.then(() => {
        isCancelled = true
        void program.group.end(GRACE_MS)
      })
      const printed = await this.#converse(program, taken)
      const exit = await program.ended
      await program.group.end(GRACE_MS)
      return isCancelled ? { kind: 'given back' } : await this.#endedBy(exit, file, printed)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Resolves to what it has printed to stdout, if that is wanted. */
  async #converse({ child }: Program, { payload, log }: TakenTask): Promise<string> {
    child.stdin.end(payload)
    const pieces: string[] = []
    const isWanted = this.#resultFrom === 'stdout'
    await Promise.all([
      eachLine(child.stderr, log),
      eachLine(child.stdout, lines => {
        if (isWanted) pieces.push(...lines)
        log(lines)
      })
    ])
    return pieces.join('\n')
  }

  async #endedBy(exit: Exit, file: string, printed: string): Promise<Ended> {
    const left = await readFile(file, 'utf8').catch(() => '')
    if (exit.code === 0) return this.#completed(left, printed)
    const message = exitText(this.#argv[0]!, exit)
    const failure: LeaseFailure = { error: { name: 'CommandFailedError', message } }
    if (exit.code !== TRY_AGAIN_CODE) return { kind: 'failed', failure }
    return { kind: 'failed', failure: { ...failure, retryAfterMs: retryAfterIn(left) } }
  }

  #completed(left: string, printed: string): Ended {
    const text = this.#resultFrom === 'stdout' ? asJson(printed) : left.trim() || 'null'
    if (isJson(text)) return { kind: 'completed', text }
    const message = 'HEARSAY_RESULT_FILE holds no JSON: write JSON text to it, or nothing'
    const error = { name: 'ResultRejectedError', message }
    return { kind: 'failed', failure: { error, retryable: false } }
  }
}

/** JSON as it is, anything else as text. */
function asJson(text: string): string {
  const trimmed = text.trim()
  return trimmed !== '' && isJson(trimmed) ? trimmed : JSON.stringify(text)
}

function isJson(text: string): boolean {
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

function retryAfterIn(text: string): number {
  if (!isJson(text)) return RETRY_AFTER_MS
  const { retryAfterMs } = (JSON.parse(text) ?? {}) as { retryAfterMs?: unknown }
  const isTime = typeof retryAfterMs === 'number' && retryAfterMs >= 0
  return isTime ? Math.round(retryAfterMs) : RETRY_AFTER_MS
}
