/** Nodes of several pools under dice, which come and go; and mistakes in it, each of which the checkers notice. */
import { afterEach, describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import type * as PoolRoomRoom from '../../src/core/claim/pool-room.ts'
import type { Demand } from '../../src/core/claim/capability.ts'
import type { Pool } from '../../src/core/claim/pools.ts'
import type * as SeatsRoom from '../../src/core/scheduling/seats.ts'
import type * as ThiefRoom from '../../src/core/steal/thief.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const rooms = {
  seats: '../../src/core/scheduling/seats.ts',
  poolRoom: '../../src/core/claim/pool-room.ts',
  thief: '../../src/core/steal/thief.ts'
}

/** Each node runs some types in some pools. */
const several: Partial<Scenario> = { pools: 3, crashes: 1, types: ['red', 'green', 'blue'] }
/** And runs others a moment later. */
const changing: Partial<Scenario> = { ...several, changes: 8, nodes: 6 }

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['pools', 6, several],
  ['pools that come and go', 10, changing],
  ['pools that go under starts that others have to know of', 8, { ...changing, once: 0.5 }],
  ['pools with labels of their own', 6, { ...changing, uncommon: 0.4 }],
  ['pools of nodes that die, and what they leave', 8, { ...changing, crashes: 8, tasks: 80 }]
]

describe('all invariants hold with', () => {
  test.each(scenarios)('%s', (_name, seeds, scenario) => {
    for (let seed = 1; seed <= seeds; seed++) {
      expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
    }
  })
})

afterEach(uproot)

describe('the simulator reports', () => {
  test('free slots of one pool that are taken for room in another', async () => {
    plant<typeof SeatsRoom>(rooms.seats, ({ Seats }) => ({
      Seats: class extends Seats {
        override hasRoom(): boolean {
          return this.used() < this.pools.reduce((sum, { slots }) => sum + slots, 0)
        }
      }
    }))
    expect(await brokenBy(several)).toMatch(/^invariant 25:.*, where \d+ of \d+ are taken/)
  })

  test('a task that is started in a pool without its type', async () => {
    plant<typeof SeatsRoom>(rooms.seats, ({ Seats }) => ({
      Seats: class extends Seats {
        override poolFor(demand: Demand): Pool | undefined {
          return super.poolFor(demand) && this.pools.find(pool => this.hasRoom(pool))
        }
      }
    }))
    expect(await brokenBy(several)).toMatch(/^invariant 25:.*, which cannot run/)
  })

  test('a task that is placed with a node for its room in a pool that does not run it', async () => {
    plant<typeof PoolRoomRoom>(rooms.poolRoom, ({ PoolRoom }) => ({
      PoolRoom: class extends PoolRoom {
        override has(): boolean {
          return !this.isEmpty
        }
      }
    }))
    expect(await brokenBy(several)).toMatch(/^invariant 16:.*, which has no pool for it/)
  })

  test('work that is asked for the default pool alone: the others idle beside it', async () => {
    plant<typeof ThiefRoom>(rooms.thief, ({ Thief }) => ({
      Thief: class extends Thief {
        readonly #isFirst: boolean
        constructor(...given: ConstructorParameters<typeof Thief>) {
          super(...given)
          // A boot's first thief is that of its first pool.
          const [, , asked] = given as [unknown, unknown, { first?: unknown }]
          this.#isFirst = (asked.first ??= this) === this
        }
        override ask(
          ...given: Parameters<ThiefRoom.Thief['ask']>
        ): ReturnType<ThiefRoom.Thief['ask']> {
          return this.#isFirst ? super.ask(...given) : null
        }
      }
    }))
    const much = { tasks: 200, busyMs: 500, runMsMax: 1000, dependent: 0 }
    const backlog = { ...several, ...much, nodes: 3, crashes: 0, late: 0, leaving: 0 }
    expect(await brokenBy(backlog, 20)).toMatch(/^invariant 11:/)
  })
})
