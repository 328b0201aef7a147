/**
 * What a handler prints, taken up in its thread before it gets any further: stdout belongs to the node.
 *
 * A handler that prints in a loop gives its thread no time for anything else. So nothing may pile up here meanwhile: a
 * text is handed on line by line without a list of them, and only a bounded number of write callbacks is kept.
 */
import type { OutputStream } from '../../core/message.ts'

/** Hears a line, without its end. */
export type Print = (stream: OutputStream, line: string) => void

/**
 * Write callbacks that are deferred at a time; further ones are called at once. Guess: no handler has as many open and
 * cares for the order in which they are called.
 */
const UNCONFIRMED_MAX = 1000
/** Length at which a text without an end of line is cut. */
const LINE_LENGTH_MAX = 65_536

/** Has `print` called with all that is printed in this thread from now on. */
export function capturePrinted(print: Print): void {
  let unconfirmed = 0
  const capture = (stream: OutputStream, chunk: unknown, rest: readonly unknown[]): boolean => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString()
    eachLine(text, line => print(stream, line))
    const done = rest.at(-1)
    if (typeof done !== 'function') return true
    if (unconfirmed === UNCONFIRMED_MAX) done()
    else {
      unconfirmed++
      queueMicrotask(() => {
        unconfirmed--
        done()
      })
    }
    return true
  }
  process.stdout.write = (chunk: unknown, ...rest: unknown[]) => capture('stdout', chunk, rest)
  process.stderr.write = (chunk: unknown, ...rest: unknown[]) => capture('stderr', chunk, rest)
}

/** A text that ends with the end of a line has no further line after it. */
function eachLine(text: string, hear: (line: string) => void): void {
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start)
    const end = found < 0 ? text.length : found
    hear(text.slice(start, Math.min(end, start + LINE_LENGTH_MAX)))
    start = end + 1
  }
}
