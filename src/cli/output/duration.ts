/**
 * Durations on the command line: read from it, and shown on it.
 */
import { InvalidArgumentError } from '@commander-js/extra-typings'
import { DURATION_MS_MAX, DURATION_UNITS_MS, parseDuration } from '../../shared/durations.ts'

export function parseDurationMs(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) {
    throw new InvalidArgumentError(
      'A duration is a number and a unit, such as 500ms, 30s, 5m or 2h.'
    )
  }
  if (ms <= DURATION_MS_MAX) return ms
  throw new InvalidArgumentError('It can be 24 days at most.')
}

/** With two digits that matter, in the unit that keeps it short. */
export function durationText(ms: number): string {
  const [unit, length] = Object.entries(DURATION_UNITS_MS)
    .toReversed()
    .find(([, unitMs]) => ms >= unitMs) ?? ['ms', 1]
  const count = ms / length
  return `${count < 10 && unit !== 'ms' ? count.toFixed(1) : Math.floor(count)} ${unit}`
}
