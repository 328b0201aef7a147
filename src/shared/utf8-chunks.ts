/**
 * A text of any size as UTF-8, a piece at a time: so that what is written of a large one costs the text, and not the
 * same once more as bytes.
 */

/** In UTF-16 units. Guess: large enough that a write costs little, small enough to be nothing. */
const PIECE_LENGTH = 65_536

export function* utf8Pieces(text: string): Generator<Uint8Array> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + PIECE_LENGTH, text.length)
    // It may be one character with the unit that follows.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    yield Buffer.from(text.slice(at, end))
    at = end
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}
