/**
 * Text in the cells of a terminal. A line that is wider than the terminal would wrap and push the picture out of place,
 * so what may take two cells is counted as two: a cut too early is no harm.
 */
import { printable } from '../output/printable.ts'

/** From here on there are scripts and pictures that take two cells. */
const WIDE_FROM = 0x1100

/** Text of exactly this many cells: cut or filled. */
export function fit(text: string, cells: number, end: 'left' | 'right' = 'left'): string {
  let width = 0
  let shown = ''
  for (const character of printable(text)) {
    const next = width + ((character.codePointAt(0) ?? 0) >= WIDE_FROM ? 2 : 1)
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
