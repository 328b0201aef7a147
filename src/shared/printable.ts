/** Texts of other nodes and other users on the way to a terminal or a page: what would be obeyed there is made visible. */

/** A text without control characters, those of writing direction included: they appear as `\u001b` and the like. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
  return text.replace(controls, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** The same for a text of many lines, which stay lines; tabs stay, too. */
export function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, printable)
}
