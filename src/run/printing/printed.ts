/**
 * What a handler prints, taken up in its thread before it gets any further: stdout belongs to the node.
 *
 * A handler that prints in a loop gives its thread no time for anything else. So nothing may pile up here meanwhile: a
 * text is handed on piece by piece, and only a bounded number of write callbacks is kept.
 */
import type { OutputStream } from '../../core/message.ts'
import { utf8Pieces } from '../../shared/utf8-chunks.ts'

/** Hears what was printed, as it was. */
export type Print = (stream: OutputStream, bytes: Uint8Array) => void

/**
 * Write callbacks that are deferred at a time; further ones are called at once. Guess: no handler has as many open and
 * cares for the order in which they are called.
 */
const UNCONFIRMED_MAX = 1000

/** Has `print` called with all that is printed in this thread from now on. */
export function capturePrinted(print: Print): void {
  let unconfirmed = 0
  const confirm = (done: unknown): void => {
    if (typeof done !== 'function') return
    if (unconfirmed === UNCONFIRMED_MAX) return void done()
    unconfirmed++
    queueMicrotask(() => {
      unconfirmed--
      done()
    })
  }
  for (const name of ['stdout', 'stderr'] as const) {
    const stream: NodeJS.WritableStream = process[name]
    const take = (chunk: unknown, encoding: unknown): void => {
      for (const piece of bytesOf(chunk, encoding)) print(name, piece)
    }
    stream.write = (chunk: unknown, ...rest: unknown[]) => {
      take(chunk, rest[0])
      confirm(rest.at(-1))
      return true
    }
    // The streams of a process cannot be closed; what is said with the attempt is said.
    stream.end = (...given: unknown[]) => {
      if (typeof given[0] !== 'function' && given[0] !== undefined && given[0] !== null) {
        take(given[0], given[1])
      }
      confirm(given.at(-1))
      return stream
    }
  }
}

/** What was given to be written, as bytes. */
export function* bytesOf(chunk: unknown, encoding: unknown): Generator<Uint8Array> {
  if (typeof chunk !== 'string') {
    yield ArrayBuffer.isView(chunk)
      ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      : Buffer.from(String(chunk))
  } else if (typeof encoding === 'string' && !/^utf-?8$/i.test(encoding)) {
    yield Buffer.from(chunk, encoding as BufferEncoding)
  } else yield* utf8Pieces(chunk)
}
