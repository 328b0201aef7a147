/** Blobs in the simulator: the invariants hold, and each of them can break. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as CopyWaitRoom from '../../src/core/blobs/copy-wait.ts'
import type * as ReferencesRoom from '../../src/core/blobs/references.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'

/** Half of all payloads and results are blobs, and nothing is forgotten. */
const kept: Partial<Scenario> = { blobs: 0.5, retentionMs: 3_600_000, crashes: 3 }
/** What has settled is forgotten at once. */
const forgotten: Partial<Scenario> = { blobs: 0.5, partitions: 1 }

test.each([
  ['kept', kept],
  ['forgotten', forgotten]
])('with blobs that are %s every seed keeps all invariants', (_, scenario) => {
  for (let seed = 1; seed <= 20; seed++) expect(failureOf(simulate(seed, scenario))).toBeNull()
})

/** With links that break, and a node that leaves, one of the others has nobody to talk to now and then. */
const selfFenced: Partial<Scenario> = {
  nodes: 3,
  late: 0,
  leaving: 1,
  crashes: 0,
  busyMs: 1500,
  blobs: 1,
  retentionMs: 3_600_000,
  network: { ...SCENARIO_DEFAULTS.network, linkBreak: 0.05 }
}

// In the first three the only link left was that of a node that had said goodbye.
test.each([24, 32, 57, 136, 145, 223, 224, 235])(
  'a result waits for its second place also when all links have just broken (seed %i)',
  seed => expect(failureOf(simulate(seed, selfFenced))).toBeNull()
)

test('a node that leaves takes its time while blobs are brought to it, and idles no more than others', () => {
  expect(failureOf(simulate(1199, { blobs: 0.7, partitions: 1 }))).toBeNull()
})

test('a result outlives its task for a while, for one that depends on it behind a cut', () => {
  expect(failureOf(simulate(3049, { blobs: 0.7, partitions: 1 }))).toBeNull()
})

test('a payload that comes again under a key whose task is over leaves nothing behind', () => {
  const over = { settledMax: 2, retentionMs: 1e9, late: 0, leaving: 0, crashes: 0 }
  for (let seed = 1; seed <= 3; seed++) {
    expect(failureOf(simulate(seed, { ...over, keyed: 1, again: 1, blobs: 1 }))).toBeNull()
  }
})

test('a node that leaves while all others are down takes along what only it has', () => {
  const scenario = { blobs: 0.7, retentionMs: 0, crashes: 6 }
  expect(failureOf(simulate(1052, scenario))).toBeNull()
})

describe('the simulator reports', () => {
  const copyWait = '../../src/core/blobs/copy-wait.ts'
  const references = '../../src/core/blobs/references.ts'

  afterEach(() => {
    vi.doUnmock(copyWait)
    vi.doUnmock(references)
  })

  async function brokenBy(scenario: Partial<Scenario>): Promise<string> {
    vi.resetModules()
    const simulator = await import('../../src/sim/simulator.ts')
    for (let seed = 1; seed <= 10; seed++) {
      const { violation } = simulator.simulate(seed, scenario)
      if (violation !== null) return violation.message
    }
    return ''
  }

  test('a result that does not wait for its second place', async () => {
    vi.doMock(copyWait, async importOriginal => {
      const { CopyWait } = await importOriginal<typeof CopyWaitRoom>()
      return {
        CopyWait: class extends CopyWait {
          override add(awaited: CopyWaitRoom.AwaitedCopy): void {
            super.add({ ...awaited, wanted: 0 })
          }
        }
      }
    })
    expect(await brokenBy(kept)).toMatch(/invariant 12: .* whose result is in one place/)
  })

  test('blobs that outlive the tasks that name them', async () => {
    vi.doMock(references, async importOriginal => {
      const { References } = await importOriginal<typeof ReferencesRoom>()
      return {
        References: class extends References {
          override release(): [] {
            return []
          }
        }
      }
    })
    expect(await brokenBy(forgotten)).toMatch(
      /invariant (12: .* which no task names|0: .* a task that names blobs is here)/
    )
  })

  test('blobs that go while a task names them', async () => {
    vi.doMock(references, async importOriginal => {
      const { References } = await importOriginal<typeof ReferencesRoom>()
      return {
        References: class extends References {
          override has(): boolean {
            return false
          }
        }
      }
    })
    expect(await brokenBy(kept)).toMatch(/invariant (2|12): /)
  })
})
