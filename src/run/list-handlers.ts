/**
 * Finds out which handlers a file has, by loading it once in a thread of its own: a file that throws, ends its thread,
 * prints or never finishes loading does that there, where it can be given up.
 */
import { access } from 'node:fs/promises'
import type { Worker } from 'node:worker_threads'
import { HandlersFileError } from '../errors.ts'
import { describe } from './description.ts'
import type { FromThread } from './protocol.ts'
import { send, startWorker } from './thread.ts'

export type HandlersList = Readonly<{
  types: readonly string[]
  /** Its default export is itself a function. */
  hasDefault: boolean
  /** Those of `types` that come with a schema; the default export among them as `default`. */
  withSchema: readonly string[]
}>

const EXTENSIONS = /\.[cm]?[jt]s$/

/** @throws HandlersFileError if the file cannot be loaded */
export async function listHandlers(
  file: string,
  limits: { memoryMiB: number; loadTimeoutMs: number }
): Promise<HandlersList> {
  const refuse = (why: string): HandlersFileError =>
    new HandlersFileError(`cannot load the handlers file ${file}: ${why}`)
  if (!EXTENSIONS.test(file)) throw refuse('its name does not end in .js, .mjs or .ts')
  try {
    await access(file)
  } catch (error) {
    throw refuse(describe(error).message)
  }
  const worker = startWorker(limits.memoryMiB)
  try {
    const answer = await ask(worker, file, limits.loadTimeoutMs)
    if (answer.kind === 'listed') return answer
    throw refuse(answer.kind === 'unlisted' ? answer.why : 'it failed while it was loaded')
  } finally {
    await worker.terminate()
  }
}

function ask(worker: Worker, file: string, timeoutMs: number): Promise<FromThread> {
  const { promise, resolve } = Promise.withResolvers<FromThread>()
  const fail = (why: string): void => resolve({ kind: 'unlisted', why })
  const timer = setTimeout(() => fail(`it took more than ${timeoutMs} ms`), timeoutMs)
  worker.on('message', (message: FromThread) => {
    if (message?.kind === 'tainted') fail(message.why)
    if (message?.kind === 'listed' || message?.kind === 'unlisted') resolve(message)
  })
  worker.on('error', error => fail(describe(error).message))
  worker.on('exit', code => {
    clearTimeout(timer)
    fail(`it ended its thread: process.exit(${code})`)
  })
  send(worker, { kind: 'list', file })
  return promise
}
