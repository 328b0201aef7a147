/**
 * The checks can fail. Each test plants one mistake in one room of the core, runs the simulator on it, and expects the
 * invariant that this mistake breaks. A checker that never speaks is worth nothing.
 *
 * The mistakes of the design's model, by the names that they have there, and where each is planted here or, with an (f),
 * in forgetting.test.ts. What the dice throw too rarely is caught by a directed schedule instead, marked with an (s).
 *
 *     reuse-seq             a boot that goes on where the one before it stopped
 *     holder-without-boot   a holder that is a node, not a boot
 *     merge-past-gap        (f) (s) a replica that takes in tasks of news that do not connect
 *     ignore-gaps           a merge past a gap
 *     advance-before-merge  a vector that moves before its records are merged
 *     no-causal-context     (f) a replica that takes in again what it has forgotten
 *     prune-early           (f) a node that forgets without asking what the others have
 *     prune-uncovered       (f) (s) a node that forgets what its own vector does not cover
 *     prune-apart           (f) (s) a node that takes in half of what an answer names as forgotten
 *     failed-outranks       a failure that outranks a completion
 *     no-abort              a holder that goes on with what somebody else has claimed meanwhile
 *     minority-reclaims     a minority that takes over from those who are merely silent
 *     no-confirmation-wait  a reclaim that does not wait until it is confirmed
 *     confirmed-by-any-one  (s) a reclaim that counts as confirmed as soon as any one has confirmed it
 *     weak-ack              (s) a confirmation that counts before what its author had written is merged
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as Ids from '../../src/core/base/ids.ts'
import type * as Rules from '../../src/core/claim/rules.ts'
import type * as Answer from '../../src/core/replication/sync-answer.ts'
import type * as DotCloudRoom from '../../src/core/log/dot-cloud.ts'
import type * as ReclaimOrderRoom from '../../src/core/claim/reclaim-order.ts'
import type * as ClaimBarrierRoom from '../../src/core/claim/claim-barrier.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type * as LogRoom from '../../src/core/log/log.ts'
import type * as LeaseBookRoom from '../../src/run/external/lease-book.ts'
import type { LeaseEnd } from '../../src/run/external/lease-book.ts'
import type { Batch, Heartbeat } from '../../src/core/message.ts'
import type * as DependenciesRoom from '../../src/core/queue/dependencies.ts'
import type * as Ready from '../../src/core/queue/ready-queue.ts'
import type { Member } from '../../src/core/membership/member.ts'
import type * as IsolationTimeoutRoom from '../../src/core/liveness/isolation-timeout.ts'
import type * as ClockOffsetRoom from '../../src/core/membership/clock-offset.ts'
import type * as MembersRoom from '../../src/core/membership/members.ts'
import type { Quorum } from '../../src/core/options.ts'
import type * as HeartbeatRoom from '../../src/core/liveness/heartbeat.ts'
import type * as SlotsRoom from '../../src/core/scheduling/slots.ts'
import type * as StartBarrierRoom from '../../src/core/claim/start-barrier.ts'
import type * as ThiefRoom from '../../src/core/steal/thief.ts'
import type * as RecordRoom from '../../src/core/task/record.ts'
import type * as WakingRoom from '../../src/core/lifecycle/waking.ts'
import type * as DiskRoom from '../../src/sim/world/disk.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import type { PumpNode } from '../support/pump.ts'
import { introduced, selfFenced, shifting, staggered } from './support/cuts.ts'
import { brokenBy, plant, uproot } from './planting.ts'
import { punctual } from './support/times.ts'

const rooms = {
  rules: '../../src/core/claim/rules.ts',
  startBarrier: '../../src/core/claim/start-barrier.ts',
  ids: '../../src/core/base/ids.ts',
  reclaimOrder: '../../src/core/claim/reclaim-order.ts',
  claimBarrier: '../../src/core/claim/claim-barrier.ts',
  members: '../../src/core/membership/members.ts',
  clockOffset: '../../src/core/membership/clock-offset.ts',
  isolationTimeout: '../../src/core/liveness/isolation-timeout.ts',
  waking: '../../src/core/lifecycle/waking.ts',
  heartbeat: '../../src/core/liveness/heartbeat.ts',
  record: '../../src/core/task/record.ts',
  disk: '../../src/sim/world/disk.ts',
  syncAnswer: '../../src/core/replication/sync-answer.ts',
  dotCloud: '../../src/core/log/dot-cloud.ts',
  log: '../../src/core/log/log.ts',
  dependencies: '../../src/core/queue/dependencies.ts',
  ready: '../../src/core/queue/ready-queue.ts',
  slots: '../../src/core/scheduling/slots.ts',
  thief: '../../src/core/steal/thief.ts'
}

afterEach(uproot)

/** Whatever a batch leaves out counts as forgotten. */
function plantTrust(): void {
  plant<typeof DotCloudRoom>(rooms.dotCloud, ({ DotCloud }) => ({
    DotCloud: class extends DotCloud {
      override names(): boolean {
        return true
      }
    }
  }))
}

/** Grants that die with their giver, and are running, are rare: many steals, no gossip, many crashes, torn links. */
const hasty: Partial<Scenario> = {
  nodes: 4,
  tasks: 60,
  dependent: 0,
  late: 0,
  leaving: 0,
  crashes: 6,
  network: { ...SCENARIO_DEFAULTS.network, gossipLoss: 1, linkBreak: 0.03 }
}

describe('the simulator reports', () => {
  test('nothing without a mistake', async () => {
    expect(await brokenBy()).toBe('')
  })

  test('a grant that does not raise the epoch: replicas disagree, or a task runs twice', async () => {
    plant<typeof Rules>(rooms.rules, ({ grantOf }) => ({
      grantOf: (self, record, to) => {
        const { claim } = grantOf(self, record, to)
        return { claim: { ...claim!, epoch: record.claim.epoch } }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant (1|2|3|11|16):/)
  })

  test('a start that is not written down', async () => {
    plant<typeof Rules>(rooms.rules, () => ({ startOf: () => ({}) }))
    expect(await brokenBy()).toMatch(/^invariant 4:.* without a start/)
  })

  test('an outcome that no run produced', async () => {
    plant<typeof Rules>(rooms.rules, ({ afterRun }) => ({
      afterRun: (self, record, _run, ...rest) =>
        afterRun(self, record, { status: 'completed', result: 'null' }, ...rest)
    }))
    expect(await brokenBy({ failing: 1, dependent: 0 })).toMatch(/^invariant 4:/)
  })

  test('a queue in the wrong order', async () => {
    plant<typeof Ready>(rooms.ready, ({ ReadyQueue }) => ({
      ReadyQueue: class extends ReadyQueue {
        readonly #mine = new Set<Entry>()
        readonly #holder: string
        constructor(self: string) {
          super(self)
          this.#holder = self
        }
        override update(entry: Entry, ready: boolean): void {
          super.update(entry, ready)
          if (ready && entry.record.claim.holder === this.#holder) this.#mine.add(entry)
          else this.#mine.delete(entry)
        }
        override peek(can: Ready.Can): Entry | undefined {
          return [...this.#mine]
            .filter(({ record }) => can.run({ type: record.spec.type, require: [] }))
            .sort((x, y) => x.record.spec.priority - y.record.spec.priority)[0]
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 8:/)
  })

  test('tasks that do not wait for their dependencies', async () => {
    plant<typeof DependenciesRoom>(rooms.dependencies, ({ Dependencies }) => ({
      Dependencies: class extends Dependencies {
        override ready(): boolean {
          return true
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 7:/)
  })

  test('a merge past a gap', async () => {
    plantTrust()
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override merge(batch: Batch): LogRoom.Merged {
          const upTo = this.merged(batch.origin)
          const gap = Math.max(0, batch.after - upTo)
          const writes = [...Array.from({ length: gap }, () => -1), ...batch.writes]
          return super.merge({ ...batch, after: batch.after - gap, writes })
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 1:/)
  })

  test('news of a task that has not come yet, passed over', async () => {
    plantTrust()
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override merge(batch: Batch): LogRoom.Merged {
          const known = (batch.changes ?? []).filter(
            ({ task }) => this.origins.writtenBy(task.origin, task.seq) !== null
          )
          const writes = batch.writes.map(place => {
            if (place < batch.records.length) return place
            const at = known.indexOf(batch.changes![place - batch.records.length]!)
            return at < 0 ? -1 : batch.records.length + at
          })
          return super.merge({ ...batch, changes: known, writes })
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 1:/)
  })

  test('a vector that moves before its records are merged', async () => {
    plantTrust()
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override merge(batch: Batch): LogRoom.Merged {
          const moved = super.merge({ ...batch, records: [], writes: batch.writes.map(() => -1) })
          if (moved.kind !== 'merged') return moved
          const changed = batch.records.map(record => this.take(record))
          return { ...moved, changed: changed.filter(entry => entry !== undefined) }
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 1:/)
  })

  test('a sync that brings nothing: what gossip lost is never caught up with', async () => {
    plant<typeof Answer>(rooms.syncAnswer, () => ({ *answerSync() {} }))
    expect(await brokenBy({ failing: 0 })).toMatch(/^invariant (1|2|11):/)
  })

  test('a start that keeps its slot until somebody knows of it: what is behind it waits for who is away', async () => {
    plant<typeof StartBarrierRoom>(rooms.startBarrier, ({ StartBarrier }) => ({
      StartBarrier: class extends StartBarrier {
        override releaseLate(): void {}
      }
    }))
    const one = { nodes: 2, tasks: 30, once: 0.3, crashes: 0, leaving: 0, late: 0 }
    const away = { pauses: 3, unreachableMs: 3500, busyMs: 16_000 }
    expect(await brokenBy({ ...one, ...away }, 20)).toMatch(/^invariant 11:/)
  })

  test('a thief that never asks: it idles beside ready tasks', async () => {
    plant<typeof ThiefRoom>(rooms.thief, ({ Thief }) => ({
      Thief: class extends Thief {
        override ask(): null {
          return null
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 11:/)
  })

  test('a holder that starts what it has granted away', async () => {
    plant<typeof Rules>(rooms.rules, ({ holds }) => ({
      holds: (self, record) => holds(self, record) || record.spec.submittedBy === self
    }))
    expect(await brokenBy()).toMatch(/^invariant (3|5|6|0: AssertionError: does not hold):/)
  })

  test('a reclaim that does not raise the epoch', async () => {
    plant<typeof Rules>(rooms.rules, ({ reclaimOf }) => ({
      reclaimOf: (self, record) => {
        const { claim } = reclaimOf(self, record)
        return { claim: { ...claim!, epoch: record.claim.epoch } }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant (0|1|2|3|5|10|11):/)
  })

  test('a holder that is a node, not a boot: nobody takes what the boot before it held', async () => {
    plant<typeof MembersRoom>(rooms.members, ({ Members }) => ({
      Members: class extends Members {
        readonly #node: string
        constructor(self: string, options: ConstructorParameters<typeof Members>[1]) {
          super(self, options)
          this.#node = self.split('/')[0]!
        }
        override isGone(boot: string): boolean {
          const node = boot.split('/')[0]!
          if (node === this.#node) return false
          const member = this.get(node)
          return member !== undefined && (member.departure !== null || member.crashed)
        }
      }
    }))
    expect(await brokenBy({ nodes: 2, late: 0, leaving: 0, crashAll: true })).toMatch(
      /^invariant 2:/
    )
  })

  test('a boot that goes on where the one before it stopped: numbers of writes come twice', async () => {
    plant<typeof Ids>(rooms.ids, ({ bootId }) => ({
      bootId: node => bootId(node, 1_800_000_000_000_000, 0)
    }))
    expect(await brokenBy({}, 20)).toMatch(/^invariant \d+:/)
  })

  test('a verdict without evidence: whoever is not linked counts as crashed', async () => {
    plant<typeof MembersRoom>(rooms.members, ({ Members }) => ({
      Members: class extends Members {
        override isGone(boot: string): boolean {
          const node = boot.split('/')[0]!
          return super.isGone(boot) || (this.get(node) !== undefined && !this.isLinked(node))
        }
      }
    }))
    expect(await brokenBy({ partitions: 2 })).toMatch(/^invariant 6:/)
  })

  test('a minority that takes over from those who are merely silent', async () => {
    plant<typeof MembersRoom>(rooms.members, ({ Members }) => ({
      Members: class extends Members {
        override hasQuorum(): boolean {
          return true
        }
      }
    }))
    expect(await brokenBy({ busyMs: 6000, partitions: 3, unreachableMs: 600 })).toMatch(
      /^invariant 6:/
    )
  })

  test('a minority that counts those it has not missed yet', async () => {
    plant<typeof MembersRoom>(rooms.members, ({ Members }) => ({
      Members: class extends Members {
        override hasQuorum(now: number, quorum: Quorum): boolean {
          return super.hasQuorum(now, quorum)
        }
      }
    }))
    expect(await brokenBy(staggered, 100)).toMatch(/^invariant 6:.* smaller side/)
  })

  test('a node that tells nobody whom it has met: two who both knew it run what it held', async () => {
    plant<typeof HeartbeatRoom>(rooms.heartbeat, ({ Heartbeats }) => ({
      Heartbeats: class extends Heartbeats {
        override stamped(): Heartbeat {
          return { ...super.stamped(), met: [] }
        }
        override greeting(): Heartbeat {
          return this.stamped()
        }
      }
    }))
    expect(await brokenBy({ ...introduced, crashes: 24 }, 40, 140)).toMatch(/^invariant 3:/)
  })

  test('a majority that takes over what one who ends its work alone has not ended yet', async () => {
    plant<typeof IsolationTimeoutRoom>(rooms.isolationTimeout, () => ({ awaitedMs: () => 0 }))
    const slow = { ...selfFenced, stopAfterIsolatedMs: 9000 }
    expect(await brokenBy(slow, 40)).toMatch(/^invariant 15:/)
  })

  test('a node that goes on with its work, however long it is alone', async () => {
    plant<typeof IsolationTimeoutRoom>(rooms.isolationTimeout, () => ({
      worksAloneMs: () => Infinity
    }))
    expect(await brokenBy(selfFenced, 40, 25)).toMatch(/^invariant 15:/)
  })

  test('a node that tells nobody who is waited for, and so may work alone: a new majority runs what it runs', async () => {
    plant<typeof HeartbeatRoom>(rooms.heartbeat, ({ Heartbeats }) => ({
      Heartbeats: class extends Heartbeats {
        override greeting(): Heartbeat {
          return { ...super.greeting(), met: [] }
        }
      }
    }))
    expect(await brokenBy(shifting, 40)).toMatch(/^invariant 15:/)
  })

  test('a task that may run at most once and is taken over like any other', async () => {
    plant<typeof Rules>(rooms.rules, () => ({ isLost: () => false }))
    expect(await brokenBy({ once: 1, crashes: 6, leaving: 0 }, 30)).toMatch(/^invariant 9:/)
  })

  test('a reclaim that does not wait until it is confirmed', async () => {
    plant<typeof ClaimBarrierRoom>(rooms.claimBarrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override isUnconfirmed(): boolean {
          return false
        }
      }
    }))
    expect(await brokenBy(hasty, 300)).toMatch(/^invariant (3|18):/)
  })

  /** Whether a task runs twice at once on the schedule behind the wait, which dice hardly ever throw. */
  async function runsBesideItself(): Promise<boolean> {
    vi.resetModules()
    const crashes = await import('../support/crashes.ts')
    const { pump, b, others, taskId } = crashes.hiddenGrant()
    crashes.passing(pump, 5000)
    const again = others.some(node => crashes.starts(node, taskId).length > 0)
    return again && b.running.has(taskId)
  }

  test('nothing on the schedule of a grant that died with its giver, without a mistake', async () => {
    expect(await runsBesideItself()).toBe(false)
  })

  test('a reclaim that counts as confirmed as soon as any one has confirmed it: a grant unheard of runs on', async () => {
    plant<typeof ClaimBarrierRoom>(rooms.claimBarrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override confirm(
          self: Readonly<{ boot: string; upTo: number }>,
          alive: readonly Member[],
          merged: (origin: string) => number
        ): readonly Entry[] {
          return alive.flatMap(one => super.confirm(self, [one], merged))
        }
      }
    }))
    expect(await runsBesideItself()).toBe(true)
  })

  test('a confirmation that counts before what its author had written is merged', async () => {
    plant<typeof ClaimBarrierRoom>(rooms.claimBarrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override confirm(
          self: Readonly<{ boot: string; upTo: number }>,
          alive: readonly Member[]
        ): readonly Entry[] {
          return super.confirm(self, alive, () => Number.MAX_SAFE_INTEGER)
        }
      }
    }))
    expect(await runsBesideItself()).toBe(true)
  })

  test('a line in which everybody is first and nobody waits: two run one epoch', async () => {
    plant<typeof ReclaimOrderRoom>(rooms.reclaimOrder, () => ({ rankOf: () => 0 }))
    plant<typeof ClaimBarrierRoom>(rooms.claimBarrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override isUnconfirmed(): boolean {
          return false
        }
      }
    }))
    // What was reclaimed is started only when another has the start on disk, and who hears of a better claim by then calls
    // nothing: it takes lost gossip as well, and many.
    expect(await brokenBy({ ...hasty, nodes: 6, crashes: 10 }, 60)).toMatch(/^invariant 3:/)
  })

  /** Two take over the same task, cut off from each other, and meet again. Who counts as lost with it, once it runs? */
  async function lostAfterTwoReclaims(): Promise<readonly string[]> {
    vi.resetModules()
    const { cluster, first, passing, starts } = await import('../support/crashes.ts')
    const pump = cluster(3)
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    const heir = first(taskId, [b, c])
    const other = heir === b ? c : b
    pump.link(b, c, false)
    pump.crash(a)
    heir.worker(0)
    other.worker(1)
    passing(pump, 20_000)
    // The one whose claim prevails has no slot; the other has started the same epoch.
    expect(heir.record(taskId).claim).toMatchObject({ holder: heir.boot, epoch: 1 })
    expect(starts(other, taskId)).toEqual([1])
    other.worker(0)
    pump.link(b, c)
    passing(pump, 5000)
    expect(heir.record(taskId).started).toMatchObject({ by: other.boot, epoch: 1 })
    heir.worker(1)
    passing(pump, 5000)
    expect(heir.running.has(taskId)).toBe(true)
    return heir.record(taskId).claim.lost
  }

  test('nothing when two claims of an epoch meet, and the weaker one was started, without a mistake', async () => {
    expect(await lostAfterTwoReclaims()).toEqual([])
  })

  test('a start that counts for whoever holds the epoch: one that never ran it counts as lost with it', async () => {
    plant<typeof RecordRoom>(rooms.record, () => ({
      isStarted: ({ started, claim }) => started !== null && started.epoch === claim.epoch
    }))
    expect(await lostAfterTwoReclaims()).toHaveLength(1)
  })

  test('a holder that goes on with what somebody else has claimed meanwhile', async () => {
    plant<typeof SlotsRoom>(rooms.slots, ({ Slots }) => ({
      Slots: class extends Slots {
        override leaveSuperseded(): void {}
      }
    }))
    const long = { busyMs: 6000, runMsMax: 4000, partitions: 3, unreachableMs: 600 }
    expect(await brokenBy(long)).toMatch(/^invariant 14:/)
  })

  test('a failure that outranks a completion', async () => {
    plant<typeof RecordRoom>(rooms.record, ({ join }) => ({
      join: (x, y) => {
        const failed = [x, y].find(({ outcome }) => outcome?.status === 'failed')
        const joined = join(x, y)
        if (failed === undefined || joined.outcome === failed.outcome) return joined
        return failed === x && joined === x ? x : { ...joined, outcome: failed.outcome }
      }
    }))
    expect(await brokenBy({ crashes: 8, failing: 0.5 })).toMatch(/^invariant (1|2|20):/)
  })

  test('clocks that start anew wherever the wall clock stands: old boots come after new ones', async () => {
    plant<typeof DiskRoom>(rooms.disk, ({ Disk }) => ({
      Disk: class extends Disk {
        override nextStart(now: number): number {
          return now
        }
      }
    }))
    expect(await brokenBy({ skewMsMax: 3_600_000, retentionMs: 1e9 })).toMatch(/^invariant 6:/)
  })

  test('a holder that does not care about cancellations: it starts what it knows to be cancelled', async () => {
    plant<typeof Rules>(rooms.rules, ({ verdictOf }) => ({
      verdictOf: (self, record, ...rest) =>
        verdictOf(self, { ...record, cancelRequest: null }, ...rest)
    }))
    expect(await brokenBy({ cancels: 20, tasks: 30 })).toMatch(/^invariant (13|21):.* cancelled/)
  })

  test('a deadline that nobody looks at: tasks start when it is too late', async () => {
    plant<typeof Rules>(rooms.rules, ({ verdictOf }) => ({
      verdictOf: (self, record, _now, ...rest) => verdictOf(self, record, 0, ...rest)
    }))
    expect(await brokenBy({ uncommon: 0.5, failing: 0.5 })).toMatch(/^invariant 13:.* deadline/)
  })

  test('a node that goes by its own clock, which is wrong: its stamps and its deadlines are, too', async () => {
    plant<typeof ClockOffsetRoom>(rooms.clockOffset, () => ({ correctionOf: () => 0 }))
    expect(await brokenBy(punctual)).toMatch(/^invariant 13: by the right time/)
  })

  test('a node that goes on as if it had not stood still: it starts what has completed elsewhere', async () => {
    plant<typeof WakingRoom>(rooms.waking, ({ Waking }) => ({
      Waking: class extends Waking {
        override attend(): void {}
      }
    }))
    const calm = { crashes: 0, leaving: 0, late: 0, retentionMs: 120_000 }
    const scenario = { ...calm, nodes: 3, tasks: 60, types: ['red'], runMsMax: 400, pauses: 12 }
    expect(await brokenBy({ ...scenario, unreachableMs: 600 }, 20, 261)).toMatch(
      /^invariant 3:.* wakes/
    )
  })

  test('a node that waits for ever for what it missed while it stood still: it idles beside work', async () => {
    plant<typeof WakingRoom>(rooms.waking, ({ Waking }) => ({
      Waking: class extends Waking {
        override update(): void {}
      }
    }))
    const calm = { crashes: 0, leaving: 0, late: 0, retentionMs: 120_000 }
    const scenario = { ...calm, nodes: 3, tasks: 60, types: ['red'], runMsMax: 400, pauses: 12 }
    expect(await brokenBy({ ...scenario, unreachableMs: 600 })).toMatch(/^invariant 11:/)
  })

  test('keyed tasks that are started at once: two nodes run one', async () => {
    plant<typeof ClaimBarrierRoom>(rooms.claimBarrier, ({ ClaimBarrier }) => ({
      ClaimBarrier: class extends ClaimBarrier {
        override isUnconfirmed(): boolean {
          return false
        }
      }
    }))
    const scenario = { keyed: 1, dependent: 0, crashes: 0, retentionMs: 3_600_000 }
    expect(await brokenBy(scenario)).toMatch(/^invariant 3:/)
  })

  test('a late word of a lease that was lost is taken', async () => {
    plant<typeof LeaseBookRoom>('../../src/run/external/lease-book.ts', ({ LeaseBook }) => ({
      LeaseBook: class extends LeaseBook {
        override end(id: string, end: LeaseEnd): ReturnType<LeaseBookRoom.LeaseBook['end']> {
          const answer = super.end(id, end)
          return answer === 'lost' ? 'taken' : answer
        }
      }
    }))
    expect(await brokenBy({ outside: 1 })).toMatch(/^invariant 17:/)
  })
})
