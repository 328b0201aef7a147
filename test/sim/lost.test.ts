/** What was on one disk alone, and is lost with it, keeps nobody from anything for ever. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { checkScenario } from '../../src/sim/scenario-file.ts'
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

/** Computers that go a moment after a node there has told something. */
const told = { leaving: 0, crashes: 0, retentionMs: 0, types: ['red', 'green'] }

/**
 * Of a task that waited for its payload it turned out how one had ended on which it depends: that result was never
 * fetched, and the slot kept for ever.
 */
test('a task that is to read more while it waits reads that, too', () => {
  const cluster = { nodes: 6, computers: 3, computersLost: 2, late: 0, failing: 0, diskMsMax: 0 }
  const tasks = { blobs: 0.3, once: 0.7, uncommon: 0.2, acks: 1 }
  const network = { gossipLoss: 0.6, delayMsMin: 20, delayMsMax: 150 }
  const scenario = checkScenario({ ...told, ...cluster, ...tasks, network })
  expect(failureOf(simulate(300_291, scenario))).toBeNull()
})

/** Of two that were given up together the second was waited for once more as long, when the first was known again. */
test('what depends on several tasks that nobody has heard of waits for all of them once', () => {
  const cluster = { nodes: 8, computers: 2, computersLost: 1, late: 2, network: { linkBreak: 0 } }
  const scenario = checkScenario({ ...told, ...cluster, acks: 0.5, keyed: 0.3 })
  expect(failureOf(simulate(301_552, scenario))).toBeNull()
})
