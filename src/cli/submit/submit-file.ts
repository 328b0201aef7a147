/**
 * `hearsay submit --each`: a file of tasks, one a line. All lines are looked at first, then sent; what comes from stdin
 * is kept in a nameless file meanwhile, since it can be read only once.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BATCH_LINE_LENGTH_MAX } from '../../api/answer-stream.ts'
import { bundled } from '../../api/bundle.ts'
import type { Client } from '../../api/client.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { checkEach } from './each-check.ts'
import type { Defaults } from './each-line.ts'
import { EachRefusedError, submitEach, type Accepted } from './each.ts'
import {
  exitCodeOfError,
  exitCodeOfTask,
  mostTelling,
  NOT_REPLICATED,
  OWN_FAILURE,
  TIMED_OUT
} from '../exit-code.ts'
import { WaitTimeoutError } from '../../shared/errors.ts'
import { HeldBack } from './held-back.ts'
import { LineFile } from './lines.ts'
import { StuckHint } from '../wait/stuck.ts'
import { WaitBound } from './wait-bound.ts'
import { Progress } from '../output/progress.ts'
import { numbered, printSettled, settledText } from '../output/settled.ts'
import { BrokenPipeError, type Terminal } from '../terminal.ts'

export type SubmitFile = Readonly<{
  /** `-` for stdin. */
  file: string
  defaults: Defaults
  wait: boolean
  /** With `wait`: from when all have been submitted. Undefined: no bound. */
  waitTimeoutMs: number | undefined
  idOnly: boolean
  json: boolean
}>

/** What else is in a request, beside what stood on the line. */
const LINE_EXTRA = 8192

/** @throws InvalidOptionError NoNodeError */
export async function submitFile(
  client: Client,
  wanted: SubmitFile,
  terminal: Terminal
): Promise<void> {
  const file = await openLines(wanted.file, terminal.stdin)
  try {
    const progress = new Progress(terminal)
    const say = (text: string): void => {
      progress.clear()
      terminal.words(text)
    }
    const { count, refs } = await checkEach(file, wanted.defaults, say, looked => {
      if (progress.isDue) progress.show(`${looked} lines looked at`)
    })
    const withoutRefs = refs > 0 && !(await client.takesRefs())
    const tiesRefs = refs > 0 && !withoutRefs && (await client.tiesRefs())
    const defaults = { ...wanted.defaults, withoutRefs, tiesRefs }
    const about = { client, file, wanted: { ...wanted, defaults }, terminal, count, progress, say }
    const submitting = new Submitting(about)
    try {
      await submitting.submitAll()
      if (!wanted.wait) return
      const codes = await submitting.waitForRest()
      terminal.exitCode = mostTelling([terminal.exitCode, ...codes])
    } catch (error) {
      if (!(error instanceof WaitTimeoutError)) throw error
      say(error.message)
      terminal.exitCode = mostTelling([terminal.exitCode, TIMED_OUT])
    } finally {
      submitting.end()
    }
  } finally {
    await file.close()
  }
}

type About = Readonly<{
  client: Client
  file: LineFile
  wanted: SubmitFile
  terminal: Terminal
  /** Tasks in the file. */
  count: number
  progress: Progress
  say: (text: string) => void
}>

class Submitting {
  readonly #about: About
  readonly #heldBack: HeldBack
  /** Warnings that were said. A thousand tasks of a type that nobody handles are one piece of news. */
  readonly #warned = new Set<string>()
  #submitted = 0
  #short = 0
  /** A reader that stops after the first lines wants all tasks nevertheless. */
  #broken: BrokenPipeError | null = null
  /** Aborted when nobody reads how the tasks end, or the time for that is over, and all have been submitted. */
  readonly #unread = new AbortController()
  readonly #bound: WaitBound
  readonly #stuck: StuckHint
  /** Tasks that are waited for, have been accepted, and have not ended as far as is known. */
  readonly #open = new Set<string>()
  /** What the tasks ask for that have ended. */
  readonly #codes = new Set<number>()

  constructor(about: About) {
    this.#about = about
    const { client, progress, say } = about
    this.#heldBack = new HeldBack(client, progress, () => this.#far, say)
    this.#stuck = new StuckHint(client, () => this.#open, say)
    this.#bound = new WaitBound(about.wanted.waitTimeoutMs, this.#unread, () => this.#open.size)
  }

  /** Nobody waits any more. */
  end(): void {
    this.#stuck.stop()
    this.#bound.stop()
  }

  /** @throws BrokenPipeError if nobody reads how the tasks end, when all have been submitted */
  async submitAll(): Promise<void> {
    const { terminal, count, progress, say } = this.#about
    try {
      for await (const text of bundled(this.#texts())) await this.#print(text)
    } catch (error) {
      if (this.#submitted < count) this.#sayFailed()
      throw error
    } finally {
      this.#heldBack.stop()
      progress.clear()
    }
    const [submitted, short] = [this.#submitted, this.#short]
    if (count === 0) say('there is no task in the file')
    if (short > 0) say(`${short} of ${submitted} are on fewer nodes than asked for: they stand`)
    if (short > 0 && terminal.exitCode === 0) terminal.exitCode = NOT_REPLICATED
  }

  /** Waits for tasks whose end was not told: where it is read too slowly, and of a node of an older version. */
  async waitForRest(): Promise<ReadonlySet<number>> {
    const { client, terminal } = this.#about
    if (this.#open.size === 0) return this.#codes
    const textOf = (task: TaskView): Promise<string> => this.#endText(task)
    const { signal } = this.#unread
    const rest = { client, lines: numbered([...this.#open]), timeoutMs: undefined, textOf, signal }
    return new Set([...this.#codes, ...(await printSettled(rest, terminal))])
  }

  /** What there is to print, as it comes. */
  async *#texts(): AsyncGenerator<string> {
    const { client, file, wanted, terminal, say } = this.#about
    const { defaults, wait } = wanted
    for await (const news of submitEach(client, file, defaults, wait, this.#unread.signal)) {
      if (news instanceof EachRefusedError) {
        this.#allSubmitted()
        this.#sayFailed()
        say(news.message)
        terminal.exitCode = exitCodeOfError(news.cause)
      } else {
        const text = 'task' in news ? await this.#ended(news.task) : this.#accepted(news)
        if (text !== '') yield text
      }
      this.#endIfUnread()
    }
  }

  #accepted(accepted: Accepted): string {
    const { wanted, count, progress, say } = this.#about
    const { id, answer, short } = accepted
    this.#submitted++
    this.#heldBack.moved()
    if (short !== null) this.#short++
    if (wanted.wait) this.#open.add(id)
    for (const warning of 'warnings' in answer ? answer.warnings : []) {
      if (!this.#warned.has(warning) && this.#warned.add(warning)) say(warning)
    }
    if (progress.isDue) progress.show(this.#far)
    if (this.#submitted === count) this.#allSubmitted()
    return wanted.wait && !wanted.idOnly ? '' : acceptedText(accepted, wanted)
  }

  async #ended(task: TaskView): Promise<string> {
    this.#open.delete(task.id)
    this.#codes.add(exitCodeOfTask(task.state))
    try {
      return this.#broken === null ? await this.#endText(task) : ''
    } catch (error) {
      // What cannot be read of one task must not keep the others from being printed.
      const code = exitCodeOfError(error)
      if (code === OWN_FAILURE || (error as Error).name === 'NoNodeError') throw error
      this.#about.terminal.words((error as Error).message)
      this.#codes.add(code)
      return ''
    }
  }

  async #endText(task: TaskView): Promise<string> {
    const { client, wanted, terminal } = this.#about
    return wanted.idOnly ? '' : settledText(client, task, wanted.json, terminal)
  }

  async #print(text: string): Promise<void> {
    if (this.#broken !== null) return
    const { wanted, progress, terminal } = this.#about
    if (wanted.wait) progress.clear()
    try {
      await terminal.raw('stdout', text)
    } catch (error) {
      if (!(error instanceof BrokenPipeError)) throw error
      this.#broken = error
      this.#endIfUnread()
    }
  }

  #allSubmitted(): void {
    this.#heldBack.stop()
    this.#bound.start()
  }

  #endIfUnread(): void {
    const { wanted, count } = this.#about
    if (this.#broken === null || !wanted.wait || this.#submitted < count) return
    this.#unread.abort(this.#broken)
    throw this.#broken
  }

  get #far(): string {
    return `${this.#submitted} of ${this.#about.count} submitted`
  }

  #sayFailed(): void {
    const { wanted, count, say } = this.#about
    say(`${this.#submitted} of ${count} tasks were submitted${again(wanted)}`)
  }
}

function again({ defaults }: SubmitFile): string {
  return defaults.idempotencyPrefix === undefined
    ? ': with --idempotency-prefix the whole file could be sent again'
    : ': send the whole file again when it is repaired, with the same --idempotency-prefix'
}

function acceptedText({ line, ref, id, answer }: Accepted, { idOnly, json }: SubmitFile): string {
  if (idOnly || !json) return `${id}\n`
  return `${JSON.stringify({ ...('error' in answer ? { v: 1, id } : answer), line, ref })}\n`
}

/** What cannot be read twice, such as stdin or a pipe, is copied first. @throws InvalidOptionError */
async function openLines(file: string, stdin: Readable): Promise<LineFile> {
  const bytesMax = BATCH_LINE_LENGTH_MAX - LINE_EXTRA
  if (file !== '-' && !(await isStream(file))) return LineFile.open(file, bytesMax)
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-each-'))
  try {
    const copy = join(folder, 'lines')
    const source = file === '-' ? stdin : createReadStream(file)
    await pipeline(source, createWriteStream(copy, { mode: 0o600 }))
    return await LineFile.open(copy, bytesMax)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `<(...)`, /dev/stdin and FIFOs are files by name only. */
async function isStream(file: string): Promise<boolean> {
  const there = await stat(file).catch(() => null)
  return there !== null && !there.isFile() && !there.isDirectory()
}
