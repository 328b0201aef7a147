/** Settled tasks that go for lack of room: the same everywhere, and never one that a task which was accepted depends on. */
import { afterEach, expect, test, vi } from 'vitest'
import type * as RoomRoom from '../../src/core/gc/settled-floor.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import type { PumpNode } from '../support/pump.ts'
import { bootOf } from '../support/tasks.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const ROOM = '../../src/core/gc/settled-floor.ts'

/** Nodes crash all the time, only answers carry the log, and what goes goes for lack of room. */
const crowded: Partial<Scenario> = {
  nodes: 4,
  tasks: 15,
  dependent: 0.5,
  types: ['red', 'green'],
  late: 0,
  leaving: 0,
  crashes: 8,
  failing: 0,
  settledMax: 8,
  retentionMs: 3_600_000
}
const deaf = { ...crowded, network: { ...SCENARIO_DEFAULTS.network, gossipLoss: 1 } }

afterEach(uproot)

test.each([
  ['with all gossip lost', deaf, 50_002],
  ['where none is kept', { ...crowded, settledMax: 0 }, 1],
  ['where nodes join and leave', { ...crowded, nodes: 6, late: 2, leaving: 1, settledMax: 2 }, 1],
  ['behind a cut', { ...crowded, partitions: 2, crashes: 2 }, 1],
  ['where all crash at once', { ...crowded, crashAll: true }, 1]
] as const)(
  'all keep the same settled tasks, and no more than there is room for: %s',
  (_, scenario, from) => {
    for (let seed = from; seed < from + 10; seed++) {
      expect(simulate(seed, scenario).violation?.message).toBeUndefined()
    }
  }
)

/** Two nodes and a third whose heartbeats show that it is not as far as they are. Returns what the first one keeps. */
async function besideOneThatLags(): Promise<number> {
  vi.resetModules()
  const { pumpOf } = await import('../support/pump.ts')
  const pump = pumpOf(
    ['a', 'b', 'c'].map(node => bootOf(node)),
    { settledMax: 4 }
  )
  pump.read = (_, message) =>
    message.kind === 'heartbeat' && message.boot.startsWith('c')
      ? { ...message, floor: 0 }
      : message
  const [a] = pump.nodes as [PumpNode]
  a.worker(1)
  for (let n = 0; n < 6; n++) {
    const id = a.submit()
    pump.settle()
    a.end(id)
    pump.pass(500)
  }
  for (let n = 0; n < 150; n++) pump.pass(500)
  return [...a.core.view.records()].length
}

test('nobody lets go of what somebody else may still take a dependency on', async () => {
  expect(await besideOneThatLags()).toBe(6)
})

test('a planted mistake is found: a node ignores the floor of others', async () => {
  plant<typeof RoomRoom>(ROOM, ({ SettledFloor }) => ({
    SettledFloor: class extends SettledFloor {
      override agreed(): number {
        return this.floor
      }
    }
  }))
  expect(await besideOneThatLags()).toBe(4)
})

test('a planted mistake is found: the floor never rises', async () => {
  plant<typeof RoomRoom>(ROOM, ({ SettledFloor }) => ({
    SettledFloor: class extends SettledFloor {
      override get floor(): number {
        return 0
      }
      override agreed(): number {
        return 0
      }
    }
  }))
  expect(await brokenBy(crowded)).toMatch('invariant 10')
})
