/** Runs in which replicas came apart, or seemed to, among thousands that dice had made. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { checkScenario, simulate } from '../../src/sim/index.ts'
import { scenarioOf } from './support/dice.ts'
import { failureOf } from './support/failure.ts'

test.each([
  ['a key is given on two sides of a cut that have never met, and forgotten on one', 145, [1452]],
  ['a task is named as over, and its creation told by somebody who keeps it', 10_139, [101_391]],
  ['only some know of a node that crashed, for which keys are kept', 10_208, [102_081, 102_083]]
])('replicas are equal where %s', (_where, n, seeds) => {
  for (const seed of seeds) {
    expect.soft(failureOf(simulate(seed, checkScenario(scenarioOf(n).settings)))).toBeNull()
  }
})
