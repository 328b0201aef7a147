/**
 * The ids in a file or on stdin, a line each, as they come: what writes them may still be at work, and its first tasks
 * may settle meanwhile. A line without an id is said and left out, and keeps none of the others from being waited for.
 */
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { WaitLine } from '../../api/waits.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { LineSplitter } from '../../shared/lines.ts'

/** In UTF-16 units. More than a task has as JSON, but for large payloads and results. */
const LINE_LENGTH_MAX = 1_048_576
/** More errors of one cause tell nothing new. */
const ERRORS_SAID_MAX = 20
/** Of a line, in an error. */
const SHOWN_MAX = 80
/** Ids that are kept. */
const FIRST_MAX = 64
const PART_OF_ID = /^[0-9a-f-]{1,36}$/

export class IdLines {
  /** What it is called in words. */
  readonly name: string
  readonly #source: Readable
  readonly #say: (text: string) => void
  #isStopped = false
  #hasEnded = false
  /** Lines with an id so far. */
  count = 0
  /** The first ids of them. */
  readonly first: string[] = []
  /** Lines without one. */
  wrong = 0
  /** Why the file could not be read to its end; null if it could. */
  failure: Error | null = null

  private constructor(name: string, source: Readable, say: (text: string) => void) {
    this.name = name
    this.#source = source
    this.#say = say
  }

  /**
   * @param file `-` for stdin
   * @param say is told what is wrong, a sentence for each line
   * @throws InvalidOptionError if it cannot be opened
   */
  static async open(file: string, stdin: Readable, say: (text: string) => void): Promise<IdLines> {
    if (file === '-') return new IdLines('stdin', stdin, say)
    try {
      return new IdLines(file, (await open(file)).createReadStream(), say)
    } catch (error) {
      throw unreadable(file, error)
    }
  }

  /** To be read once. Ends also where the file cannot be read any further. */
  async *lines(): AsyncGenerator<WaitLine> {
    let line = 0
    try {
      for await (const text of this.#texts()) {
        line++
        if (text?.trim() === '') continue
        const id = this.#idOf(text, line)
        if (id === null) continue
        this.count++
        if (this.first.length < FIRST_MAX) this.first.push(id)
        yield { line, id }
      }
      this.#hasEnded = true
    } catch (error) {
      if (!this.#isStopped) this.failure = unreadable(this.name, error)
    }
    if (this.wrong > ERRORS_SAID_MAX) {
      this.#say(`and ${this.wrong - ERRORS_SAID_MAX} more lines have no id`)
    }
  }

  /** Whether it was stopped before its end. */
  get isCut(): boolean {
    return this.#isStopped && !this.#hasEnded
  }

  /** Nobody needs any more of it. */
  stop(): void {
    this.#isStopped = true
    this.#source.destroy()
  }

  #idOf(text: string | null, line: number): string | null {
    const id = text === null ? null : idIn(text.trim())
    if (id !== null && PART_OF_ID.test(id)) return id
    if (++this.wrong <= ERRORS_SAID_MAX) this.#say(`line ${line} ${wrongness(text)}`)
    return null
  }

  /** Every line; null if it is too long to be looked at. */
  async *#texts(): AsyncGenerator<string | null> {
    const splitter = new LineSplitter()
    const decoder = new TextDecoder()
    let isLong = false
    for await (const piece of this.#source) {
      const text = typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
      for (const line of splitter.push(text)) {
        yield isLong ? null : line
        isLong = false
      }
      if (splitter.openLength > LINE_LENGTH_MAX) isLong = splitter.take() !== ''
    }
    if (isLong || splitter.openLength > 0) yield isLong ? null : splitter.take()
  }
}

/** A line is an id, or an object with one, such as any verb prints with `--json`. */
function idIn(text: string): string | null {
  if (!text.startsWith('{')) return text
  try {
    const { id } = JSON.parse(text) as { id?: unknown }
    return typeof id === 'string' ? id : null
  } catch {
    return null
  }
}

function wrongness(text: string | null): string {
  if (text === null) return 'is too long to be one with an id'
  const start = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text
  return `has no id of a task: ${start}`
}

function unreadable(file: string, error: unknown): InvalidOptionError {
  const { code, message } = error as NodeJS.ErrnoException
  return new InvalidOptionError(`${file} cannot be read: ${code ?? message}`)
}
