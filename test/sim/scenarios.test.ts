/** The same invariants under conditions that the default scenario meets rarely or never. */
import { describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { introduced, selfFenced, shifting, staggered } from './support/cuts.ts'
import { failureOf } from './support/failure.ts'
import { punctual, repeating, repeatingLate, stepping } from './support/times.ts'

const { network } = SCENARIO_DEFAULTS
const still = { gossipLoss: 0, gossipRepeat: 0, linkBreak: 0, syncBreak: 0 }
const HOUR_MS = 3_600_000
/** Longer than any run, and than clocks are off. */
const KEEP_MS = 1000 * HOUR_MS

/** Who is silent for half a second is taken for gone, and its work is taken over. */
const suspicious = { busyMs: 6000, partitions: 3, unreachableMs: 600 }

const overtaking = { network: { ...network, overtaking: true } }

/** `RUNS_FACTOR=10` runs ten times as many seeds of each. */
const factor = Number(process.env['RUNS_FACTOR'] ?? 1)

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['two nodes', 18, { nodes: 2, late: 0, leaving: 0 }],
  ['two nodes, one of which leaves', 12, { nodes: 2, late: 0, leaving: 1 }],
  ['eight nodes, three late, three leaving', 12, { nodes: 8, late: 3, leaving: 3 }],
  ['all gossip lost', 18, { network: { ...network, gossipLoss: 1 } }],
  ['no faults at all', 10, { crashes: 0, network: { ...network, ...still } }],
  [
    'no time between anything',
    12,
    { runMsMax: 0, diskMsMax: 0, network: { ...network, ...still, delayMsMin: 0, delayMsMax: 0 } }
  ],
  ['many small tasks', 3, { tasks: 200, runMsMax: 3 }],
  ['every task depends on others', 12, { dependent: 1 }],
  ['every task depends on others, and half of the runs fail', 12, { dependent: 1, failing: 0.5 }],
  ['a slow disk', 12, { diskMsMax: 500 }],
  [
    'links that break all the time',
    12,
    { network: { ...network, linkBreak: 0.1, syncBreak: 0.5 } }
  ],
  ['heartbeats and acknowledgements that overtake the rest', 15, overtaking],
  [
    'heartbeats and acknowledgements that overtake the rest, through cuts and crashes',
    15,
    { ...overtaking, partitions: 3, crashes: 5 }
  ],
  ['everything repeated', 12, { network: { ...network, gossipRepeat: 1, gossipLoss: 0 } }],
  ['slow links', 10, { network: { ...network, delayMsMin: 50, delayMsMax: 250 } }],
  ['eight crashes', 18, { crashes: 8 }],
  ['workers outside, that die, hang, and tell ends twice or late', 12, { outside: 0.8 }],
  [
    'workers outside, through crashes, uncommon options and what may run once',
    12,
    { outside: 0.6, crashes: 5, uncommon: 0.3, once: 0.2, cancels: 10 }
  ],
  ['a crash of all at once', 18, { crashAll: true }],
  ['a crash of all at once, of two', 18, { nodes: 2, late: 0, leaving: 0, crashAll: true }],
  ['a lost disk', 18, { disksLost: 1 }],
  ['lies about others', 15, { lies: 400, busyMs: 6000, network: { ...network, linkBreak: 0 } }],
  [
    'lies about others, and six crashes',
    15,
    { lies: 400, busyMs: 6000, crashes: 6, leaving: 2, network: { ...network, linkBreak: 0 } }
  ],
  ['uncommon options', 15, { uncommon: 0.4, failing: 0.3 }],
  ['uncommon options, and cancellations', 15, { uncommon: 0.3, cancels: 15, failing: 0.3 }],
  ['keys on all nodes at once', 15, { keyed: 0.5, retentionMs: KEEP_MS }],
  ['keys that come again when their tasks have been forgotten for lack of room', 8, repeating],
  ['keys that come again at nodes that came later', 8, repeatingLate],
  ['partitions', 18, { partitions: 3 }],
  ['partitions and crashes', 12, { partitions: 3, crashes: 5 }],
  ['cuts that last until the others are taken for gone', 12, suspicious],
  ['newcomers who are found by one other first', 8, introduced],
  ['a cut behind which the others fall silent one by one', 10, staggered],
  ['a cut, and nodes that end their work when they are alone', 10, selfFenced],
  ['cuts that shift, and nodes that end their work when they are alone', 10, shifting],
  [
    'nodes that stand still until they are taken for gone',
    12,
    { ...suspicious, partitions: 0, pauses: 4 }
  ],
  [
    'tasks that may run at most once, through all of that and crashes',
    12,
    { ...suspicious, pauses: 3, crashes: 5, once: 0.5, leaving: 0 }
  ],
  ['clocks that are off by up to an hour', 18, { skewMsMax: HOUR_MS, retentionMs: KEEP_MS }],
  // Everybody forgets by a clock of its own, and nothing may come back.
  [
    'clocks that are off by up to a minute, and forgetting by them',
    8,
    { skewMsMax: 60_000, crashes: 4 }
  ],
  ['clocks that are off by up to an hour, and forgetting by them', 1, { skewMsMax: HOUR_MS }],
  [
    'clocks that are off, and a crash of all at once',
    18,
    { skewMsMax: HOUR_MS, retentionMs: KEEP_MS, crashAll: true, crashes: 4 }
  ],
  ['a node whose clock is an hour off, and tasks that go by the time', 6, punctual],
  ['clocks that are set on the way, and tasks that go by the time', 6, stepping],
  [
    'clocks that are set on the way, one wrong from the start, and nodes that come, die and leave',
    6,
    { ...stepping, wrongClocks: 1, late: 1, leaving: 1, crashes: 4, pauses: 2, unreachableMs: 700 }
  ]
]

describe('all invariants hold with', () => {
  test.each(scenarios)(
    '%s',
    (_name, seeds, scenario) => {
      const tasks = scenario.tasks ?? SCENARIO_DEFAULTS.tasks
      let settled = 0
      for (let seed = 1; seed <= seeds * factor; seed++) {
        const report = simulate(seed, scenario)
        expect.soft(failureOf(report)).toBeNull()
        settled += report.settled
      }
      // A task is not submitted while all are down or leaving, and is lost if nobody said that it was accepted.
      expect(settled).toBeGreaterThan((tasks * seeds * factor) / 2)
    },
    3_600_000
  )
})
