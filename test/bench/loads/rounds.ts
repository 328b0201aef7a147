/** Repetitions: in each round all systems are measured in turn, so that a computer's moods hit all of them alike. */
import { figure, short, type Figure, type Row } from '../figures.ts'
import { busyPercent } from '../usage.ts'
import type { System } from '../systems/system.ts'
import type { Load, Sample } from './load.ts'

/** System -> a sample a round, in order. */
export type Samples = ReadonlyMap<string, readonly Sample[]>

/** Before each measurement: how busy the computer is by then without it, and what is too busy. */
const LOOK_MS = 500
const BUSY_PERCENT_MAX = 20

/** Another system is the first in each round. */
export async function rounds(
  { measure }: Load,
  systems: readonly System[],
  reps: number,
  say: (text: string) => void
): Promise<Samples> {
  const samples = new Map(systems.map(({ name }): [string, Sample[]] => [name, []]))
  for (let round = 0; round < reps; round++) {
    for (let i = 0; i < systems.length; i++) {
      const system = systems[(round + i) % systems.length]!
      const busy = await busyPercent(LOOK_MS)
      if (busy > BUSY_PERCENT_MAX)
        say(`${busy.toFixed(0)} % of this computer is busy with other work`)
      const sample = await measure(system, round)
      samples.get(system.name)!.push(sample)
      say(`${system.name}, round ${round + 1} of ${reps}: ${textOf(sample)}`)
    }
  }
  return samples
}

/** A row for each system and row of the load. */
export function rowsOf({ rows }: Load, samples: Samples): Row[] {
  const columns = [...new Set(Object.values(rows).flat())]
  return Array.from(samples, ([system, list]) =>
    Object.keys(rows).map(row => ({
      handlers: system,
      row,
      ...Object.fromEntries(columns.map(column => [column, summedUp(list, row, column)]))
    }))
  ).flat()
}

/** Null if the system has no such figure. */
export function summedUp(list: readonly Sample[], row: string, column: string): Figure | null {
  const values = list.map(sample => sample[row]?.[column] ?? null).filter(value => value !== null)
  return values.length === 0 ? null : figure(values)
}

function textOf(sample: Sample): string {
  return Object.entries(sample)
    .map(([row, figures]) => {
      const values = Object.entries(figures).map(
        ([column, value]) => `${value === null ? '-' : short(value)} ${column}`
      )
      return `${row} ${values.join(', ')}`
    })
    .join('; ')
}
