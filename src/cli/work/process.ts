/** Other programs as they are started for tasks: in a group of their own, with what tells them of their task. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { ProcessGroup } from '../../run/commands/process-group.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { LineSplitter } from '../../shared/lines.ts'

/** How a program ended. */
export type Exit = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>

export type Program = Readonly<{
  child: ChildProcessWithoutNullStreams
  group: ProcessGroup
  ended: Promise<Exit>
}>

/** A line may be this long; what is longer goes on as another. */
const LINE_LENGTH_MAX = 1_048_576

/**
 * Before any task is taken: each would only be given back.
 *
 * @throws InvalidOptionError if there is no such program here
 */
export function assertThere(file: string): void {
  const isPath = file.includes('/')
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  if ((isPath ? [file] : folders.map(folder => join(folder, file))).some(isProgram)) return
  const where = isPath ? 'is no program' : 'is no program in any folder of PATH'
  throw new InvalidOptionError(`${file} ${where} here: correct the command after --`)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** @throws InvalidOptionError if it cannot be started at all */
export async function start(
  argv: readonly string[],
  env: Readonly<Record<string, string>>
): Promise<Program> {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { env: { ...ownEnv(), ...env }, detached: true })
  const ended = new Promise<Exit>(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  // It may end without having read what it is given.
  child.stdin.on('error', () => {})
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new InvalidOptionError(
      `${file} cannot be started here (${(error as Error).message}): correct the command after --`
    )
  }
  return { child, group: new ProcessGroup(child.pid!), ended }
}

/** What it was, in words. */
export function exitText(file: string, { code, signal }: Exit): string {
  return signal === null ? `${file} exited with code ${code}` : `${file} was ended by ${signal}`
}

/** The lines of a stream, as they come; resolves at its end. @param print called with the bytes before that */
export async function eachLine(
  stream: Readable,
  hear: (lines: string[]) => void,
  print: (bytes: Uint8Array) => void = () => {}
): Promise<void> {
  const splitter = new LineSplitter()
  const decoder = new StringDecoder('utf8')
  for await (const piece of stream) {
    print(piece as Buffer)
    const lines = splitter.push(decoder.write(piece as Buffer))
    if (splitter.openLength > LINE_LENGTH_MAX) lines.push(splitter.take())
    if (lines.length > 0) hear(lines)
  }
  splitter.push(decoder.end())
  if (splitter.openLength > 0) hear([splitter.take()])
}

/** The cluster's key is no business of what runs here. */
function ownEnv(): NodeJS.ProcessEnv {
  const pairs = Object.entries(process.env).filter(([name]) => !name.startsWith('HEARSAY_KEY'))
  return Object.fromEntries(pairs)
}
