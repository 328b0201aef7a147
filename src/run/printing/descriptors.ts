/**
 * What a handler writes to the descriptors 1 and 2, as some loggers do: taken up like what it prints, for they are the
 * node's own.
 */
import { syncBuiltinESMExports } from 'node:module'
import type { OutputStream } from '../../core/message.ts'
import { bytesOf, type Print } from './printed.ts'

type AnyFunction = (...given: unknown[]) => unknown
type FileSystem = Record<string, AnyFunction>

/** The stream of a descriptor of the process; undefined if it is another one. */
export function streamOf(descriptor: unknown): OutputStream | undefined {
  if (descriptor === 1) return 'stdout'
  return descriptor === 2 ? 'stderr' : undefined
}

/** Has `print` called with all that is written to them in this thread from now on. */
export function captureDescriptors(print: Print): void {
  const fs = process.getBuiltinModule('node:fs') as unknown as FileSystem
  const say = (stream: OutputStream, pieces: Iterable<Uint8Array>): number => {
    let bytes = 0
    for (const piece of pieces) {
      print(stream, piece)
      bytes += piece.length
    }
    return bytes
  }
  replaceSync(fs, 'writeSync', (stream, given) => say(stream, written(given)))
  replaceSync(fs, 'writevSync', (stream, [buffers]) => say(stream, vector(buffers)))
  for (const name of ['writeFileSync', 'appendFileSync']) {
    replaceSync(fs, name, (stream, [data, options]) => {
      say(stream, bytesOf(data, encodingOf(options)))
    })
  }
  replaceAsync(fs, 'write', (stream, given) => say(stream, written(given)))
  replaceAsync(fs, 'writev', (stream, [buffers]) => say(stream, vector(buffers)))
  for (const name of ['writeFile', 'appendFile']) {
    replaceAsync(fs, name, (stream, [data, options]) => {
      say(stream, bytesOf(data, encodingOf(options)))
    })
  }
  syncBuiltinESMExports()
}

/** What `write` is given after the descriptor: a text with its encoding, or bytes and which of them. */
function* written([data, second, third]: readonly unknown[]): Generator<Uint8Array> {
  if (typeof data === 'string') return yield* bytesOf(data, third)
  const isNamed = typeof second === 'object' && second !== null
  const { offset, length } = isNamed
    ? (second as { offset?: unknown; length?: unknown })
    : { offset: second, length: third }
  for (const bytes of bytesOf(data, undefined)) {
    const start = typeof offset === 'number' ? offset : 0
    const end = typeof length === 'number' ? start + length : bytes.length
    yield bytes.subarray(start, end)
  }
}

function* vector(buffers: unknown): Generator<Uint8Array> {
  for (const buffer of buffers as readonly unknown[]) yield* bytesOf(buffer, undefined)
}

function encodingOf(options: unknown): unknown {
  return typeof options === 'string'
    ? options
    : (options as { encoding?: unknown } | null)?.encoding
}

type Take = (stream: OutputStream, given: readonly unknown[]) => number | void

function replaceSync(fs: FileSystem, name: string, take: Take): void {
  const original = fs[name]!
  replace(fs, name, (...given) => {
    const stream = streamOf(given[0])
    return stream === undefined ? original(...given) : take(stream, given.slice(1))
  })
}

function replaceAsync(fs: FileSystem, name: string, take: Take): void {
  const original = fs[name]!
  replace(fs, name, (...given) => {
    const stream = streamOf(given[0])
    const done = given.at(-1)
    if (stream === undefined || typeof done !== 'function') return original(...given)
    const bytes = take(stream, given.slice(1, -1))
    queueMicrotask(() => void (done as AnyFunction)(null, bytes, given[1]))
    return undefined
  })
}

/** With what `util.promisify` finds on the original. */
function replace(fs: FileSystem, name: string, replacement: AnyFunction): void {
  Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(fs[name]!))
  fs[name] = replacement
}
