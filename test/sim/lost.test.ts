/** What was on one disk alone, and is lost with it, keeps nobody from anything for ever. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'

/** Nodes die for good, and others come back without their disks. */
const dying: Partial<Scenario> = { nodes: 5, deaths: 2, crashes: 4, disksLost: 3, retentionMs: 50 }
const keyed: Partial<Scenario> = {
  nodes: 3,
  crashes: 6,
  disksLost: 2,
  keyed: 1,
  failing: 0.4,
  retentionMs: 1050,
  leaving: 1
}
const leaving: Partial<Scenario> = {
  nodes: 4,
  crashes: 4,
  disksLost: 2,
  settledMax: 8,
  retentionMs: 0,
  leaving: 2,
  late: 2
}

/** Each kept something for ever before: a task whose creation is lost, or a failure that a lost author might have undone. */
test.each([
  [dying, [24, 33, 43, 52, 74, 77, 83, 98, 109, 115, 120, 139, 143, 241]],
  [keyed, [2, 8, 37, 108]],
  [leaving, [6, 23, 32, 50, 53, 63, 81, 84, 99, 224]]
])('what nobody has any more is waited for by nobody: %o', (scenario, seeds) => {
  for (const seed of seeds) expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
})
