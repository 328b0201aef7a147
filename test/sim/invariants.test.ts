/**
 * What the rooms of the core say of themselves, after each step of simulated nodes: it holds where everything happens
 * that a room keeps something of, and no room is passed over.
 */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { Boots } from '../../src/core/base/boots.ts'
import { Dots } from '../../src/core/base/dots.ts'
import { BlobReplication } from '../../src/core/blobs/blob-replication.ts'
import { Pins } from '../../src/core/blobs/pins.ts'
import { ProvisionalBlobs } from '../../src/core/blobs/provisional.ts'
import { References } from '../../src/core/blobs/references.ts'
import { ClaimBarrier } from '../../src/core/claim/claim-barrier.ts'
import { Estate } from '../../src/core/claim/estate.ts'
import { Holdings } from '../../src/core/claim/holdings.ts'
import { StartBarrier } from '../../src/core/claim/start-barrier.ts'
import { KeyTombstones } from '../../src/core/gc/key-tombstones.ts'
import { Retention } from '../../src/core/gc/retention.ts'
import { SettledFloor } from '../../src/core/gc/settled-floor.ts'
import { Core } from '../../src/core/core.ts'
import type { Effect } from '../../src/core/effect.ts'
import type { Input } from '../../src/core/input.ts'
import { Waking } from '../../src/core/lifecycle/waking.ts'
import { DotCloud } from '../../src/core/log/dot-cloud.ts'
import { Flushes } from '../../src/core/log/flushes.ts'
import { OriginLog } from '../../src/core/log/origin-log.ts'
import { Spans } from '../../src/core/log/spans.ts'
import { Unreadable } from '../../src/core/log/unreadable.ts'
import { Links } from '../../src/core/membership/links.ts'
import { MemberList } from '../../src/core/membership/member-list.ts'
import { Roster } from '../../src/core/membership/roster.ts'
import { Carried } from '../../src/core/queue/carried-outcomes.ts'
import { Dependencies } from '../../src/core/queue/dependencies.ts'
import { ReadyQueue } from '../../src/core/queue/ready-queue.ts'
import { Timers } from '../../src/core/queue/timers.ts'
import { AckWait } from '../../src/core/replication/ack-wait.ts'
import { Dissemination } from '../../src/core/replication/dissemination.ts'
import { OutcomeReports } from '../../src/core/replication/reporting.ts'
import { FirstUse } from '../../src/core/scheduling/first-use.ts'
import { InputStaging } from '../../src/core/scheduling/input-staging.ts'
import { Counters } from '../../src/core/telemetry/counters.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'

const ROOMS = [
  [AckWait, BlobReplication, Boots, Carried, ClaimBarrier, Counters, Dependencies, Dissemination],
  [DotCloud, Dots, Estate, FirstUse, Flushes, Holdings, InputStaging, KeyTombstones, Links],
  [MemberList, OriginLog, OutcomeReports, Pins, ProvisionalBlobs, ReadyQueue, References],
  [Retention, Roster, SettledFloor, Spans, StartBarrier, Timers, Unreadable, Waking]
].flat()

const KEEP_MS = 1e9

const { step } = Core.prototype as unknown as { step: (now: number, input: Input) => Effect[] }
Core.prototype.step = function (this: Core, now: number, input: Input): Effect[] {
  const effects = step.call(this, now, input)
  this.assertInvariants()
  return effects
}

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['crash and come back', 2, { crashes: 6, once: 0.3, cancels: 5, expects: 2 }],
  ['crash, with blobs', 3, { crashes: 4, blobs: 0.6, uncommon: 0.3, backoffMs: 300 }],
  [
    'are cut off, and stand still',
    2,
    { partitions: 2, pauses: 3, unreachableMs: 700, busyMs: 5000 }
  ],
  ['die, and what they held is taken', 2, { tasks: 60, deaths: 2, once: 0.3, runMsMax: 1500 }],
  [
    'keep little, and take keys',
    3,
    { settledMax: 2, keyed: 0.5, again: 0.5, retentionMs: KEEP_MS }
  ],
  ['come and go', 2, { leaving: 2, late: 2, drains: 1, loads: 2, questions: 20, uncommon: 0.4 }],
  ['cannot read all', 3, { older: 2, unreadable: 0.4, busyMs: 5000, crashes: 4 }]
]

/** Rooms that have been asked. */
const asked = new Set<string>()
for (const { name, prototype } of ROOMS) {
  const { assertInvariants } = prototype as { assertInvariants: (...of: unknown[]) => void }
  Object.assign(prototype, {
    assertInvariants(this: object, ...of: unknown[]): void {
      asked.add(name)
      assertInvariants.apply(this, of)
    }
  })
}

test.each(scenarios)('nodes %s: all rooms are in step at every step', (_, runs, scenario) => {
  for (let seed = 1; seed <= runs; seed++) {
    expect.soft(failureOf(simulate(seed, scenario))).toBeNull()
  }
})

test('every room was asked', () => {
  expect(ROOMS.map(({ name }) => name).filter(name => !asked.has(name))).toEqual([])
})
