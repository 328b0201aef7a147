/** State files in the simulator: loaded into a live cluster, twice, at any moment, they break no invariant. */
import { afterEach, expect, test, vi } from 'vitest'
import type * as SavedRoom from '../../src/sim/plan/saved.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { checkScenario } from '../../src/sim/scenario-file.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'

const room = '../../src/sim/plan/saved.ts'
const loads = 6
const HOUR_MS = 3_600_000

afterEach(() => vi.doUnmock(room))

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['while all is well', 3, { loads }],
  ['and nodes crash, all of them at once, too', 10, { loads, crashes: 5, crashAll: true }],
  ['and disks are lost', 8, { loads, disksLost: 2 }],
  ['and the network is cut', 8, { loads, partitions: 2 }],
  ['and they name blobs', 6, { loads, blobs: 0.5, retentionMs: HOUR_MS, crashes: 3 }]
]

test.each(scenarios)('what was saved is loaded later, %s', (_, seeds, scenario) => {
  for (let seed = 1; seed <= seeds; seed++) expect(failureOf(simulate(seed, scenario))).toBeNull()
})

/** Seeds with which it ran twice, when nobody asked a later boot of the holder. */
test.each([17511])('what may run at most once is not run again out of a file, seed %i', seed => {
  const once = { nodes: 2, tasks: 15, types: ['red', 'green'], retentionMs: 100, late: 1, once: 1 }
  const crashes = { leaving: 0, crashes: 2, crashAll: true, loads: 1, skewMsMax: 50 }
  const network = { gossipLoss: 0.6 }
  const scenario = checkScenario({ ...once, ...crashes, network })
  expect(failureOf(simulate(seed, scenario))).toBeNull()
})

test('what only those completed who are down is run again out of a file that says how an earlier attempt failed', () => {
  const faults = { leaving: 0, crashes: 4, deaths: 1, loads: 2, network: { gossipLoss: 0 } }
  const tasks = { keyed: 0.6, uncommon: 0.2, again: 0.5, types: ['red', 'green'] }
  const scenario = checkScenario({ nodes: 3, tasks: 30, retentionMs: HOUR_MS, ...faults, ...tasks })
  expect(failureOf(simulate(110_572, scenario))).toBeNull()
})

test('the simulator reports a file that lacks tasks: they count as forgotten where it is loaded', async () => {
  vi.resetModules()
  vi.doMock(room, async importOriginal => {
    const original = await importOriginal<typeof SavedRoom>()
    const savedBy: typeof SavedRoom.savedBy = node => {
      const { tasks, ...rest } = original.savedBy(node)
      return { ...rest, tasks: [...tasks].filter((_task, n) => n % 2 === 0) }
    }
    return { ...original, savedBy }
  })
  const simulator = await import('../../src/sim/simulator.ts')
  let violation: unknown = null
  for (let seed = 1; violation === null && seed <= 10; seed++) {
    violation = simulator.simulate(seed, { loads }).violation
  }
  expect(violation).not.toBeNull()
})
