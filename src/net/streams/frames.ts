/**
 * Messages on a byte stream: each is preceded by its length, four bytes, big end first.
 *
 * The reader looks at the announced length before it takes a single byte of the message, and fills one buffer of just
 * that size: a peer that sends its megabytes in crumbs costs no more memory than one that sends them whole.
 */
import { FRAME_BYTES_MAX } from '../../core/options.ts'

const headerBytes = 4

/** The length that precedes a message. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(headerBytes)
  new DataView(header.buffer).setUint32(0, length)
  return header
}

/** Cuts what arrives on one stream into messages. */
export class FrameReader {
  #header = new Uint8Array(headerBytes)
  #headerFill = 0
  #body: Uint8Array | null = null
  #bodyFill = 0

  /**
   * Calls back for each message that this chunk completes, with bytes that stay valid.
   *
   * @throws Error if a message is announced to be longer than FRAME_BYTES_MAX; nothing more can be read then
   */
  push(chunk: Uint8Array, frame: (bytes: Uint8Array) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#body === null) {
        const taken = Math.min(headerBytes - this.#headerFill, chunk.length - at)
        this.#header.set(chunk.subarray(at, at + taken), this.#headerFill)
        this.#headerFill += taken
        at += taken
        if (this.#headerFill < headerBytes) return
        this.#body = new Uint8Array(announced(this.#header))
        this.#bodyFill = 0
      }
      const taken = Math.min(this.#body.length - this.#bodyFill, chunk.length - at)
      this.#body.set(chunk.subarray(at, at + taken), this.#bodyFill)
      this.#bodyFill += taken
      at += taken
      if (this.#bodyFill < this.#body.length) return
      const whole = this.#body
      this.#body = null
      this.#headerFill = 0
      frame(whole)
    }
  }
}

function announced(header: Uint8Array): number {
  const length = new DataView(header.buffer).getUint32(0)
  if (length > FRAME_BYTES_MAX) {
    throw new Error(`a message of ${length} bytes is announced, ${FRAME_BYTES_MAX} are allowed`)
  }
  return length
}
