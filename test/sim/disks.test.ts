/**
 * What a process and its disk may do: take several things into one turn, be refused by a full disk, die in the middle of
 * a write. And that what is promised where all can reach each other is promised again once a cut has healed.
 */
import { afterEach, describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import type * as LooseRoom from '../../src/core/replication/loose-writes.ts'
import type * as BarrierRoom from '../../src/core/claim/claim-barrier.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const rooms = {
  loose: '../../src/core/replication/loose-writes.ts',
  barrier: '../../src/core/claim/claim-barrier.ts'
}

/** Nodes die again and again while they write. */
const torn: Partial<Scenario> = { torn: 1, diskMsMax: 100, crashes: 8, nodes: 3 }
const healed: Partial<Scenario> = {
  partitions: 1,
  healMsMax: 500,
  busyMs: 8000,
  crashes: 6,
  nodes: 5
}

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['turns that take their time', 8, { turnMsMax: 20, crashes: 6 }],
  ['turns and blobs', 6, { turnMsMax: 5, crashes: 6, blobs: 0.5 }],
  ['disks that are full for a while', 8, { fullDisks: 4, diskMsMax: 50 }],
  ['full disks, and blobs for which they have no room', 8, { fullDisks: 4, blobs: 0.5 }],
  ['journals whose end is torn', 8, torn],
  ['all of these', 8, { ...torn, turnMsMax: 5, fullDisks: 2 }],
  ['cuts that heal', 8, healed]
]

describe('all invariants hold with', () => {
  test.each(scenarios)('%s', (_name, seeds, scenario) => {
    for (let seed = 1; seed <= seeds; seed++) {
      expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
    }
  })
})

describe('a mistake is noticed', () => {
  afterEach(uproot)

  test('of a node that leaves what its damaged disk alone has where no vector covers it', async () => {
    plant<typeof LooseRoom>(rooms.loose, ({ LooseWrites }) => ({
      LooseWrites: class extends LooseWrites {
        override tick(): void {}
      }
    }))
    expect(await brokenBy({ ...torn, retentionMs: 1e9 })).toMatch(/^invariant 1:/)
  })

  test('of a node that starts what it takes over at once, also after a cut', async () => {
    plant<typeof BarrierRoom>(rooms.barrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override isUnconfirmed(): boolean {
          return false
        }
      }
    }))
    expect(await brokenBy(healed, 80)).toMatch(/^invariant (3|18):/)
  })
})
