/**
 * The lines of a file, one after the other and again by their place, with a bound on each: a file of any length passes
 * through the same small memory.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { InvalidOptionError } from '../../shared/errors.ts'
import { jsonFault, utf8Text } from '../../shared/json/json-text.ts'
import { LineSplitter } from '../../shared/lines.ts'

/** A line, and where it is. `text` is null where `fault` says why it cannot be read: `is too long`. */
export type Line = Readonly<{ number: number; offset: number; bytes: number }> &
  (Readonly<{ text: string; fault: null }> | Readonly<{ text: null; fault: string }>)

const PIECE_BYTES = 65_536

export class LineFile {
  readonly #file: string
  readonly #handle: FileHandle
  readonly #bytesMax: number

  private constructor(file: string, handle: FileHandle, bytesMax: number) {
    this.#file = file
    this.#handle = handle
    this.#bytesMax = bytesMax
  }

  /** @throws InvalidOptionError if it cannot be read */
  static async open(file: string, bytesMax: number): Promise<LineFile> {
    try {
      return new LineFile(file, await open(file, 'r'), bytesMax)
    } catch (error) {
      throw unreadable(file, error)
    }
  }

  /** All lines that are not empty. @throws InvalidOptionError if it cannot be read */
  async *lines(): AsyncGenerator<Line> {
    let number = 0
    let offset = 0
    for await (const { text: binary, bytes } of this.#split()) {
      number++
      if (bytes > this.#bytesMax) {
        yield {
          number,
          offset,
          bytes,
          text: null,
          fault: 'is too long: submit this task on its own'
        }
      } else {
        const read = readLine(Buffer.from(binary, 'latin1'))
        if (read.text?.trim() !== '') yield { number, offset, bytes, ...read }
      }
      offset += bytes + 1
    }
  }

  /** The text of a line that was read before. */
  async again({ offset, bytes }: Pick<Line, 'offset' | 'bytes'>): Promise<string> {
    const buffer = Buffer.alloc(bytes)
    await this.#read(buffer, offset)
    return utf8Text(buffer)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #read(into: Buffer, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.#handle.read(into, 0, into.length, position)
    } catch (error) {
      throw unreadable(this.#file, error)
    }
  }

  /** Every line with how many bytes it has; of what is longer than allowed, only that. */
  async *#split(): AsyncGenerator<{ text: string; bytes: number }> {
    const splitter = new LineSplitter()
    let dropped = 0
    for await (const piece of this.#pieces()) {
      for (const text of splitter.push(piece)) {
        yield { text, bytes: dropped + text.length }
        dropped = 0
      }
      if (splitter.openLength > this.#bytesMax) dropped += splitter.take().length
    }
    const text = splitter.take()
    if (dropped + text.length > 0) yield { text, bytes: dropped + text.length }
  }

  /** The file with a character for each byte: where a line is counts in bytes, also in one that is not UTF-8. */
  async *#pieces(): AsyncGenerator<string> {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let position = 0; ;) {
      const { bytesRead } = await this.#read(piece, position)
      if (bytesRead === 0) return
      position += bytesRead
      yield piece.toString('latin1', 0, bytesRead)
    }
  }
}

function readLine(
  bytes: Uint8Array
): { text: string; fault: null } | { text: null; fault: string } {
  try {
    return { text: utf8Text(bytes), fault: null }
  } catch (error) {
    return { text: null, fault: jsonFault(error) }
  }
}

function unreadable(file: string, error: unknown): InvalidOptionError {
  const { code, message } = error as NodeJS.ErrnoException
  return new InvalidOptionError(`${file} cannot be read: ${code ?? message}`)
}
