/**
 * Runs a command task: a process of its own, in a group of its own, with its output as the run's.
 *
 * A command may print faster than anybody can read. It is slowed down to a bounded rate, as by a slow terminal: what it
 * prints passes through the node's own thread, and no command may keep that busy. When the program has ended, whatever
 * it has left behind in its group is ended, too, and only then is the run over.
 */
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { execa } from 'execa'
import { endOfWhole } from '../core/base/utf8.ts'
import type { RunResult } from '../core/input.ts'
import type { Attempt } from './attempt.ts'
import { commandOf, type Command } from './command.ts'
import { readValues, type RunFiles } from './contents.ts'
import type { OutputStream } from '../core/output.ts'
import { failure, outcomeOfEarly, outcomeOfResult, outcomeOfUnreadable } from './outcome.ts'
import { ProcessGroup } from './process-group.ts'

/** `EX_TEMPFAIL` of sysexits.h: try again later. */
const TRY_AGAIN_CODE = 75
/** Guess: above what anybody reads. Measured with `yes`: 30 ms of the node's time in each second. */
const OUTPUT_BYTES_PER_SECOND = 4 * 1024 * 1024
/** What the pipes still hold at the end has to be read within this; a process that left the group may keep them open. */
const LAST_OUTPUT_MS = 500

const OPTIONS = {
  // Leader of a new group; who ends the group is not execa.
  detached: true,
  cleanup: false,
  buffer: false,
  reject: false,
  extendEnv: false
} as const

/** How a program ended: one of the two is null. */
type Ending = Readonly<{ exitCode: number | null; signal: string | null }>
type Process = ReturnType<typeof start>
/** Hears what a command prints. */
export type Say = (stream: OutputStream, bytes: Uint8Array) => void

/**
 * Starts the command in a later turn of the event loop, so that nothing ends before `start` has returned. Resolves when
 * none of its processes is left.
 */
export async function runCommand(
  attempt: Attempt,
  files: RunFiles,
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
  let command: Command
  try {
    command = commandOf(attempt.run, values.payload, process.env)
  } catch (error) {
    const { name, message } = error as Error
    return attempt.ended(failure(name, message, { reason: 'PayloadRejected' }), 0)
  }
  const child = start(command)
  if (child.pid === undefined) return attempt.ended(await notStarted(child, command), 0)
  const group = new ProcessGroup(child.pid)
  attempt.begin({ ask: () => group.terminate(), force: () => group.kill() })
  attempt.markCalled()
  const ended = endOf(child)
  const output = [pass(child.stdout, 'stdout', say), pass(child.stderr, 'stderr', say)]
  const ending = await ended
  await group.end(abortGraceMs)
  await Promise.all(output.map(finish => finish()))
  attempt.ended(await outcomeOf(ending), null)
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- execa's types depend on all its options
function start({ file, args, cwd, env, stdin }: Command) {
  return execa(file, args, {
    ...OPTIONS,
    ...(cwd === null ? {} : { cwd }),
    env,
    input: stdin
  })
}

async function notStarted(child: Process, { file, cwd }: Command): Promise<RunResult> {
  const { cause, shortMessage } = await child
  // The system says of both that something is not there, and Node that it was the program.
  const hasFolder = cwd === null || (await stat(cwd).catch(() => null))?.isDirectory() === true
  if (!hasFolder) {
    return failure(
      'CommandNotStartedError',
      `${file} could not be started: ${cwd} is no folder here`
    )
  }
  const why = cause instanceof Error ? cause.message : shortMessage
  return failure('CommandNotStartedError', `${file} could not be started here: ${why}`)
}

function endOf(child: Process): Promise<Ending> {
  return new Promise(resolve => {
    child.nodeChildProcess.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}

async function outcomeOf(ending: Ending): Promise<RunResult> {
  if (ending.exitCode === 0) return outcomeOfResult(ending, null)
  if (ending.exitCode === TRY_AGAIN_CODE) {
    return outcomeOfEarly(`the command asks to be tried again later (code ${TRY_AGAIN_CODE})`)
  }
  const how =
    ending.signal === null ? `exited with code ${ending.exitCode}` : `was ended by ${ending.signal}`
  return { ...failure('CommandFailedError', `the command ${how}`), result: JSON.stringify(ending) }
}

/** Hands on what a stream brings, at a bounded rate. The returned function waits for its end. */
function pass(stream: Readable, name: OutputStream, say: Say): () => Promise<void> {
  /** The beginning of a character of which more is to come. */
  let begun: Uint8Array = new Uint8Array()
  const hear = (bytes: Uint8Array, whole: number): void => {
    begun = bytes.subarray(whole)
    if (whole > 0) say(name, bytes.subarray(0, whole))
  }
  let hurries = false
  stream.on('data', (bytes: Buffer) => {
    const all = begun.length === 0 ? bytes : Buffer.concat([begun, bytes])
    hear(all, endOfWhole(all, all.length))
    if (hurries) return
    stream.pause()
    setTimeout(() => stream.resume(), (bytes.length / OUTPUT_BYTES_PER_SECOND) * 1000)
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('close', resolve)
  return async () => {
    hurries = true
    stream.resume()
    const timer = setTimeout(() => stream.destroy(), LAST_OUTPUT_MS)
    await promise
    clearTimeout(timer)
    hear(begun, begun.length)
  }
}
