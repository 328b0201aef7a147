/**
 * Task ids as 16 bytes instead of their 36 characters: a task may name a thousand others.
 */
import { refuse, type Value } from './schema.ts'

const BYTES = 2
const ID_BYTES = 16
/** Where the dashes of the text stand, counted in bytes. */
const DASHES: ReadonlySet<number> = new Set([4, 6, 8, 10])
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0')
)
const DIGITS = '0123456789abcdef'

/** A UUIDv8 in its usual text form. */
export const uuid: Value<string> = {
  write: (writer, field, id) => void writer.uint32((field << 3) | BYTES).bytes(bytesOf(id)),
  read: (reader, wireType) => {
    if (wireType !== BYTES) refuse(`wire type ${wireType} where an id belongs`)
    const start = reader.pos
    const length = reader.uint32()
    if (length !== ID_BYTES) refuse(`an id of ${length} bytes instead of ${ID_BYTES}`)
    reader.pos = start
    const bytes = reader.bytes()
    if (bytes[6]! >> 4 !== 8 || bytes[8]! >> 6 !== 2) refuse('an id that is no UUIDv8')
    return textOf(bytes)
  }
}

function bytesOf(id: string): Uint8Array {
  const bytes = new Uint8Array(ID_BYTES)
  let at = 0
  for (let i = 0; i < ID_BYTES; i++) {
    if (DASHES.has(i)) at++
    bytes[i] = DIGITS.indexOf(id[at]!) * 16 + DIGITS.indexOf(id[at + 1]!)
    at += 2
  }
  return bytes
}

function textOf(bytes: Uint8Array): string {
  let id = ''
  for (let i = 0; i < ID_BYTES; i++) id += (DASHES.has(i) ? '-' : '') + HEX[bytes[i]!]!
  return id
}
