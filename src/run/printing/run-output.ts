/**
 * What one run says, on its way to the node: byte for byte, in the order in which it was said, at a bounded rate.
 *
 * A handler may print as much as it likes. Its first reports in a second go out at once, so that a handler that computes
 * without a pause is heard meanwhile; further ones are put together into larger pieces. Of more bytes than allowed in a
 * second the rest is dropped, and a line says how many. Characters are not cut, however they were written.
 */
import { endOfWhole } from '../../core/base/utf8.ts'
import type { OutputStream } from '../../core/message.ts'

/** Of one piece. */
export const PIECE_BYTES_MAX = 8192
/**
 * Guess: a burst of ten thousand lines is kept, and a runaway loop costs the node a megabyte a second. It is also what
 * the node keeps of the end of a run (node/output/attempt-log.ts).
 */
const BYTES_PER_SECOND_MAX = 1_048_576
/** Pieces that go out at once in a second. Guess: more than an eye can follow. */
const AT_ONCE_MAX = 100
/** For what does not go out at once, an eye does not notice it. */
const TOGETHER_MS = 50
const LINE_END = 0x0a

/** Where the output goes. */
export type Outlet = Readonly<{
  /** Whether there is room for one more. What is said all the same, at the end of a run, is heard. */
  room(): boolean
  output(stream: OutputStream, bytes: Uint8Array): void
}>

type Open = { readonly stream: OutputStream; readonly parts: Uint8Array[]; bytes: number }

export class RunOutput {
  readonly #outlet: Outlet
  /** What is put together. */
  #open: Open | null = null
  /** Beginnings of characters of which more is to come, and what they began on. */
  readonly #begun = new Map<OutputStream, Uint8Array>()
  #secondBeganAt = -Infinity
  #bytes = 0
  #pieces = 0
  #dropped = 0
  /** Whether some of it was dropped for lack of room. */
  #wasFull = false
  #timer: NodeJS.Timeout | null = null

  constructor(outlet: Outlet) {
    this.#outlet = outlet
  }

  write(stream: OutputStream, bytes: Uint8Array): void {
    const begun = this.#begun.get(stream)
    const all = begun === undefined ? bytes : Buffer.concat([begun, bytes])
    const whole = endOfWhole(all, all.length)
    if (whole === all.length) this.#begun.delete(stream)
    else this.#begun.set(stream, new Uint8Array(all.subarray(whole)))
    this.#take(stream, all.subarray(0, whole))
  }

  /** Says what is held back, and what was dropped. */
  flush(): void {
    for (const [stream, bytes] of this.#begun) this.#take(stream, bytes)
    this.#begun.clear()
    this.#send(() => true)
    this.#sayDropped()
  }

  #take(stream: OutputStream, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#turn()
    const room = BYTES_PER_SECOND_MAX - this.#bytes
    const kept = bytes.length <= room ? bytes : bytes.subarray(0, endOfLines(bytes, room))
    this.#dropped += bytes.length - kept.length
    // What comes after a gap in the same second would hide it.
    this.#bytes = kept === bytes ? this.#bytes + bytes.length : BYTES_PER_SECOND_MAX
    if (kept.length === 0) return
    if (this.#open !== null && this.#open.stream !== stream) this.#send()
    this.#open ??= { stream, parts: [], bytes: 0 }
    // A copy: whoever wrote it may use the memory again.
    this.#open.parts.push(new Uint8Array(kept))
    this.#open.bytes += kept.length
    if (this.#pieces < AT_ONCE_MAX || this.#open.bytes >= PIECE_BYTES_MAX) this.#send()
    else this.#timer ??= setTimeout(() => this.#send(), TOGETHER_MS).unref()
  }

  /** A second may be over. */
  #turn(): void {
    const now = performance.now()
    if (now - this.#secondBeganAt < 1000) return
    this.#send()
    if (this.#outlet.room()) this.#sayDropped()
    this.#secondBeganAt = now
    this.#bytes = 0
    this.#pieces = 0
  }

  #send(hasRoom: () => boolean = () => this.#outlet.room()): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#open === null) return
    const { stream, parts } = this.#open
    this.#open = null
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    for (let start = 0; start < bytes.length;) {
      const room = start + PIECE_BYTES_MAX
      const end = room < bytes.length ? endOfWhole(bytes, room) : bytes.length
      if (hasRoom()) {
        this.#pieces++
        // Memory of its own: of a part of a larger one, all of it would be sent.
        this.#outlet.output(stream, new Uint8Array(bytes.subarray(start, end)))
      } else {
        this.#dropped += end - start
        this.#wasFull = true
      }
      start = end
    }
  }

  #sayDropped(): void {
    if (this.#dropped === 0) return
    const busy = this.#wasFull ? ', or the node was busy' : ''
    const limit = `more than ${BYTES_PER_SECOND_MAX / 2 ** 20} MiB a second${busy}`
    const text = `(${this.#dropped} bytes of output dropped: ${limit})\n`
    this.#outlet.output('log', new Uint8Array(Buffer.from(text)))
    this.#dropped = 0
    this.#wasFull = false
  }
}

/** The end of the last line that ends within the first bytes; only of a very long line a part is better than nothing. */
function endOfLines(bytes: Uint8Array, bytesMax: number): number {
  if (bytesMax <= 0) return 0
  const last = bytes.lastIndexOf(LINE_END, bytesMax - 1)
  if (last >= 0) return last + 1
  return bytesMax > PIECE_BYTES_MAX ? endOfWhole(bytes, bytesMax) : 0
}
