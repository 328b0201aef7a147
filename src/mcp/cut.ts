/** Long texts in pieces: an agent's context is small, and what does not fit is asked for with a cursor. */

/** Characters of one answer. What clients take before they cut it, or keep it in a file. */
export const RESULT_CHARACTERS_MAX = 20_000

/** A part of a text, and where the next one begins; null: it was the last. */
export type Piece = { text: string; next: number | null }

/** @param from in UTF-16 units, as all lengths of the answers are */
export function cutText(text: string, lengthMax: number, from = 0): Piece {
  if (from + lengthMax >= text.length) return { text: text.slice(from), next: null }
  // Not between the halves of a character.
  const half = text.charCodeAt(from + lengthMax - 1)
  const end = from + lengthMax - (half >= 0xd800 && half <= 0xdbff ? 1 : 0)
  return { text: text.slice(from, end), next: end }
}

/** Length of a text within JSON: what a cut is to be measured by. */
export function jsonLength(text: string): number {
  return JSON.stringify(text).length
}

/** A part of a text that, written as JSON, has at most `lengthMax` characters. */
export function cutJson(text: string, lengthMax: number, from = 0): Piece {
  let room = lengthMax
  for (;;) {
    const piece = cutText(text, room, from)
    const over = jsonLength(piece.text) - lengthMax
    if (over <= 0 || room <= 1) return piece
    // Each character takes six at most.
    room = Math.max(1, room - Math.max(1, Math.ceil(over / 6)))
  }
}
