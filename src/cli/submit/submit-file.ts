/**
 * `hearsay submit --each`: a file of tasks, one a line. All lines are looked at first, then sent; what comes from stdin
 * is kept in a nameless file meanwhile, since it can be read only once.
 */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BATCH_LINE_LENGTH_MAX } from '../../api/batch.ts'
import type { Client } from '../../api/client.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { checkEach } from './each-check.ts'
import type { Defaults } from './each-line.ts'
import { EachRefusedError, submitEach, type Accepted } from './each.ts'
import { exitCodeOfError, mostTelling, NO_NODE, NOT_REPLICATED, OWN_FAILURE } from '../exit-code.ts'
import { HeldBack } from './held-back.ts'
import { LineFile } from './lines.ts'
import { Progress } from '../output/progress.ts'
import { printSettled, printTask } from '../output/settled.ts'
import { BrokenPipeError, type Terminal } from '../terminal.ts'

export type SubmitFile = Readonly<{
  /** `-` for stdin. */
  file: string
  defaults: Defaults
  wait: boolean
  idOnly: boolean
  json: boolean
}>

/** What else is in a request, beside what stood on the line. */
const LINE_EXTRA = 8192
/** Tasks waited for at once. */
const WAITS_MAX = 64

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
    const count = await checkEach(file, wanted.defaults, say, looked => {
      if (progress.isDue) progress.show(`${looked} lines looked at`)
    })
    const ends = new Ends({ client, wanted, terminal, count })
    await submitAll({ client, file, wanted, terminal, count, progress, say, ends })
    if (!wanted.wait) return
    // Of a node of an older version all of them are left.
    const codes = await waitForAll(client, [...ends.open], wanted.json, terminal)
    terminal.exitCode = mostTelling([terminal.exitCode, ...ends.codes, ...codes])
  } finally {
    await file.close()
  }
}

type Submitting = Readonly<{
  client: Client
  file: LineFile
  wanted: SubmitFile
  terminal: Terminal
  /** Tasks in the file. */
  count: number
  progress: Progress
  say: (text: string) => void
  ends: Ends
}>

async function submitAll(submitting: Submitting): Promise<void> {
  const { client, file, wanted, terminal, count, progress, say, ends } = submitting
  const told = new Set<string>()
  let submitted = 0
  let short = 0
  const far = (): string => `${submitted} of ${count} submitted`
  const heldBack = new HeldBack(client, progress, far, say)
  // A reader that stops after the first ids wants all tasks nevertheless.
  let isRead = true
  const accept = async (accepted: Accepted): Promise<void> => {
    submitted++
    heldBack.moved()
    if (accepted.short !== null) short++
    ends.accepted(accepted.id)
    if (isRead && (!wanted.wait || wanted.idOnly))
      isRead = await isPrinted(printAccepted(accepted, wanted, terminal))
    // A thousand tasks of a type that nobody handles are one piece of news.
    for (const warning of 'warnings' in accepted.answer ? accepted.answer.warnings : []) {
      if (!told.has(warning) && told.add(warning)) say(warning)
    }
    if (progress.isDue) progress.show(far())
    if (submitted === count) heldBack.stop()
  }
  const failed = (): void => say(`${submitted} of ${count} tasks were submitted${again(wanted)}`)
  try {
    for await (const news of submitEach(client, file, wanted.defaults, wanted.wait)) {
      if (news instanceof EachRefusedError) {
        heldBack.stop()
        failed()
        say(news.message)
        terminal.exitCode = exitCodeOfError(news.cause)
      } else if ('task' in news) {
        progress.clear()
        await ends.ended(news.task)
      } else await accept(news)
    }
  } catch (error) {
    if (submitted < count) failed()
    throw error
  } finally {
    heldBack.stop()
    progress.clear()
  }
  if (count === 0) say('there is no task in the file')
  if (short > 0) say(`${short} of ${submitted} are on fewer nodes than asked for: they stand`)
  if (short > 0 && terminal.exitCode === 0) terminal.exitCode = NOT_REPLICATED
}

/** How the tasks ended that are waited for. */
class Ends {
  readonly #about: Pick<Submitting, 'client' | 'wanted' | 'terminal' | 'count'>
  #accepted = 0
  #broken: BrokenPipeError | null = null
  /** Tasks that have been accepted, and have not ended as far as is known. */
  readonly open = new Set<string>()
  readonly codes = new Set<number>()

  constructor(about: Pick<Submitting, 'client' | 'wanted' | 'terminal' | 'count'>) {
    this.#about = about
  }

  accepted(id: string): void {
    this.#accepted++
    if (this.#about.wanted.wait) this.open.add(id)
  }

  /**
   * @throws BrokenPipeError when all have been submitted: a reader that stops after the first ends wants all tasks
   *   nevertheless
   */
  async ended(task: TaskView): Promise<void> {
    const { client, wanted, terminal, count } = this.#about
    this.open.delete(task.id)
    try {
      if (this.#broken === null)
        this.codes.add(await printTask(client, task, wanted.json, terminal))
    } catch (error) {
      if (error instanceof BrokenPipeError) this.#broken = error
      else this.#failed(error)
    }
    if (this.#broken !== null && this.#accepted === count) throw this.#broken
  }

  /** What cannot be read of one task must not keep the others from being printed. */
  #failed(error: unknown): void {
    const code = exitCodeOfError(error)
    if (code === OWN_FAILURE || code === NO_NODE) throw error
    this.#about.terminal.words((error as Error).message)
    this.codes.add(code)
  }
}

function again({ defaults }: SubmitFile): string {
  return defaults.idempotencyPrefix === undefined
    ? ': with --idempotency-prefix the whole file could be sent again'
    : ': send the whole file again when it is repaired, with the same --idempotency-prefix'
}

async function isPrinted(printing: Promise<void>): Promise<boolean> {
  try {
    await printing
    return true
  } catch (error) {
    if (error instanceof BrokenPipeError) return false
    throw error
  }
}

async function printAccepted(
  { line, ref, id, answer }: Accepted,
  { idOnly, json }: SubmitFile,
  terminal: Terminal
): Promise<void> {
  if (idOnly || !json) return terminal.line(id)
  await terminal.json({ ...('error' in answer ? { v: 1, id } : answer), line, ref })
}

async function waitForAll(
  client: Client,
  ids: readonly string[],
  json: boolean,
  terminal: Terminal
): Promise<number[]> {
  const ended = new AbortController()
  const codes = new Set<number>()
  const rest = ids.values()
  const waitOn = async (): Promise<void> => {
    for (const id of rest) {
      codes.add(await printSettled({ client, id, timeoutMs: undefined, json, ended }, terminal))
    }
  }
  await Promise.all(Array.from({ length: WAITS_MAX }, waitOn))
  return [...codes]
}

async function openLines(file: string, stdin: Readable): Promise<LineFile> {
  const bytesMax = BATCH_LINE_LENGTH_MAX - LINE_EXTRA
  if (file !== '-') return LineFile.open(file, bytesMax)
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-each-'))
  try {
    const copy = join(folder, 'lines')
    await pipeline(stdin, createWriteStream(copy))
    return await LineFile.open(copy, bytesMax)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
