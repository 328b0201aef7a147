/**
 * What a task costs those who have no part in it, that it is placed once and with a node that takes work, and that what is
 * told late is not taken for lost (invariant 16). And mistakes in that, each of which a checker notices.
 */
import { afterEach, describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import { nodeOf, type BootId } from '../../src/core/base/ids.ts'
import type * as HeartbeatRoom from '../../src/core/liveness/heartbeat.ts'
import type { Heartbeat } from '../../src/core/message.ts'
import type * as LogRoom from '../../src/core/log/log.ts'
import type { Context } from '../../src/core/context.ts'
import type * as OptionsRoom from '../../src/core/options.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type { Member } from '../../src/core/membership/member.ts'
import type { Release } from '../../src/core/pending.ts'
import type * as PruningRoom from '../../src/core/gc/pruning.ts'
import type * as AckWaitRoom from '../../src/core/replication/ack-wait.ts'
import type * as LagRoom from '../../src/core/replication/lag.ts'
import type * as PlacedAcksRoom from '../../src/core/replication/placed-acks.ts'
import type * as ReplicationRoom from '../../src/core/replication/replication.ts'
import type * as PlacementRoom from '../../src/core/steal/placement.ts'
import type * as WorkStealingRoom from '../../src/core/steal/work-stealing.ts'
import { isSettled, type TaskRecord } from '../../src/core/task/record.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, plantEarlyFlush, plantUnwrittenTaking, uproot } from './planting.ts'

const rooms = {
  ackWait: '../../src/core/replication/ack-wait.ts',
  heartbeat: '../../src/core/liveness/heartbeat.ts',
  lag: '../../src/core/replication/lag.ts',
  log: '../../src/core/log/log.ts',
  options: '../../src/core/options.ts',
  placedAcks: '../../src/core/replication/placed-acks.ts',
  placement: '../../src/core/steal/placement.ts',
  pruning: '../../src/core/gc/pruning.ts',
  replication: '../../src/core/replication/replication.ts',
  workStealing: '../../src/core/steal/work-stealing.ts'
}

/** Tasks come one by one to a node that runs nothing, and nothing goes wrong. */
const oneByOne: Partial<Scenario> = {
  nodes: 6,
  computers: 3,
  tasks: 50,
  arrival: 'one-by-one',
  dependent: 0,
  failing: 0,
  late: 0,
  leaving: 0,
  crashes: 0,
  runMsMax: 20,
  retentionMs: 1e9,
  network: {
    ...SCENARIO_DEFAULTS.network,
    gossipLoss: 0,
    gossipRepeat: 0,
    linkBreak: 0,
    syncBreak: 0,
    delayMsMax: 5
  }
}
/** They come to it all at once, and are given away as slots come free; much goes wrong. */
const atOnce: Partial<Scenario> = {
  nodes: 5,
  computers: 2,
  arrival: 'at-once',
  busyMs: 8000,
  crashes: 0,
  leaving: 0,
  late: 0
}
/** Nodes that stop taking work and begin again. */
const unwilling: Partial<Scenario> = { nodes: 6, drains: 4, fullDisks: 8, busyMs: 6000, tasks: 120 }
/** The node goes for good, with its disk, when it has just told a caller that the first task is accepted. */
const orphaned: Partial<Scenario> = {
  ...atOnce,
  nodes: 6,
  computers: 6,
  arrival: 'one-by-one',
  tasks: 3,
  dependent: 0,
  computersGone: 1,
  busyMs: 2200
}

const scenarios: readonly [string, number, Partial<Scenario>][] = [
  ['tasks that come one by one', 3, oneByOne],
  ['the same, on two nodes', 3, { ...oneByOne, nodes: 2, computers: 2 }],
  ['the same, on twelve nodes', 2, { ...oneByOne, nodes: 12, computers: 12 }],
  ['tasks that come all at once', 4, atOnce],
  ['the same, and crashes', 6, { ...atOnce, crashes: 5 }],
  ['the same, and disks that are lost', 6, { ...atOnce, crashes: 4, disksLost: 2 }],
  ['the same, under keys', 4, { ...atOnce, keyed: 0.5, crashes: 3 }],
  ['the same, at most once', 4, { ...atOnce, once: 0.5, crashes: 3 }],
  ['the same, with blobs', 4, { ...atOnce, blobs: 0.5, crashes: 3 }],
  ['nodes that drain and disks that are full', 6, unwilling],
  ['a submitter that is gone for good when it has told of its first task', 10, orphaned]
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
  test('a node that places nothing: all others ask for each task', async () => {
    plant<typeof PlacementRoom>(rooms.placement, ({ Placement }) => ({
      Placement: class extends Placement {
        override memberFor(): undefined {
          return undefined
        }
      }
    }))
    expect(await brokenBy(oneByOne, 1)).toMatch(/^invariant 16: a task costs/)
  })

  test('news that are told to all as soon as they are on disk', async () => {
    plant<typeof OptionsRoom>(rooms.options, ({ CORE_DEFAULTS }) => ({
      CORE_DEFAULTS: { ...CORE_DEFAULTS, gatherMs: 0, gatherBusyMs: 0, gatherWorkMs: 0 }
    }))
    expect(await brokenBy(oneByOne, 1)).toMatch(/^invariant 16:/)
  })

  test('late news that are taken for lost ones', async () => {
    plant<typeof LagRoom>(rooms.lag, ({ Lag }) => ({
      Lag: class extends Lag {
        constructor() {
          super(0)
        }
      }
    }))
    expect(await brokenBy({ ...oneByOne, tasks: 300 }, 1)).toMatch(/^invariant 16: .* only late/)
  })

  test('news that are later than others wait for', async () => {
    plant<typeof OptionsRoom>(rooms.options, ({ CORE_DEFAULTS }) => ({
      CORE_DEFAULTS: { ...CORE_DEFAULTS, gatherMs: 1500, gatherBusyMs: 1500 }
    }))
    expect(await brokenBy(oneByOne, 1)).toMatch(/^invariant 16: .* only late/)
  })

  test('a task that is placed twice', async () => {
    plant<typeof WorkStealingRoom>(rooms.workStealing, ({ WorkStealing }) => ({
      WorkStealing: class extends WorkStealing {
        readonly #context: Context
        constructor(...given: ConstructorParameters<typeof WorkStealing>) {
          super(...given)
          this.#context = given[0]
        }
        override sendGranted(
          ...[due]: Parameters<WorkStealingRoom.WorkStealing['sendGranted']>
        ): void {
          super.sendGranted(due)
          const { self, log, members, emit } = this.#context
          const other = members.linked().find(({ node }) => node !== due.to)
          if (other === undefined) return
          const holder = other.heartbeat.boot
          const records = due.taskIds.flatMap((id): TaskRecord[] => {
            const record = log.get(id)?.durable ?? null
            return record === null ? [] : [{ ...record, claim: { ...record.claim, holder } }]
          })
          const grant = {
            kind: 'grant',
            request: 0,
            boot: self,
            records,
            dependencies: []
          } as const
          emit({ kind: 'send', to: other.node, message: grant })
        }
      }
    }))
    expect(await brokenBy(oneByOne, 1)).toMatch(/^invariant (3|16):/)
  })

  test('a task that is placed with a node that takes none', async () => {
    plant<typeof PlacementRoom>(rooms.placement, ({ Placement }) => ({
      Placement: class extends Placement {
        override roomsOf(
          ...[members]: Parameters<PlacementRoom.Placement['roomsOf']>
        ): ReturnType<PlacementRoom.Placement['roomsOf']> {
          const rooms: ReturnType<PlacementRoom.Placement['roomsOf']> = new Map()
          for (const member of members) {
            const { paused: _, ...heartbeat } = member.heartbeat
            const willing = { ...member, heartbeat: { ...heartbeat, draining: false } }
            for (const room of super.roomsOf([willing]).values()) rooms.set(member, room)
          }
          return rooms
        }
      }
    }))
    expect(await brokenBy(unwilling, 20)).toMatch(/^invariant 16: .* which (drains|is paused)/)
  })

  test('a copy that is counted twice', async () => {
    plant<typeof PlacedAcksRoom>(rooms.placedAcks, ({ PlacedAcks }) => ({
      PlacedAcks: class extends PlacedAcks {
        override releaseDue(
          ...[now, origin, view, release]: Parameters<PlacedAcksRoom.PlacedAcks['releaseDue']>
        ): boolean {
          const twice: typeof view.disks = writes => {
            const disks = view.disks(writes)
            return { copies: disks.copies + 1, isApart: true }
          }
          return super.releaseDue(now, origin, { ...view, disks: twice }, release)
        }
      }
    }))
    expect(await brokenBy(oneByOne, 1)).toMatch(/^invariant (19|22):/)
  })

  test('a copy that is counted on the same computer', async () => {
    plant<typeof ReplicationRoom>(rooms.replication, () => ({ isAway: () => true }))
    plant<typeof AckWaitRoom>(rooms.ackWait, ({ judgementOf }) => ({
      judgementOf: (disks, ...given) => judgementOf({ ...disks, isApart: true }, ...given)
    }))
    expect(await brokenBy({ ...oneByOne, nodes: 4, computers: 2 }, 5)).toMatch(/^invariant 22:/)
  })

  test('a task that is taken in outside the log, and written into no notebook', async () => {
    plantUnwrittenTaking()
    expect(await brokenBy(atOnce)).toMatch(/^invariant 16: .* notebook/)
  })

  test('a write that created a task, and that nobody has, for which the task is kept for ever', async () => {
    plant<typeof PruningRoom>(rooms.pruning, ({ Pruning }) => ({
      Pruning: class extends Pruning {
        readonly #context: Context
        constructor(...given: ConstructorParameters<typeof Pruning>) {
          super(...given)
          this.#context = given[0]
        }
        override due(): Entry[] {
          const { origins } = this.#context.log
          return super
            .due()
            .filter(({ record }) => record.created.every(dot => origins.hasMerged(dot)))
        }
      }
    }))
    expect(await brokenBy(orphaned, 20)).toMatch(/^invariant 10:/)
  })

  test('an outcome that is reported, and vouched for in no notebook', async () => {
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override write(...[entry, patch, isCounted]: Parameters<LogRoom.Log['write']>): void {
          const isVouching = entry.record.outcome !== null && Object.keys(patch).length === 0
          if (!isVouching) super.write(entry, patch, isCounted)
        }
      }
    }))
    expect(await brokenBy({ ...oneByOne, nodes: 3, computers: 2, arrival: 'at-once' })).toMatch(
      /^invariant 22:/
    )
  })

  test('late news of a boot that has crashed, of which its node tells nobody when it is back', async () => {
    plant<typeof HeartbeatRoom>(rooms.heartbeat, ({ Heartbeats }) => ({
      Heartbeats: class extends Heartbeats {
        override heartbeat(at: number): Heartbeat {
          const heartbeat = super.heartbeat(at)
          const isTold = ([boot]: readonly [string, number]): boolean =>
            boot === heartbeat.boot || nodeOf(boot) !== nodeOf(heartbeat.boot)
          return { ...heartbeat, vector: new Map([...heartbeat.vector].filter(isTold)) }
        }
      }
    }))
    expect(await brokenBy({ ...atOnce, crashes: 6 }, 20)).toMatch(/^invariant (1|2|10|11):/)
  })

  test('a task that is told before it is on disk', async () => {
    plantEarlyFlush()
    expect(await brokenBy(oneByOne, 1)).toMatch(/^invariant 16: .* not on its disk/)
  })

  test('what a node was given is taken back from it although it has said that it has it', async () => {
    plant<typeof PlacementRoom>(rooms.placement, ({ Placement }) => ({
      Placement: class extends Placement {
        readonly #all: Readonly<{ entry: Entry; boot: BootId }>[] = []
        override placed(entry: Entry, member: Member): void {
          super.placed(entry, member)
          this.#all.push({ entry, boot: member.heartbeat.boot })
        }
        override unacknowledged(isOutOfReach: (boot: BootId) => boolean): Entry[] {
          const held = this.#all.filter(({ entry: { record, removed }, boot }) => {
            return !removed && !isSettled(record) && record.claim.holder === boot
          })
          return held.flatMap(({ entry, boot }) => (isOutOfReach(boot) ? [entry] : []))
        }
      }
    }))
    const cut = { partitions: 2, healMsMax: 2500, unreachableMs: 600, busyMs: 6000, crashes: 0 }
    const work = { types: ['red'], runMsMax: 1500, tasks: 60, dependent: 0 }
    expect(await brokenBy({ ...cut, ...work, nodes: 8, late: 0, leaving: 0 }, 20)).toMatch(
      /^invariant 6:/
    )
  })

  test('the copy of the node that was given a task counts before its disk has it', async () => {
    plant<typeof PlacedAcksRoom>(rooms.placedAcks, ({ PlacedAcks }) => ({
      PlacedAcks: class extends PlacedAcks {
        override releaseDue(
          now: number,
          origin: BootId,
          view: PlacedAcksRoom.PlacedView,
          release: Release
        ): boolean {
          const there = { ...view, disks: () => ({ copies: 1, isApart: true }) }
          return super.releaseDue(now, origin, there, release)
        }
      }
    }))
    expect(await brokenBy({ types: ['red'], diskMsMax: 100 }, 20)).toMatch(
      /^invariant 19:.* other disks, not on/
    )
  })
})
