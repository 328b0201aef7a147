/**
 * What callers are promised, through all that people do to a cluster: they ask, cancel, drain, change what nodes can run,
 * lose computers. And mistakes in it, each of which the checkers notice.
 */
import { afterEach, describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import type * as Rules from '../../src/core/claim/rules.ts'
import type * as TaskLookupRoom from '../../src/core/replication/task-lookup.ts'
import type * as AckWaitRoom from '../../src/core/replication/ack-wait.ts'
import type { Disks } from '../../src/core/replication/disks.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { SCENARIO_DEFAULTS } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, uproot } from './planting.ts'

const rooms = {
  ackWait: '../../src/core/replication/ack-wait.ts',
  taskLookup: '../../src/core/replication/task-lookup.ts',
  rules: '../../src/core/claim/rules.ts'
}

const { network } = SCENARIO_DEFAULTS
/** Who is silent for a while is taken for gone. */
const suspicious: Partial<Scenario> = { unreachableMs: 700, busyMs: 6000 }
/** Half of all runs fail, tasks are tried again, and change hands meanwhile. */
const failing: Partial<Scenario> = {
  uncommon: 0.6,
  failing: 0.5,
  drains: 3,
  changes: 5,
  nodes: 6,
  crashes: 0
}

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['questions', 6, { questions: 60 }],
  ['nodes that can run something else now', 8, { changes: 8, uncommon: 0.3 }],
  ['nodes that are told to drain', 8, { drains: 2 }],
  ['instances that are expected', 6, { expects: 3 }],
  ['nodes that leave at once', 8, { hasty: 1, leaving: 3 }],
  ['as many copies as callers ask for', 8, { acks: 1 }],
  ['attempts, waits and lost holders', 8, { ...failing, crashes: 5, lostMax: 1, backoffMs: 300 }],
  ['computers that are lost', 12, { deaths: 2, nodes: 6 }],
  ['computers that are lost, and not heard of', 8, { deaths: 2, nodes: 6, ...suspicious }],
  ['links that pass one way only', 8, { oneWay: 3, ...suspicious }],
  ['nodes that reach each other only through others', 8, { partial: 3, ...suspicious }],
  ['links of which each has its own time', 6, { network: { ...network, linkDelayMsMax: 200 } }]
]

describe('all invariants hold with', () => {
  test.each(scenarios)('%s', (_name, seeds, scenario) => {
    for (let seed = 1; seed <= seeds; seed++) {
      expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
    }
  })
})

/** Some leave, and give away what has failed for good on the other side of the cut. */
const apart: Partial<Scenario> = {
  nodes: 6,
  leaving: 2,
  crashes: 0,
  retentionMs: 0,
  keyed: 0.6,
  failing: 0.4,
  runMsMax: 5,
  partitions: 2,
  ...suspicious
}

test('a failure on one side of a cut ends the task for whoever was given it on the other', () => {
  for (const seed of [17, 25, 32]) expect.soft(failureOf(simulate(seed, apart))).toBeNull()
})

afterEach(uproot)

describe('the simulator reports', () => {
  test('a failure that was told and is tried again by who had not heard of it', async () => {
    plant<typeof Rules>(rooms.rules, () => ({ failedBefore: () => null }))
    expect(await brokenBy({ failing: 0.4, crashes: 5 }, 60)).toMatch(/^invariant (18|20):/)
  })

  test('a failure that is taken over as another than the one that happened', async () => {
    plant<typeof Rules>(rooms.rules, ({ failedBefore }) => ({
      failedBefore: (self, record) => {
        const failed = failedBefore(self, record)
        return failed && { outcome: { ...failed.outcome!, by: self } }
      }
    }))
    expect(await brokenBy({ failing: 0.4, crashes: 5 }, 60)).toMatch(
      /^invariant 4:.* without a start/
    )
  })

  test('a question that nobody answers', async () => {
    plant<typeof TaskLookupRoom>(rooms.taskLookup, ({ TaskLookup }) => ({
      TaskLookup: class extends TaskLookup {
        override find(): void {}
      }
    }))
    expect(await brokenBy({ questions: 40 })).toMatch(/^invariant 18:.* has never answered a find/)
  })

  test('an acknowledgement that counts copies which are not there', async () => {
    plant<typeof AckWaitRoom>(rooms.ackWait, ({ AckWait }) => ({
      AckWait: class extends AckWait {
        override releaseDue(
          ...[now, view, release]: Parameters<AckWaitRoom.AckWait['releaseDue']>
        ): void {
          const disks = (): Disks => ({ copies: view.others, isApart: true })
          super.releaseDue(now, { ...view, disks }, release)
        }
      }
    }))
    expect(await brokenBy({ acks: 1 })).toMatch(/^invariant 19:.* other disks, not on/)
  })

  test('a grant with which attempts are counted from one again', async () => {
    plant<typeof Rules>(rooms.rules, ({ grantOf }) => ({
      grantOf: (...given) => {
        const { claim } = grantOf(...given)
        return { claim: { ...claim!, attempt: 1 } }
      }
    }))
    expect(await brokenBy(failing)).toMatch(/^invariant 20:.* after \d failures/)
  })

  test('a grant with which the wait for another attempt is over', async () => {
    plant<typeof Rules>(rooms.rules, ({ grantOf }) => ({
      grantOf: (...given) => {
        const { claim } = grantOf(...given)
        return { claim: { ...claim!, notBefore: null } }
      }
    }))
    expect(await brokenBy({ ...failing, backoffMs: 1000 }, 20)).toMatch(/^invariant 20:.* ms after/)
  })

  test('a reclaim that does not count whom the task has cost', async () => {
    plant<typeof Rules>(rooms.rules, ({ reclaimOf }) => ({
      reclaimOf: (...given) => {
        const { claim } = reclaimOf(...given)
        return { claim: { ...claim!, lost: [] } }
      }
    }))
    expect(await brokenBy({ crashes: 8, lostMax: 0, runMsMax: 1500 })).toMatch(
      /^invariant 20:.* nodes have died of/
    )
  })

  test('a holder that does not care who wants a task cancelled', async () => {
    plant<typeof Rules>(rooms.rules, ({ verdictOf }) => ({
      verdictOf: (self, record, ...rest) =>
        verdictOf(self, { ...record, cancelRequest: null }, ...rest)
    }))
    expect(await brokenBy({ cancels: 20 })).toMatch(/^invariant (13|21):/)
  })
})
