/**
 * Task ids as 16 bytes instead of their 36 characters: a task may name a thousand others.
 *
 * Ids are the most frequent value of all, so both directions go through one buffer of each form. A text that is put
 * together digit by digit is a tree of pieces to the engine, many times its size; one that is read from a buffer is
 * not.
 */
import { refuse, type Value } from './value.ts'

const BYTES = 2
const ID_BYTES = 16
/** Where the two digits of each byte begin in the text. */
const PLACES: readonly number[] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const DIGITS = '0123456789abcdef'
/** Of each byte, the codes of its two digits. */
const CODES: readonly number[] = Array.from({ length: 512 }, (_, at) =>
  DIGITS.charCodeAt(at % 2 === 0 ? at >> 5 : (at >> 1) % 16)
)

const bytes = new Uint8Array(ID_BYTES)
const text = Buffer.alloc(36, '-')

/** A UUIDv8 in its usual text form. */
export const uuid: Value<string> = {
  write: (writer, field, id) => {
    for (let i = 0; i < ID_BYTES; i++) {
      const place = PLACES[i]!
      bytes[i] = digit(id.charCodeAt(place)) * 16 + digit(id.charCodeAt(place + 1))
    }
    writer.uint32((field << 3) | BYTES).bytes(bytes)
  },
  read: (reader, wireType) => {
    if (wireType !== BYTES) refuse(`wire type ${wireType} where an id belongs`)
    const length = reader.uint32()
    if (length !== ID_BYTES) refuse(`an id of ${length} bytes instead of ${ID_BYTES}`)
    const { buf, pos, len } = reader
    if (pos + ID_BYTES > len) refuse('an id goes beyond the end')
    if (buf[pos + 6]! >> 4 !== 8 || buf[pos + 8]! >> 6 !== 2) refuse('an id that is no UUIDv8')
    reader.pos += ID_BYTES
    for (let i = 0; i < ID_BYTES; i++) {
      const place = PLACES[i]!
      const at = buf[pos + i]! * 2
      text[place] = CODES[at]!
      text[place + 1] = CODES[at + 1]!
    }
    return text.toString('latin1')
  }
}

/** @param code of 0-9 or a-f */
function digit(code: number): number {
  return code <= 57 ? code - 48 : code - 87
}
