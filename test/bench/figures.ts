/** Figures for people and for programs: medians with their range, in a table. */

export type Figure = Readonly<{ median: number; min: number; max: number }>
export type Row = Readonly<Record<string, string | number | Figure | null>>

/** @param values at least one */
export function figure(values: readonly number[]): Figure {
  const sorted = values.toSorted((x, y) => x - y)
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)! }
}

/** @param sorted smallest first, not empty */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** The rows of a table, which all have the same columns. */
export function tableOf(rows: readonly Row[]): string {
  const header = Object.keys(rows[0] ?? {})
  const cells = [header, ...rows.map(row => header.map(name => text(row[name] ?? null)))]
  const widths = header.map((_, i) => Math.max(...cells.map(row => row[i]!.length)))
  return cells.map(row => row.map((cell, i) => cell.padStart(widths[i]!)).join('  ')).join('\n')
}

function text(value: string | number | Figure | null): string {
  if (value === null) return '-'
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : short(value)
  return `${short(value.median)} (${short(value.min)}-${short(value.max)})`
}

/** Three digits, or all before the point. */
export function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}
