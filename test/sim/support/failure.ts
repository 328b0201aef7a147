/** What a failed run of the simulator has to say: which invariant, what happened last, and how to see it again. */
import type { Report } from '../../../src/sim/simulator.ts'

/** What led to a violation is rarely further back. `SEED=n` prints everything. */
const LINES_MAX = 80

/** The text for a seed that failed, or null if all invariants held. */
export function failureOf({ seed, violation, transcript }: Report): string | null {
  if (violation === null) return null
  return [
    `seed ${seed}: ${violation.message}`,
    ...transcript.slice(-LINES_MAX),
    `again: SEED=${seed} npx vitest run --config config/tools/vitest.config.ts test/sim/seeds.test.ts`
  ].join('\n')
}
