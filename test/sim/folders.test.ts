/** Data folders that are not what their nodes left behind: damaged, or as they were before. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'

/** The disk of a node comes back as it was at an earlier moment, while another one is down. */
const damaged: Partial<Scenario> = {
  nodes: 3,
  damages: 1,
  late: 0,
  leaving: 0,
  crashes: 4,
  tasks: 30,
  types: ['red', 'green'],
  retentionMs: 0,
  uncommon: 0.3,
  cancels: 5,
  diskMsMax: 300,
  network: { ...SCENARIO_DEFAULTS.network, gossipLoss: 0, linkBreak: 0 }
}

// The boot that had written it was closed as if its disk had told all; whoever came back with the task then dropped it.
test('what a damaged disk does not have any more is on those that are down (seed 581)', () => {
  expect(failureOf(simulate(581, damaged))).toBeNull()
})

/** Some tasks may run at most once, and others are down. */
const once: Partial<Scenario> = {
  ...damaged,
  leaving: 1,
  tasks: 40,
  retentionMs: 400,
  uncommon: 0,
  cancels: 0,
  diskMsMax: SCENARIO_DEFAULTS.diskMsMax,
  once: 0.3,
  network: SCENARIO_DEFAULTS.network
}

// Of two who knew of a start one came back without it, and the other, which had granted the task, was down and so not asked.
test('two faults at once, a damaged disk and a crash, may repeat what may run at most once (seed 300512)', () => {
  expect(failureOf(simulate(300_512, once))).toBeNull()
})
