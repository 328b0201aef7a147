/** Runs in which replicas came apart, or seemed to, among thousands that dice had made. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { checkScenario, simulate } from '../../src/sim/index.ts'
import { scenarioOf } from './dice.ts'
import { failureOf } from './failure.ts'

test.each([
  ['a task is named as over, and its creation told by somebody who keeps it', 10_139, [101_391]],
])('replicas are equal where %s', (_where, n, seeds) => {
  for (const seed of seeds) {
    expect.soft(failureOf(simulate(seed, checkScenario(scenarioOf(n).settings)))).toBeNull()
  }
})
