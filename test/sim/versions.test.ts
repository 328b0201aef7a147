/**
 * Nodes that cannot read some of what others write, until they are upgraded: all invariants hold meanwhile, and everything
 * settles and is the same everywhere after. Then mistakes, each of which the checkers notice.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type * as SyncAnswerRoom from '../../src/core/replication/sync-answer.ts'
import type * as DotCloudRoom from '../../src/core/log/dot-cloud.ts'
import type * as CoverageRoom from '../../src/core/base/coverage.ts'
import { Dots } from '../../src/core/base/dots.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type * as LogRoom from '../../src/core/log/log.ts'
import type * as HeartbeatRoom from '../../src/core/liveness/heartbeat.ts'
import type * as ClaimBarrierRoom from '../../src/core/claim/claim-barrier.ts'
import type * as UnreadableRoom from '../../src/core/log/unreadable.ts'
import type { Batch, Heartbeat, Message, SyncRequest } from '../../src/core/message.ts'
import type { Member } from '../../src/core/membership/members.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, uproot } from './planting.ts'

/** `RUNS_FACTOR=10` runs ten times as many seeds of each. */
const factor = Number(process.env['RUNS_FACTOR'] ?? 1)

/** Two nodes of five cannot read two of five tasks that the others submit. */
const mixed: Partial<Scenario> = { older: 2, unreadable: 0.4, busyMs: 5000 }
const KEEP_MS = 1e9

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['some of it', 8, mixed],
  ['some of it, and everything is kept', 4, { ...mixed, retentionMs: KEEP_MS }],
  ['all of it', 4, { ...mixed, unreadable: 1 }],
  ['most of it, and are all but one', 4, { ...mixed, older: 4, unreadable: 0.8, crashes: 4 }],
  ['some of it, and lose a disk', 12, { ...mixed, disksLost: 1, crashes: 3 }],
  ['some of it, and keys', 3, { ...mixed, keyed: 0.5, retentionMs: KEEP_MS }],
  ['some of it, and cuts', 4, { ...mixed, partitions: 2 }]
]

/** Each tried once more what had failed, after it had passed the write that says so and could not read it. */
const failureUnread = [262, 505, 529, 557]

/** The same in every run. */
const NONE = new Dots()

function withoutUnread<T extends object>(of: T): T {
  return { ...of, unreadable: NONE }
}

const rooms = {
  syncAnswer: '../../src/core/replication/sync-answer.ts',
  dotCloud: '../../src/core/log/dot-cloud.ts',
  coverage: '../../src/core/base/coverage.ts',
  log: '../../src/core/log/log.ts',
  heartbeat: '../../src/core/liveness/heartbeat.ts',
  claimBarrier: '../../src/core/claim/claim-barrier.ts',
  unreadable: '../../src/core/log/unreadable.ts'
}

afterEach(uproot)

describe('nodes that cannot read', () => {
  test.each(scenarios)('%s, and are upgraded', (_, runs, scenario) => {
    for (let seed = 1; seed <= runs * factor; seed++) {
      expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
    }
  })
})

test.each(failureUnread)(
  'who could not read that a task has failed may try it again: seed %i',
  seed => {
    const [, , most] = scenarios.find(([name]) => name.startsWith('most of it'))!
    expect(failureOf(simulate(seed, most))).toBeNull()
  }
)

describe('the simulator reports', () => {
  test('what could not be read and counts as covered when it comes to forgetting', async () => {
    plant<typeof CoverageRoom>(rooms.coverage, ({ commonTo }) => ({
      commonTo: all => commonTo(all.map(withoutUnread))
    }))
    expect(await brokenBy(mixed, 30)).toMatch(/^invariant 10:.* could not read/)
  })

  test('a reclaim that is confirmed by who could not read it', async () => {
    plant<typeof ClaimBarrierRoom>(rooms.claimBarrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override confirm(
          self: Parameters<typeof ClaimBarrier.prototype.confirm>[0],
          alive: readonly Member[],
          merged: (origin: string) => number,
          all: readonly Member[] = alive,
          ask?: (node: string) => void
        ): readonly Entry[] {
          const [these, those] = [alive.map(withoutUnread), all.map(withoutUnread)]
          return super.confirm(withoutUnread(self), these, merged, those, ask)
        }
      }
    }))
    expect(await brokenBy({ ...mixed, older: 3, crashes: 6 }, 60)).toMatch(
      /^invariant 3:.* could not read/
    )
  })

  test('an answer that names as forgotten what it could not read', async () => {
    plant<typeof SyncAnswerRoom>(rooms.syncAnswer, ({ answerSync }) => ({
      *answerSync(log: LogRoom.Log, request: SyncRequest): Generator<Message> {
        for (const message of answerSync(log, request)) {
          if (message.kind !== 'forgotten') yield message
          else yield { ...message, spans: [...message.spans, ...log.unreadable.all()] }
        }
      }
    }))
    expect(await brokenBy(mixed, 30)).toMatch(/^invariant 10:.* names write/)
  })

  test('what could not be read and is taken for forgotten', async () => {
    plant<typeof DotCloudRoom>(rooms.dotCloud, ({ DotCloud }) => ({
      DotCloud: class extends DotCloud {
        override names(): boolean {
          return true
        }
      }
    }))
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override merge(batch: Batch): LogRoom.Merged {
          const writes = batch.writes.map(write => Math.max(write, -1))
          return super.merge({ ...batch, writes })
        }
      }
    }))
    expect(await brokenBy(mixed, 30)).toMatch(/^invariant (1|2|10):/)
  })

  test('a heartbeat that says nothing of what its node could not read', async () => {
    plant<typeof HeartbeatRoom>(rooms.heartbeat, ({ Heartbeats }) => ({
      Heartbeats: class extends Heartbeats {
        override heartbeat(at: number): Heartbeat {
          const { unreadable: _, ...said } = super.heartbeat(at)
          return said
        }
      }
    }))
    expect(await brokenBy(mixed, 30)).toMatch(/^invariant (3|10):/)
  })

  test('an upgraded node that does not ask again', async () => {
    plant<typeof UnreadableRoom>(rooms.unreadable, ({ Unreadable }) => ({
      Unreadable: class extends Unreadable {
        override again(): never[] {
          return []
        }
      }
    }))
    expect(await brokenBy(mixed, 10)).toMatch(/^invariant 1:.* has never read/)
  })
})
