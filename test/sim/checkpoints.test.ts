/**
 * Runs that save for the attempt after them, while nodes crash and workers outside are lost; and that the checker for it
 * speaks.
 */
import { afterEach, describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import type * as StagingRoom from '../../src/core/scheduling/input-staging.ts'
import type * as CheckpointsRoom from '../../src/core/scheduling/checkpoints.ts'
import type * as CheckpointRoom from '../../src/core/task/checkpoint.ts'
import { simulate } from '../../src/sim/index.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const rooms = {
  staging: '../../src/core/scheduling/input-staging.ts',
  checkpoints: '../../src/core/scheduling/checkpoints.ts',
  checkpoint: '../../src/core/task/checkpoint.ts'
}

const saving: Partial<Scenario> = { saving: 0.7, failing: 0.3, crashes: 5, dependent: 0.1 }

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['crashes', 5, saving],
  ['crashes, and workers outside that are lost', 5, { ...saving, outside: 0.6 }],
  ['cuts and lost disks, with nodes that leave', 5, { ...saving, partitions: 2, disksLost: 1 }],
  ['full disks, and large payloads', 4, { ...saving, fullDisks: 4, blobs: 0.3, leaving: 2 }],
  ['nodes of an earlier version that are upgraded', 4, { ...saving, older: 2, uncommon: 0.2 }]
]

describe.each(scenarios)('runs that save, through %s', (_, seeds, scenario) => {
  test(`${seeds} seeds`, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { violation, settled } = simulate(seed, scenario)
      expect(violation, `seed ${seed}`).toBeNull()
      expect(settled, `seed ${seed}`).toBeGreaterThan(0)
    }
  })
})

describe('the simulator reports', () => {
  afterEach(uproot)

  test('a run that is told of its save before that is anywhere else', async () => {
    plant<typeof CheckpointsRoom>(rooms.checkpoints, ({ Checkpoints }) => ({
      Checkpoints: class extends Checkpoints {
        readonly #emit: (effect: {
          kind: 'saved'
          request: number
          isTaken: true
          short: false
        }) => void
        constructor(...given: ConstructorParameters<typeof Checkpoints>) {
          super(...given)
          this.#emit = given[0].emit
        }
        override save(input: Parameters<CheckpointsRoom.Checkpoints['save']>[0]): void {
          this.#emit({ kind: 'saved', request: input.request, isTaken: true, short: false })
          super.save(input)
        }
        override placed(): void {}
      }
    }))
    expect(await brokenBy(saving)).toMatch(/^invariant 26:.* from nothing/)
  })

  test('a run that begins anew, whatever was saved', async () => {
    plant<typeof StagingRoom>(rooms.staging, ({ InputStaging }) => ({
      InputStaging: class extends InputStaging {
        override takeCheckpoint(): null {
          return null
        }
      }
    }))
    expect(await brokenBy(saving)).toMatch(/^invariant 26:.* from nothing/)
  })

  test('a record that keeps what was saved first', async () => {
    plant<typeof CheckpointRoom>(rooms.checkpoint, ({ upperCheckpoint }) => ({
      upperCheckpoint: (x, y) => {
        const upper = upperCheckpoint(x, y)
        if (x === undefined || y === undefined || x === y) return upper
        return upper === x ? y : x
      }
    }))
    expect(await brokenBy(saving)).toMatch(/^invariant (1|26):/)
  })
})
