/**
 * What a program has printed, as pieces of text with a style each: colours, bold and the like of a terminal. Whatever
 * else a terminal would obey does nothing here, and what is left of control characters is made visible.
 */
import { printable } from '../../../shared/printable.ts'

export type Style = Readonly<{
  /** 0 to 15: the colours that a terminal has. */
  colour: number | null
  background: number | null
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
}>

export type Piece = Readonly<{ text: string; style: Style }>

const PLAIN: Style = {
  colour: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false
}

/** A style (m), any other sequence, or a sequence that sets a title. */
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- control sequences are what this is about
  /\u001b\[([0-9;:]*)m|\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g

/** @param begin the style that the text before it has ended with */
export function piecesOf(text: string, begin: Style = PLAIN): { pieces: Piece[]; end: Style } {
  const pieces: Piece[] = []
  let style = begin
  let at = 0
  const add = (part: string): void => {
    if (part !== '') pieces.push({ text: shown(part), style })
  }
  for (const match of text.matchAll(SEQUENCE)) {
    add(text.slice(at, match.index))
    if (match[1] !== undefined) style = styleAfter(style, match[1])
    at = match.index + match[0].length
  }
  add(text.slice(at))
  return { pieces, end: style }
}

/** Lines and tabs stay; of a line that was written over, all is shown. */
function shown(text: string): string {
  return text
    .split(/(\n|\t)/)
    .map(part => (part === '\n' || part === '\t' ? part : printable(part.replace(/\r+$/, ''))))
    .join('')
}

const OFF: Readonly<Record<number, Partial<Style>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  39: { colour: null },
  49: { background: null }
}

function styleAfter(style: Style, codes: string): Style {
  const numbers = codes.split(/[;:]/).map(Number)
  let next = style
  while (numbers.length > 0) {
    const code = numbers.shift()!
    if (code === 0) next = PLAIN
    else if (code === 38 || code === 48) {
      const colour = extended(numbers)
      next = { ...next, ...(code === 38 ? { colour } : { background: colour }) }
    } else next = { ...next, ...(OFF[code] ?? colourOf(code)) }
  }
  return next
}

function colourOf(code: number): Partial<Style> {
  if (code >= 30 && code <= 37) return { colour: code - 30 }
  if (code >= 90 && code <= 97) return { colour: code - 82 }
  if (code >= 40 && code <= 47) return { background: code - 40 }
  if (code >= 100 && code <= 107) return { background: code - 92 }
  return {}
}

/** Of 256 colours and of all colours those that a terminal has by name; others are none. Takes its numbers away. */
function extended(numbers: number[]): number | null {
  const kind = numbers.shift()
  if (kind === 5) {
    const index = numbers.shift() ?? -1
    return index >= 0 && index < 16 ? index : null
  }
  if (kind === 2) numbers.splice(0, 3)
  return null
}
