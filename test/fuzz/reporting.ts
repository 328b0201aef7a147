/** What a failing seed has to say: what went wrong, which few messages it takes, and how to see it again. */
import { fuzz, type Report } from './fuzzing.ts'
import { show, type Injection } from './injection.ts'
import { shrink } from './shrinking.ts'

/** Trials with fewer messages. Measured: 95 messages come down to two in 30 to 60. */
const RUNS_MAX = 120
/** More lines are no summary. */
const LINES_MAX = 20

/**
 * The text for a seed that failed, or null if nothing went wrong.
 *
 * @param msMax time for making it short; the first trial is made in any case. @default as long as it takes
 */
export function failureOf(report: Report, msMax = Number.POSITIVE_INFINITY): string | null {
  const { seed, failure } = report
  if (failure === null) return null
  const { items, runs, isShortest } = shortest(report, msMax)
  const lines = items.slice(0, LINES_MAX).map(show)
  const more = items.length - lines.length
  return [
    `seed ${seed}: ${failure}`,
    items.length === 0
      ? 'it takes no message of a stranger: the honest work of this seed is enough'
      : `of ${report.injections.length} messages it takes ${isShortest ? '' : 'at most '}${items.length} (${runs} trials):`,
    ...lines,
    ...(more > 0 ? [`... and ${more} more`] : []),
    `again: npm run soak -- fuzz --door core --seed ${seed}`
  ].join('\n')
}

/** The messages without which it does not go wrong. */
function shortest(report: Report, msMax: number): ReturnType<typeof shrink<Injection>> {
  const { seed, symptom, injections } = report
  const endsAt = performance.now() + msMax
  let longestMs = 0
  const fails = (given: readonly Injection[]): boolean => {
    const beganAt = performance.now()
    const isSame = fuzz(seed, { given }).symptom === symptom
    longestMs = Math.max(longestMs, performance.now() - beganAt)
    return isSame
  }
  const hasTime = (): boolean => longestMs === 0 || performance.now() + longestMs < endsAt
  return shrink(injections, fails, { runsMax: RUNS_MAX, hasTime })
}
