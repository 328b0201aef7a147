/** Texts of other nodes and other users on the way to a terminal or a page: what would be obeyed there is made visible. */

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** What people know by a shorter name. */
const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * A text on one line, without control characters, those of writing direction included: they appear as `\n`, `\u001b` and
 * the like.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, shown)
}

/** The same for a text of several lines: those and tabs stay as they are. */
export function printableLines(text: string): string {
  return text.replace(CONTROL, (character, at: number) => {
    const isLineEnd = character === '\n' || (character === '\r' && text[at + 1] === '\n')
    return isLineEnd || character === '\t' ? character : shown(character)
  })
}

function shown(character: string): string {
  return NAMES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
