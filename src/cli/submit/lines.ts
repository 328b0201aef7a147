/**
 * The lines of a file, one after the other and again by their place, with a bound on each: a file of any length passes
 * through the same small memory.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { InvalidOptionError } from '../../shared/errors.ts'

/** A line, and where it is. `text` is null if it is longer than allowed. */
export type Line = Readonly<{ number: number; offset: number; bytes: number; text: string | null }>

const PIECE_BYTES = 65_536
const NEWLINE = 10

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
    for await (const { parts, bytes } of this.#split()) {
      number++
      if (bytes > this.#bytesMax) {
        yield { number, offset, bytes, text: null }
      } else {
        const text = Buffer.concat(parts).toString('utf8')
        if (text.trim() !== '') yield { number, offset, bytes, text }
      }
      offset += bytes + 1
    }
  }

  /** The text of a line that was read before. */
  async again({ offset, bytes }: Pick<Line, 'offset' | 'bytes'>): Promise<string> {
    const buffer = Buffer.alloc(bytes)
    await this.#read(buffer, offset)
    return buffer.toString('utf8')
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

  /** Lines as the pieces that they were read in; of what is longer than allowed, only the length. */
  async *#split(): AsyncGenerator<{ parts: Buffer[]; bytes: number }> {
    let parts: Buffer[] = []
    let bytes = 0
    const take = (part: Buffer): void => {
      bytes += part.length
      if (bytes <= this.#bytesMax) parts.push(part)
    }
    for (let position = 0; ;) {
      const piece = Buffer.alloc(PIECE_BYTES)
      const { bytesRead } = await this.#read(piece, position)
      if (bytesRead === 0) break
      position += bytesRead
      let from = 0
      for (let at; (at = piece.subarray(0, bytesRead).indexOf(NEWLINE, from)) >= 0; from = at + 1) {
        take(piece.subarray(from, at))
        yield { parts, bytes }
        parts = []
        bytes = 0
      }
      take(piece.subarray(from, bytesRead))
    }
    if (bytes > 0) yield { parts, bytes }
  }
}

function unreadable(file: string, error: unknown): InvalidOptionError {
  const { code, message } = error as NodeJS.ErrnoException
  return new InvalidOptionError(`${file} cannot be read: ${code ?? message}`)
}
