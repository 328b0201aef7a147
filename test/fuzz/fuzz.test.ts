/**
 * The short run of the fuzzer: some seeds that are always the same, and one that never is; then a stranger at the doors of
 * real nodes. `npm run soak -- fuzz` goes on for longer, and sees a seed again.
 */
import { expect, test } from 'vitest'
import { fuzzDoors } from './doors/fuzzing-doors.ts'
import { fuzz } from './fuzzing.ts'
import { failureOf } from './reporting.ts'

/** Measured: a second or two each on one core; of both kinds, those that may lie and those that may not. */
const SEEDS: readonly number[] = [1, 2, 3, 4]
/** As long as all seeds together. */
const DOORS_MS = 8000
/**
 * Time for making a failure short. What is left to leave out is found by the command that the failure names, which takes
 * its time.
 */
const SHRINK_MS_MAX = 12_000
/** A seed has taken a minute where others work, too; and then there is what it takes to make it short. */
const SEED_MS_MAX = 120_000
/** A cluster is started three times, and a task has a minute to be run each time. */
const DOORS_MS_MAX = 300_000

const random = Date.now() % 1_000_000_000

test.each([...SEEDS, random])(
  'nodes work together whatever is said to them (seed %i)',
  seed => {
    const report = fuzz(seed)
    expect(failureOf(report, SHRINK_MS_MAX)).toBeNull()
    expect(report.injections.length).toBeGreaterThan(50)
  },
  SEED_MS_MAX
)

test(
  `real nodes live and work together whatever is said at their doors (seed ${random})`,
  async () => {
    const { failure, visits } = await fuzzDoors({ seed: random, ms: DOORS_MS })
    expect(failure).toBeNull()
    expect([...visits.values()].every(count => count > 0)).toBe(true)
  },
  DOORS_MS_MAX
)
