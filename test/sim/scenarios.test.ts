/** The same invariants under conditions that the default scenario meets rarely or never. */
import { describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './failure.ts'

const { network } = SCENARIO_DEFAULTS
const still = { gossipLoss: 0, gossipRepeat: 0, linkBreak: 0, syncBreak: 0 }

/**
 * With one link only, a leaver whose link is down at that moment has nobody to hand on to; and who is left of two, and does
 * not know that the other has left, sees no majority.
 */
const calmPair = { nodes: 2, late: 0, crashes: 0, network: { ...network, linkBreak: 0 } }

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['two nodes', 15, { nodes: 2, late: 0, leaving: 0 }],
  ['two nodes, one of which leaves', 15, { ...calmPair, leaving: 1 }],
  ['eight nodes, three late, three leaving', 6, { nodes: 8, late: 3, leaving: 3 }],
  ['all gossip lost', 10, { network: { ...network, gossipLoss: 1 } }],
  ['no faults at all', 10, { network: { ...network, ...still } }],
  [
    'no time between anything',
    10,
    { runMsMax: 0, diskMsMax: 0, network: { ...network, ...still, delayMsMin: 0, delayMsMax: 0 } }
  ],
  ['many small tasks', 3, { tasks: 200, runMsMax: 3 }],
  ['every task depends on others', 10, { dependent: 1 }],
  ['every task depends on others, and half of the runs fail', 10, { dependent: 1, failing: 0.5 }],
  ['a slow disk', 10, { diskMsMax: 500 }],
  [
    'links that break all the time',
    10,
    { network: { ...network, linkBreak: 0.1, syncBreak: 0.5 } }
  ],
  ['everything repeated', 10, { network: { ...network, gossipRepeat: 1, gossipLoss: 0 } }],
  ['slow links', 5, { leaving: 0, network: { ...network, delayMsMin: 50, delayMsMax: 250 } }]
]

describe('all invariants hold with', () => {
  test.each(scenarios)(
    '%s',
    (_, seeds, scenario) => {
      for (let seed = 1; seed <= seeds; seed++) {
        const report = simulate(seed, scenario)
        expect(failureOf(report)).toBeNull()
        expect(report.settled).toBeGreaterThan((scenario.tasks ?? SCENARIO_DEFAULTS.tasks) / 4)
      }
    },
    120_000
  )
})
