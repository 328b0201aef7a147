/**
 * What one run has said: its beginning and its end, however much there was in between.
 *
 * Of a long story the first pages and the last ones are kept. A position in it is the number of bytes before it, so a
 * reader that comes back with a position goes on exactly there, and one that finds a later piece knows how much is
 * missing. Small pieces that follow each other are kept as one; a reader who has seen a part of it gets the rest.
 */
import { endOfWhole } from '../../core/base/utf8.ts'
import {
  OUTPUT_LIMITS,
  type AttemptInfo,
  type OutputStream,
  type Piece,
  type Progress
} from '../../core/message.ts'

const HEAD_BYTES_MAX = 65_536
const END_BYTES_MAX = 1_048_576
/**
 * Pieces that are kept of the beginning: a program that says a letter now here, now there, makes each of them one.
 * Guess: eight times as many as there are when it says much on one stream.
 */
const HEAD_PIECES_MAX = 256
const END_PIECES_MAX = 4096
/** Pieces are put together up to this size, and if not more than this lies between them. */
const JOINED_BYTES_MAX = 4096
const JOINED_MS_MAX = 1000
const CHARACTER_BYTES_MAX = 4
/** What a piece costs beside its bytes. Guess: an object of five fields, and its place in a list. */
const PIECE_COST = 128
/** What an attempt that says nothing costs. Guess: a few lists, what it is an attempt of, and how far it was. */
const ATTEMPT_COST = 1024

type Kept = { position: number; at: number; stream: OutputStream; bytes: Uint8Array }

export class AttemptLog {
  readonly #run: Readonly<{ taskId: string; epoch: number; attempt: number }>
  readonly #head: Kept[] = []
  /** From `#first` on; what is before has been dropped. */
  #end: Kept[] = []
  #first = 0
  #headBytes = 0
  #endBytes = 0
  /** All that was ever said, in bytes. */
  #position = 0
  readonly #waiting = new Set<(isNews: boolean) => void>()
  progress: Progress | null = null
  ended = false

  constructor(run: Readonly<{ taskId: string; epoch: number; attempt: number }>) {
    this.#run = run
  }

  get info(): AttemptInfo {
    const { taskId, epoch, attempt } = this.#run
    return { taskId, epoch, attempt, ended: this.ended, progress: this.progress }
  }

  /** Bytes of memory that it takes, more or less. */
  get cost(): number {
    const pieces = this.#head.length + this.#end.length - this.#first
    return ATTEMPT_COST + pieces * PIECE_COST + this.#headBytes + this.#endBytes
  }

  say(stream: OutputStream, bytes: Uint8Array, at: number): void {
    for (const part of parts(bytes)) this.#add(stream, part, at)
    this.#tell()
  }

  end(): void {
    this.ended = true
    this.#tell()
  }

  /** The first piece at or after a position, or the rest of the one that it lies in; undefined if there is none yet. */
  after(position: number): Piece | undefined {
    const kept = this.#find(position)
    if (kept === undefined) return undefined
    const { at, stream, bytes } = kept
    const seen = Math.max(0, position - kept.position)
    return { position: kept.position + seen, at, stream, bytes: bytes.subarray(seen) }
  }

  /** Resolves to true when something is said, or at the end; to false after `ms`. */
  news(ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(resolve, ms, false).unref()
    this.#waiting.add(resolve)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(resolve)
    })
  }

  /** The last pieces, at most `bytesMax` in all; the first of them may lack its beginning. */
  last(bytesMax: number): Piece[] {
    const found: Piece[] = []
    if (this.#position === 0) return found
    let room = bytesMax
    for (const kept of [...this.#head, ...this.#end.slice(this.#first)].toReversed()) {
      if (room === 0) break
      const { position, at, stream, bytes } = kept
      if (bytes.length <= room) {
        found.push({ position, at, stream, bytes })
        room -= bytes.length
        continue
      }
      const cut = bytes.length - room
      const start = cut + startOfWhole(bytes.subarray(cut))
      if (start < bytes.length) {
        found.push({ position: position + start, at, stream, bytes: bytes.subarray(start) })
      }
      room = 0
    }
    return found.toReversed()
  }

  #add(stream: OutputStream, bytes: Uint8Array, at: number): void {
    const isHead = this.#headBytes < HEAD_BYTES_MAX && this.#head.length < HEAD_PIECES_MAX
    const list = isHead ? this.#head : this.#end
    const last = list.at(-1)
    if (
      last !== undefined &&
      last.stream === stream &&
      last.bytes.length + bytes.length <= JOINED_BYTES_MAX &&
      at - last.at <= JOINED_MS_MAX
    ) {
      last.bytes = joined(last.bytes, bytes)
    } else {
      // A copy, which `slice` of a Buffer is not: what is kept must not keep a larger one in memory that it is a part
      // of.
      list.push({ position: this.#position, at, stream, bytes: new Uint8Array(bytes) })
    }
    this.#position += bytes.length
    if (isHead) this.#headBytes += bytes.length
    else this.#trim(bytes.length)
  }

  #trim(added: number): void {
    this.#endBytes += added
    while (this.#endBytes > END_BYTES_MAX || this.#end.length - this.#first > END_PIECES_MAX) {
      this.#endBytes -= this.#end[this.#first]!.bytes.length
      this.#first++
    }
    // Each is moved once for each that is dropped, and no more are still there than are kept.
    if (this.#first < this.#end.length / 2) return
    this.#end = this.#end.slice(this.#first)
    this.#first = 0
  }

  #find(position: number): Kept | undefined {
    const ofHead = this.#head.at(-1)
    const inHead = ofHead !== undefined && position < ofHead.position + ofHead.bytes.length
    const list = inHead ? this.#head : this.#end
    let low = inHead ? 0 : this.#first
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { position: start, bytes } = list[middle]!
      if (start + bytes.length <= position) low = middle + 1
      else high = middle
    }
    return list[low]
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve(true)
  }
}

/** Output in pieces that can be sent, cut between characters. */
function* parts(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const room = start + OUTPUT_LIMITS.pieceBytesMax
    const end = room < bytes.length ? endOfWhole(bytes, room) : bytes.length
    yield bytes.subarray(start, end)
    start = end
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}

/** Where the first character begins: behind the rest of one that was cut. Of bytes that are no UTF-8 at their start. */
function startOfWhole(bytes: Uint8Array): number {
  const first = bytes.subarray(0, CHARACTER_BYTES_MAX).findIndex(byte => (byte & 0xc0) !== 0x80)
  return first < 0 && bytes.length < CHARACTER_BYTES_MAX ? bytes.length : Math.max(0, first)
}
