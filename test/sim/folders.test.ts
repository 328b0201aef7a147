/** Data folders that are not what their nodes left behind: copied and used twice, or damaged. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './failure.ts'

/** A second process starts on a copy of a data folder, beside the first one or while that is down. */
const copied: Partial<Scenario> = {
  nodes: 3,
  clones: 1,
  late: 0,
  leaving: 0,
  crashes: 0,
  tasks: 15,
  retentionMs: 3_600_000
}

// In each the one that stayed took in nothing of what the other had written, for ever.
test.each([1, 2, 5])('what a copy wrote is taken in by the one that stays (seed %i)', seed => {
  expect(failureOf(simulate(seed, copied))).toBeNull()
})
