/**
 * Durations as people write and read them.
 */
import { InvalidArgumentError } from '@commander-js/extra-typings'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000
}
/** 24.8 days: what a timer can wait for. */
const DURATION_MS_MAX = 2 ** 31 - 1

/** `30s`, `1.5m`, `500ms`; a bare number is milliseconds. */
export function parseDurationMs(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  const ms = Number(digits) * (UNIT_MS[unit ?? 'ms'] ?? Number.NaN)
  if (ms <= DURATION_MS_MAX) return Math.round(ms)
  throw new InvalidArgumentError('A duration is a number and a unit, such as 500ms, 30s, 5m or 2h.')
}

/** With two digits that matter, in the unit that keeps it short. */
export function durationText(ms: number): string {
  const [unit, length] = Object.entries(UNIT_MS)
    .toReversed()
    .find(([, unitMs]) => ms >= unitMs) ?? ['ms', 1]
  const count = ms / length
  return `${count < 10 && unit !== 'ms' ? count.toFixed(1) : Math.floor(count)} ${unit}`
}
