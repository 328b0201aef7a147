/**
 * The lines of a text that comes in pieces, one after the other, and the checksum of those that have been read.
 *
 * Lines are handed out from a piece in memory wherever there are any, so that a hundred thousand short ones cost no
 * more waiting than the pieces that they came in.
 */
import { createHash, type Hash } from 'node:crypto'

/**
 * Length beyond which a file without an end of line is none of ours: a task is far below it, and so is a piece of a
 * blob.
 */
export const LINE_LENGTH_MAX: number = 8 * 1024 * 1024

export class Lines {
  readonly #pieces: AsyncIterator<string> | Iterator<string>
  readonly #hash: Hash = createHash('sha256')
  /** What was read and not handed out yet begins here. */
  #at = 0
  #text = ''
  /** Up to where the text has been handed out, but for the last line. */
  #before = 0

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
    const end = this.#text.indexOf('\n', this.#at)
    if (end < 0) return null
    const line = this.#text.slice(this.#at, end)
    this.#before = this.#at
    this.#at = end + 1
    return line
  }

  /** The next line; null at the end. @throws RangeError if it is longer than any line may be */
  async next(): Promise<string | null> {
    for (;;) {
      const line = this.here()
      if (line !== null) return line
      const { done, value } = await this.#pieces.next()
      if (done === true) return this.#last()
      this.#hash.update(this.#text.slice(0, this.#at))
      this.#text = this.#text.slice(this.#at) + value
      this.#at = this.#before = 0
      if (this.#text.length - value.length > LINE_LENGTH_MAX) {
        throw new RangeError(`a line has more than ${LINE_LENGTH_MAX} characters`)
      }
    }
  }

  /** Of all lines before the one that was handed out last. Nothing is read afterwards but what follows the end. */
  checksum(): string {
    this.#hash.update(this.#text.slice(0, this.#before))
    this.#text = this.#text.slice(this.#at)
    this.#at = this.#before = 0
    return this.#hash.copy().digest('hex')
  }

  #last(): string | null {
    if (this.#at === this.#text.length) return null
    const line = this.#text.slice(this.#at)
    this.#before = this.#at
    this.#at = this.#text.length
    return line
  }
}
