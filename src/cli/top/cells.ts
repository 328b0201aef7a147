/** Text in the cells of a terminal, of which a character takes none, one or two. */
import stringWidth from 'string-width'
import { printable } from '../../shared/printable.ts'

/** Of a character with its marks or of a picture made of several. Guess: the longest flags and families have 35. */
const CHARACTER_LENGTH_MAX = 40

const characters = new Intl.Segmenter()

/** Text of exactly this many cells: cut or filled. */
export function fit(text: string, cells: number, end: 'left' | 'right' = 'left'): string {
  let width = 0
  let shown = ''
  for (const { segment } of characters.segment(printable(text))) {
    const character = segment.slice(0, CHARACTER_LENGTH_MAX)
    const next = width + stringWidth(character)
    if (next > cells) break
    shown += character
    width = next
  }
  const space = ' '.repeat(Math.max(0, cells - width))
  return end === 'left' ? shown + space : space + shown
}

/**
 * Columns side by side. The width of the one with 0 is what is left, but no more than its `widthMax`: rows stay rows.
 */
export type Column = Readonly<{
  title: string
  width: number
  widthMax?: number
  end?: 'left' | 'right'
}>

export function row(cells: readonly string[], columns: readonly Column[], width: number): string {
  const fixed = columns.reduce((sum, column) => sum + column.width + 1, -1)
  const texts = columns.map((column, i) => {
    const rest = Math.min(Math.max(0, width - fixed), column.widthMax ?? width)
    return fit(cells[i] ?? '', column.width === 0 ? rest : column.width, column.end)
  })
  return fit(texts.join(' '), width)
}
