/**
 * Work that is taken by whoever has room for it, where a task keeps its slot far longer than its handler runs: its
 * payload is fetched before, its result brought to a second place afterwards, over slow links.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type * as RuntimeEstimateRoom from '../../src/core/scheduling/runtime-estimate.ts'
import { checkScenario } from '../../src/sim/scenario-file.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const HANDLER_MS_MAX = 5

const slow = checkScenario({
  nodes: 3,
  tasks: 60,
  types: ['red', 'green'],
  dependent: 0,
  late: 0,
  leaving: 0,
  crashes: 0,
  blobs: 1,
  runMsMax: HANDLER_MS_MAX,
  network: { delayMsMin: 20, delayMsMax: 150 }
})
const SEEDS = [4, 20]

// Two nodes took tasks from each other a hundred ahead, until these had moved as often as they may; then they waited
// behind all others in one node's only slot, beside a node that idled.
test.each(SEEDS)('a thief takes no more ahead than its slots get done (seed %i)', seed => {
  expect(failureOf(simulate(seed, slow))).toBeNull()
})

describe('the simulator reports', () => {
  afterEach(uproot)

  test('a thief that goes by how long handlers run alone', async () => {
    plant<typeof RuntimeEstimateRoom>(
      '../../src/core/scheduling/runtime-estimate.ts',
      ({ RuntimeEstimate }) => ({
        RuntimeEstimate: class extends RuntimeEstimate {
          override ran(type: string, slotMs: number): void {
            super.ran(type, Math.min(slotMs, HANDLER_MS_MAX))
          }
        }
      })
    )
    expect(await brokenBy(slow, 1, SEEDS[0])).toMatch(/invariant 11: .* has idled for/)
  })
})
