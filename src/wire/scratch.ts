/**
 * One buffer to write everything into.
 *
 * A writer of its own for each record costs it several buffers, each twice as large as the one before, of which only a
 * copy of the last is kept: that was a third of what a flush of many small records cost. So one writer is used again
 * and again, and only the finished bytes get a buffer.
 */
import protobuf from 'protobufjs/minimal.js'
import type { Writer } from './value.ts'

/** A larger buffer is not kept: a few messages are megabytes. */
const KEPT_BYTES_MAX = 262_144

/** None while it is in use, or after it was left behind in the middle of something. */
let spare: Writer | null = null

/** What `write` has written, after `roomBytes` for the caller's own use. */
export function written(write: (writer: Writer) => void, roomBytes: number = 0): Buffer {
  const writer = spare ?? protobuf.Writer.create()
  spare = null
  write(writer)
  const bytes = Buffer.allocUnsafe(roomBytes + writer.pos)
  bytes.set(writer.buf.subarray(0, writer.pos), roomBytes)
  if (writer.buf.length <= KEPT_BYTES_MAX) spare = writer.reset()
  return bytes
}
