/** What is asked of a cluster to measure it: the same of each system, on a fresh cluster each time. */
import type { System } from '../systems/system.ts'

/** Row -> figure -> value; null where a system has no such figure. */
export type Sample = Readonly<Record<string, Readonly<Record<string, number | null>>>>

export type Load = Readonly<{
  /** What is measured, in words. */
  title: string
  /** The rows of a sample, and the figures in each. */
  rows: Readonly<Record<string, readonly string[]>>
  /** Those of them that only hearsay has: there is nothing to compare. */
  own?: readonly string[]
  /**
   * Once, on a cluster of its own.
   *
   * @param round from 0: what is left to chance is the same for all systems of one round
   */
  measure: (system: System, round: number) => Promise<Sample>
}>

/** Of these figures more is better; of all others less. */
const MORE_IS_BETTER = ['tasks/s']

/** What a figure is called where those of several loads stand together. */
export function labelOf({ title }: Load, row: string, column: string): string {
  return `${title}, ${row}: ${column}`
}

export function isMoreBetter(column: string): boolean {
  return MORE_IS_BETTER.includes(column)
}
