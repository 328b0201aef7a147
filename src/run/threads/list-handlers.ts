/**
 * Finds out which handlers a file has, by loading it once in a thread of its own: a file that throws, ends its thread,
 * prints or never finishes loading does that there, where it can be given up.
 */
import { access } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { HandlersFileError } from '../../shared/errors.ts'
import { Channel } from './channel.ts'
import { describe } from '../description.ts'
import type { HandlerCode, ReadCode } from '../code/handler-code.ts'
import { withSyntaxPlace } from '../code/load-failure.ts'
import type { FromThread } from './from-thread.ts'

export type HandlersList = Readonly<{
  types: readonly string[]
  /** Whether the default export is itself a function. */
  hasDefault: boolean
  /** Handlers of `types` that come with a schema; the default export among them as `default`. */
  withSchema: readonly string[]
  /** What had to be read for it. */
  code: ReadCode
}>

const EXTENSIONS = /\.[cm]?[jt]s$/

/**
 * @param code what it is loaded from, as far as that has been read
 * @throws HandlersFileError if the file cannot be loaded
 */
export async function listHandlers(
  file: string,
  code: HandlerCode,
  limits: { memoryMiB: number; loadTimeoutMs: number }
): Promise<HandlersList> {
  const refuse = (why: string): HandlersFileError =>
    new HandlersFileError(`cannot load the handlers file ${file}: ${why}`)
  if (!EXTENSIONS.test(file)) throw refuse('its name does not end in .js, .mjs or .ts')
  if (!code.files.has(pathToFileURL(file).href)) {
    try {
      await access(file)
    } catch (error) {
      throw refuse(describe(error).message)
    }
  }
  const answer = await ask(file, code, limits)
  if (answer.kind === 'listed') return answer
  throw refuse(await withSyntaxPlace(answer))
}

type Answer = Extract<FromThread, { kind: 'listed' | 'unlisted' }>

async function ask(
  file: string,
  code: HandlerCode,
  { memoryMiB, loadTimeoutMs }: { memoryMiB: number; loadTimeoutMs: number }
): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const fail = (why: string): void => resolve({ kind: 'unlisted', why, suspects: [] })
  const timer = setTimeout(() => fail(`it took more than ${loadTimeoutMs} ms`), loadTimeoutMs)
  const thread = new Channel(memoryMiB, {
    message: message => {
      if (message.kind === 'tainted' || message.kind === 'unreadable') fail(message.why)
      if (message.kind === 'listed' || message.kind === 'unlisted') resolve(message)
    },
    error: error => fail(describe(error).message),
    exited: code => fail(`it ended its thread: process.exit(${code})`)
  })
  try {
    thread.send({ kind: 'code', code })
    thread.send({ kind: 'list', file })
    return await promise
  } finally {
    clearTimeout(timer)
    await thread.end()
  }
}
