/**
 * Durations as people write them, for programs and command lines alike. Loads nothing, because every verb waits for it.
 */

/** From the shortest to the longest. */
export const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000
}

/** 24.8 days: what a timer can wait for. */
export const DURATION_MS_MAX: number = 2 ** 31 - 1

/**
 * In ms: `30s`, `1.5m`, `500ms`, or `0`. Null if it is none of these: of another number without a unit, nobody can say
 * what was meant.
 */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Number(digits) * (DURATION_UNITS_MS[unit] ?? Number.NaN)
  return Number.isNaN(ms) ? null : Math.round(ms)
}
