/**
 * The lines of a text that comes in pieces, one after the other, and the checksum of those that have been read.
 *
 * Lines are handed out from a piece in memory wherever there are any, so that a hundred thousand short ones cost no
 * more waiting than the pieces that they came in.
 */
import { createHash, type Hash } from 'node:crypto'
import { LineSplitter } from '../shared/lines.ts'

/**
 * Length beyond which a file without an end of line is none of ours: a task is far below it, and so is a piece of a
 * blob.
 */
export const LINE_LENGTH_MAX: number = 8 * 1024 * 1024

export class Lines {
  readonly #pieces: AsyncIterator<string> | Iterator<string>
  readonly #splitter = new LineSplitter()
  readonly #hash: Hash = createHash('sha256')
  /** Whole lines that were read, and how many of them have been handed out. */
  #lines: readonly string[] = []
  #at = 0
  /** The line that was handed out last, which is not in the checksum yet. */
  #last: string | null = null

  constructor(pieces: AsyncIterable<string> | Iterable<string>) {
    this.#pieces =
      Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  }

  /**
   * The next line, if all of it is here already.
   *
   * @returns null if more has to be read first, or the last line has no end
   */
  here(): string | null {
    const line = this.#lines[this.#at]
    if (line === undefined) return null
    this.#at++
    return this.#hand(line)
  }

  /** The next line; null at the end. @throws RangeError if it is longer than any line may be */
  async next(): Promise<string | null> {
    for (;;) {
      const line = this.here()
      if (line !== null) return line
      const { done, value } = await this.#pieces.next()
      if (done === true)
        return this.#splitter.openLength > 0 ? this.#hand(this.#splitter.take()) : null
      this.#lines = this.#splitter.push(value)
      this.#at = 0
      if (this.#splitter.openLength > LINE_LENGTH_MAX) {
        throw new RangeError(`a line has more than ${LINE_LENGTH_MAX} characters`)
      }
    }
  }

  /** Of all lines before the one that was handed out last. */
  checksum(): string {
    return this.#hash.copy().digest('hex')
  }

  #hand(line: string): string {
    if (this.#last !== null) this.#hash.update(this.#last).update('\n')
    this.#last = line
    return line
  }
}
