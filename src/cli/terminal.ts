/**
 * The streams that a verb talks to: data to stdout, words to stderr, and the code that the process ends with.
 *
 * One object is handed to every verb instead of the globals, so that a verb can be run and watched inside a test.
 */
import type { Readable, Writable } from 'node:stream'
import { styleText } from 'node:util'
import { printable } from '../shared/printable.ts'

/** The part of `process` that verbs use. */
export type Streams = Readonly<{ stdin: Readable; stdout: Writable; stderr: Writable }>

/** The reader of our output has seen enough. Not an error: what is not read need not be made. */
export class BrokenPipeError extends Error {
  override readonly name = 'BrokenPipeError'
}

export class Terminal {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** What the process ends with if nothing is thrown. */
  exitCode = 0

  constructor(streams: Streams) {
    this.stdin = streams.stdin
    this.stdout = streams.stdout
    this.stderr = streams.stderr
    // Failed writes reject where they were made; without a listener they would also end the process.
    this.stdout.on('error', () => {})
    this.stderr.on('error', () => {})
  }

  /**
   * Data: a line on stdout. Resolves when the reader keeps up.
   *
   * @throws BrokenPipeError if nobody reads any more
   */
  line(text: string): Promise<void> {
    return this.raw('stdout', `${text}\n`)
  }

  /**
   * The output of another program, as it is. Resolves when the reader keeps up.
   *
   * @throws BrokenPipeError if nobody reads any more
   */
  raw(name: 'stdout' | 'stderr', output: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this[name].write(output, (error?: NodeJS.ErrnoException | null) => {
        if (error === null || error === undefined) resolve()
        else if (isBrokenPipe(error)) reject(new BrokenPipeError('nobody reads the output'))
        else reject(error)
      })
    })
  }

  /** Data: a value as one line of JSON. What a terminal would obey is escaped, which JSON may be. */
  json(value: unknown): Promise<void> {
    const text = JSON.stringify(value)
    return this.line(isTerminal(this.stdout) ? printable(text) : text)
  }

  /** Words: one line on stderr, whatever is in them. They may quote what others have written. */
  words(text: string): void {
    this.stderr.write(`hearsay: ${printable(text.replace(/\s*\n\s*/g, ' '))}\n`)
  }

  /** The text in a colour, if stdout is a terminal and NO_COLOR does not forbid it. */
  coloured(colour: 'red' | 'green' | 'yellow' | 'gray' | 'bold', text: string): string {
    if (!isTerminal(this.stdout) || process.env['NO_COLOR']) return text
    return styleText(colour, text, { stream: this.stdout })
  }
}

export function isTerminal(stream: unknown): boolean {
  return (stream as { isTTY?: boolean }).isTTY === true
}

/** A stream that has failed once refuses all further writes with codes of its own. */
function isBrokenPipe({ code }: NodeJS.ErrnoException): boolean {
  return (
    code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END'
  )
}
