/**
 * Two tables out of samples: how many times as much one system has as another, and what each of them has. Ratios are taken
 * within a round, and summed up then: a computer that is slower in one round is so for both.
 */
import { figure, short, type Figure } from '../figures.ts'
import { isMoreBetter, labelOf, type Load } from '../loads/load.ts'
import { summedUp, type Samples } from '../loads/rounds.ts'

export type Measured = Readonly<{ load: Load; samples: Samples }>
/** `values`: of each system that is shown, in order. */
export type Line = Readonly<{ what: string; better: 'more' | 'less'; values: (Figure | null)[] }>
export type Comparison = Readonly<{
  /** Of each system but the one that they are compared with. */
  ratios: readonly Line[]
  /** Of all systems, that one first. */
  figures: readonly Line[]
}>

/** @param base the system that the others are compared with */
export function compare(all: readonly Measured[], base: string): Comparison {
  const ratios: Line[] = []
  const figures: Line[] = []
  for (const { load, samples } of all) {
    const others = [...samples.keys()].filter(name => name !== base)
    for (const [row, column] of cellsOf(load)) {
      const what = labelOf(load, row, column)
      const better = isMoreBetter(column) ? 'more' : 'less'
      const summed = (name: string): Figure | null => summedUp(samples.get(name)!, row, column)
      const ratio = (name: string): Figure | null => ratioOf(samples, name, base, row, column)
      ratios.push({ what, better, values: others.map(ratio) })
      figures.push({ what, better, values: [base, ...others].map(summed) })
    }
  }
  return { ratios, figures }
}

/** What each line of a comparison of these loads is called. */
export function linesOf(loads: readonly Load[]): string[] {
  return loads.flatMap(load => cellsOf(load).map(([row, column]) => labelOf(load, row, column)))
}

/** For a page: a row for each line. A figure is its median, with the least and the greatest in brackets. */
export function markdownOf(header: readonly string[], lines: readonly Line[]): string {
  const rows = lines.map(({ what, better, values }) => [what, better, ...values.map(textOf)])
  const cells = [
    ['what', 'better', ...header],
    ['---', '---', ...header.map(() => '---:')],
    ...rows
  ]
  return cells.map(row => `| ${row.join(' | ')} |`).join('\n')
}

/** What can be compared. */
function cellsOf({ rows, own = [] }: Load): [string, string][] {
  return Object.entries(rows)
    .filter(([row]) => !own.includes(row))
    .flatMap(([row, columns]) => columns.map((column): [string, string] => [row, column]))
}

/** Null if there is none: a figure is missing, or not above zero. */
function ratioOf(
  samples: Samples,
  name: string,
  base: string,
  row: string,
  column: string
): Figure | null {
  const theirs = samples.get(base)!
  const ratios = samples.get(name)!.flatMap((sample, round) => {
    const [own, other] = [sample[row]?.[column] ?? 0, theirs[round]?.[row]?.[column] ?? 0]
    return own > 0 && other > 0 ? [own / other] : []
  })
  return ratios.length === 0 ? null : figure(ratios)
}

function textOf(value: Figure | null): string {
  if (value === null) return '-'
  return `${short(value.median)} (${short(value.min)} to ${short(value.max)})`
}
