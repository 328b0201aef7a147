/**
 * Runs a command task: a process of its own, in a group of its own, with its output as the run's.
 *
 * A command may print faster than anybody can read. It is slowed down to a bounded rate, as by a slow terminal: what it
 * prints passes through the node's own thread, and no command may keep that busy. When the program has ended, whatever
 * it has left behind in its group is ended, too, and only then is the run over.
 */
import { stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { endOfWhole } from '../../core/base/utf8.ts'
import type { RunResult } from '../../core/input.ts'
import type { OutputStream } from '../../core/message.ts'
import type { Attempt } from '../attempt.ts'
import { commandOf, type Command, type CommandRun } from './command.ts'
import type { CommandProcesses, Process } from './command-processes.ts'
import { CommandResult } from './command-result.ts'
import { readValues, type RunFiles } from '../contents.ts'
import { failure, outcomeOfEarly, outcomeOfUnreadable } from '../outcome.ts'
import { ProcessGroup } from './process-group.ts'
import type { CommandStream, Ending } from './starter-messages.ts'

/** `EX_TEMPFAIL` of sysexits.h: try again later. */
const TRY_AGAIN_CODE = 75
/** Guess: above what anybody reads. Measured with `yes`: 30 ms of the node's time in each second. */
const OUTPUT_BYTES_PER_SECOND = 4 * 1024 * 1024
/**
 * What the pipes still hold at the end has to be read within this; a process that left the group may keep them open.
 */
const LAST_OUTPUT_MS = 500

/** Hears what a command prints. */
export type Say = (stream: OutputStream, bytes: Uint8Array) => void

/**
 * Starts the command in a later turn of the event loop, so that nothing ends before `start` has returned. Resolves when
 * none of its processes is left.
 */
export async function runCommand(
  attempt: Attempt,
  files: RunFiles,
  processes: CommandProcesses,
  say: Say,
  abortGraceMs: number
): Promise<void> {
  // Until there is a process, ending the run is all there is to do.
  const over = (): void => attempt.ended(null, null)
  attempt.begin({ ask: over, force: over })
  await setImmediate()
  if (attempt.isOver) return
  const values = await readValues(attempt.run, files).catch(outcomeOfUnreadable)
  if (attempt.isOver) return
  if ('status' in values) return attempt.ended(values, 0)
  const result = new CommandResult(files)
  let asked: CommandRun
  try {
    asked = commandOf(attempt.run, values.payload, process.env, result.file)
  } catch (error) {
    const { name, message } = error as Error
    return attempt.ended(failure(name, message, { reason: 'PayloadRejected' }), 0)
  }
  if (asked.resultFrom === 'stdout') result.keepPrinted()
  try {
    await perform(attempt, asked.command, { processes, say, abortGraceMs, result })
  } finally {
    await result.discard()
  }
}

type Means = Readonly<{
  processes: CommandProcesses
  say: Say
  abortGraceMs: number
  result: CommandResult
}>

async function perform(
  attempt: Attempt,
  command: Command,
  { processes, say, abortGraceMs, result }: Means
): Promise<void> {
  const over = (): void => attempt.ended(null, null)
  let isAsked = false
  // It may be about to begin: only when it is known what there is to end can it be ended.
  attempt.begin({ ask: () => (isAsked = true), force: over })
  const started = await processes.start(command)
  if ('why' in started) return attempt.ended(await notStarted(command, started.why), 0)
  const group = new ProcessGroup(started.pid)
  attempt.begin({ ask: () => group.terminate(), force: () => group.kill() })
  if (isAsked) void group.end(abortGraceMs)
  else attempt.markCalled()
  const printed: Say = (stream, bytes) => {
    result.print(bytes)
    say(stream, bytes)
  }
  const output = [pass(started, 'stdout', printed), pass(started, 'stderr', say)]
  const ending = await started.ended
  await group.end(abortGraceMs)
  await Promise.all(output.map(finish => finish()))
  started.over()
  attempt.ended(await outcomeOf(ending, result), null)
}

async function notStarted({ file, cwd }: Command, why: string): Promise<RunResult> {
  // The system says of both that something is not there, and Node that it was the program.
  const hasFolder = cwd === null || (await stat(cwd).catch(() => null))?.isDirectory() === true
  return failure(
    'CommandNotStartedError',
    hasFolder
      ? `${file} could not be started here: ${why}`
      : `${file} could not be started: ${cwd} is no folder here`
  )
}

async function outcomeOf(ending: Ending | null, result: CommandResult): Promise<RunResult> {
  if (ending === null) {
    return failure(
      'CommandLostError',
      'the process that had started the command was ended, and so nobody knows how the command has'
    )
  }
  if (ending.exitCode === 0) return result.outcome(ending)
  if (ending.exitCode === TRY_AGAIN_CODE) {
    const words = `the command asks to be tried again later (code ${TRY_AGAIN_CODE})`
    return outcomeOfEarly(words, await result.retryAfterMs())
  }
  const how =
    ending.signal === null ? `exited with code ${ending.exitCode}` : `was ended by ${ending.signal}`
  return { ...failure('CommandFailedError', `the command ${how}`), result: JSON.stringify(ending) }
}

/** Hands on what a stream brings, at a bounded rate. The returned function waits for its end. */
function pass(process: Process, name: CommandStream, say: Say): () => Promise<void> {
  /** The beginning of a character of which more is to come. */
  let begun: Uint8Array = new Uint8Array()
  const hear = (bytes: Uint8Array, whole: number): void => {
    begun = bytes.subarray(whole)
    if (whole > 0) say(name, bytes.subarray(0, whole))
  }
  let hurries = false
  let isOver = false
  let goOn = (): void => {}
  const closed = process.read(name, (bytes, more) => {
    if (isOver) return
    const all = begun.length === 0 ? bytes : Buffer.concat([begun, bytes])
    hear(all, endOfWhole(all, all.length))
    if (hurries) return more()
    const timer = setTimeout(more, (bytes.length / OUTPUT_BYTES_PER_SECOND) * 1000)
    goOn = () => {
      clearTimeout(timer)
      more()
    }
  })
  return async () => {
    hurries = true
    goOn()
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, LAST_OUTPUT_MS)
    await Promise.race([closed, late])
    clearTimeout(timer)
    isOver = true
    hear(begun, begun.length)
  }
}
