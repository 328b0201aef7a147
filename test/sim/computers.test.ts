/** What callers are told survives the loss of any one computer, and the checks that say so can fail. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import '../core/forbid.ts'
import type * as HoldersRoom from '../../src/core/blobs/holders.ts'
import type * as DisksRoom from '../../src/core/replication/disks.ts'
import type { Message } from '../../src/core/message.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, plantUnwrittenTaking, uproot } from './planting.ts'

const rooms = {
  disks: '../../src/core/replication/disks.ts',
  holders: '../../src/core/blobs/holders.ts'
}

/** Six nodes on three computers, one of which goes right after one of its nodes has told somebody something. */
const lost: Partial<Scenario> = {
  nodes: 6,
  computers: 3,
  computersLost: 1,
  late: 0,
  leaving: 0,
  crashes: 0,
  tasks: 25,
  blobs: 0.5,
  retentionMs: 1e9
}
const { network } = SCENARIO_DEFAULTS
const factor = Number(process.env['RUNS_FACTOR'] ?? 1)

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['a computer that goes right after it has told somebody something', 12, lost],
  [
    'a node alone on its computer that goes like that, which may be the submitter',
    12,
    { ...lost, nodes: 4, computers: 4 }
  ],
  [
    'the same, of two computers, and all gossip lost',
    8,
    { ...lost, nodes: 4, computers: 2, network: { ...network, gossipLoss: 1 } }
  ],
  ['crashes and nodes that leave', 10, { nodes: 6, computers: 3, crashes: 4, leaving: 1 }],
  ['cuts', 10, { nodes: 6, computers: 3, partitions: 3, blobs: 0.3 }]
]

describe('several nodes on a computer, and', () => {
  test.each(scenarios)(
    '%s',
    (_name, seeds, scenario) => {
      for (let seed = 1; seed <= seeds * factor; seed++) {
        expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
      }
    },
    3_600_000
  )
})

describe('is found out:', () => {
  afterEach(uproot)

  test('copies that count on the same computer', async () => {
    plant<typeof DisksRoom>(rooms.disks, () => ({
      canReachApart: () => false,
      isAway: () => false
    }))
    expect(await brokenBy({ ...lost, blobs: 0 }, 20)).toMatch(/^invariant (22|2):/)
  }, 60_000)

  test('holders of blobs by weight alone', async () => {
    plant<typeof HoldersRoom>(rooms.holders, ({ lineFor }) => ({
      holdersOf: (hash, keepers) =>
        lineFor(
          hash,
          keepers.map(({ node }) => node)
        ).slice(0, 2)
    }))
    const scenario = { ...lost, computersLost: 0, blobs: 1, tasks: 15 }
    expect(await brokenBy(scenario, 10)).toMatch(/^invariant 22: a blob.* on one computer/)
  }, 60_000)

  /** A node is told of a task that is in nobody's log. Whether another ever hears of it. */
  async function comesToOthers(): Promise<boolean> {
    vi.resetModules()
    const { pumpOf } = await import('../support/pump.ts')
    const { bootOf, taskOf } = await import('../support/tasks.ts')
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes as [(typeof pump.nodes)[0], (typeof pump.nodes)[0]]
    const record = taskOf(bootOf('c'), 1)
    const message: Message = {
      kind: 'grant',
      request: 0,
      boot: b.boot,
      records: [],
      dependencies: [record]
    }
    a.feed({ kind: 'message', from: b.id, message })
    for (let i = 0; i < 30; i++) pump.pass(200)
    expect(a.record(record.spec.id)).toBeDefined()
    return b.core.view.record(record.spec.id) !== undefined
  }

  test('nothing of what is taken in outside the log, without a mistake', async () => {
    expect(await comesToOthers()).toBe(true)
  })

  test('what is taken in outside the log, and not written down: nobody else ever hears of it', async () => {
    plantUnwrittenTaking()
    expect(await comesToOthers()).toBe(false)
  })
})
