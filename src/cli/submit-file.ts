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
import { BATCH_LINE_LENGTH_MAX } from '../api/batch.ts'
import type { Client } from '../api/client.ts'
import { checkEach } from './each-check.ts'
import type { Defaults } from './each-line.ts'
import { EachRefusedError, submitEach, type Accepted } from './each.ts'
import { exitCodeOfError, mostTelling, NOT_REPLICATED } from './exit-code.ts'
import { HeldBack } from './held-back.ts'
import { LineFile } from './lines.ts'
import { Progress } from './progress.ts'
import { printSettled } from './settled.ts'
import { BrokenPipeError, type Terminal } from './terminal.ts'

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
    const ids = await checkAndSubmit(client, file, wanted, terminal)
    if (!wanted.wait) return
    const codes = [terminal.exitCode, ...(await waitForAll(client, ids, wanted.json, terminal))]
    terminal.exitCode = mostTelling(codes)
  } finally {
    await file.close()
  }
}

/** Returns the ids, if they are to be waited for. */
async function checkAndSubmit(
  client: Client,
  file: LineFile,
  wanted: SubmitFile,
  terminal: Terminal
): Promise<string[]> {
  const progress = new Progress(terminal)
  const say = (text: string): void => {
    progress.clear()
    terminal.words(text)
  }
  const count = await checkEach(file, wanted.defaults, say, looked => {
    if (progress.isDue) progress.show(`${looked} lines looked at`)
  })
  const ids: string[] = []
  const told = new Set<string>()
  let submitted = 0
  let short = 0
  const far = (): string => `${submitted} of ${count} submitted`
  const heldBack = new HeldBack(client, progress, far, say)
  // Whoever reads only the first ids wants all tasks nevertheless.
  let isRead = true
  try {
    for await (const accepted of submitEach(client, file, wanted.defaults)) {
      submitted++
      heldBack.moved()
      if (accepted.short !== null) short++
      if (wanted.wait) ids.push(accepted.id)
      if (isRead && (!wanted.wait || wanted.idOnly))
        isRead = await isPrinted(printAccepted(accepted, wanted, terminal))
      // A thousand tasks of a type that nobody handles are one piece of news.
      for (const warning of 'warnings' in accepted.answer ? accepted.answer.warnings : []) {
        if (!told.has(warning) && told.add(warning)) say(warning)
      }
      if (progress.isDue) progress.show(far())
    }
  } catch (error) {
    say(`${submitted} of ${count} tasks were submitted${again(wanted)}`)
    if (!(error instanceof EachRefusedError)) throw error
    say(error.message)
    terminal.exitCode = exitCodeOfError(error.cause)
  } finally {
    heldBack.stop()
    progress.clear()
  }
  if (count === 0) say('there is no task in the file')
  if (short > 0) say(`${short} of ${submitted} are on fewer nodes than asked for: they stand`)
  if (short > 0 && terminal.exitCode === 0) terminal.exitCode = NOT_REPLICATED
  return ids
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
