/**
 * Mistakes in what is kept, shown and forgotten: each is planted in one room of the core, and the simulator has to find
 * it. Those in who may do what are in mutations.test.ts.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as AntiEntropyRoom from '../../src/core/replication/anti-entropy.ts'
import type { Context } from '../../src/core/context.ts'
import type * as SyncAnswerRoom from '../../src/core/replication/sync-answer.ts'
import type * as AckWaitRoom from '../../src/core/replication/ack-wait.ts'
import type { Disks } from '../../src/core/replication/disks.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type * as LogRoom from '../../src/core/log/log.ts'
import type * as OriginsRoom from '../../src/core/log/origins.ts'
import type * as KeyTombstonesRoom from '../../src/core/gc/key-tombstones.ts'
import type * as MembersRoom from '../../src/core/membership/members.ts'
import type { Member } from '../../src/core/membership/members.ts'
import type { Batch, Forgotten, Message, SyncRequest } from '../../src/core/message.ts'
import type * as PruningRoom from '../../src/core/gc/pruning.ts'
import { isSettled, type Dot } from '../../src/core/task/record.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import type * as Schedules from '../support/schedules.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, plantEarlyFlush, uproot } from './planting.ts'
import { repeating } from './support/times.ts'

const rooms = {
  syncAnswer: '../../src/core/replication/sync-answer.ts',
  antiEntropy: '../../src/core/replication/anti-entropy.ts',
  ackWait: '../../src/core/replication/ack-wait.ts',
  log: '../../src/core/log/log.ts',
  members: '../../src/core/membership/members.ts',
  origins: '../../src/core/log/origins.ts',
  pruning: '../../src/core/gc/pruning.ts',
  keyTombstones: '../../src/core/gc/key-tombstones.ts'
}

/** Everything is on the move, and forgotten at once. */
const restless: Partial<Scenario> = {
  crashes: 6,
  tasks: 80,
  retentionMs: 0,
  network: { ...SCENARIO_DEFAULTS.network, gossipLoss: 0.6, linkBreak: 0.05 }
}

/** Every task has a key that all are given at once, and somebody dies with it all the time. */
const keysOfTheDead: Partial<Scenario> = {
  nodes: 3,
  tasks: 15,
  keyed: 1,
  crashes: 6,
  leaving: 0,
  late: 0,
  dependent: 0,
  retentionMs: 0
}

type Schedule = Exclude<keyof typeof Schedules, 'forgetsAlone'>

afterEach(uproot)

/**
 * Seeds with which a task was run anew, or was not the same everywhere, when it went as soon as all who lived had it.
 */
test.each([20, 23, 52, 53])(
  'a key lives as long as somebody may come back with it, seed %i',
  seed => {
    expect(failureOf(simulate(seed, keysOfTheDead))).toBeNull()
  }
)

describe('the simulator reports', () => {
  test('a flush that counts before it is on disk: what was acknowledged is lost', async () => {
    plantEarlyFlush()
    expect(await brokenBy({ crashAll: true, diskMsMax: 300, retentionMs: 1e9 }, 30)).toMatch(
      /^invariant \d+:/
    )
  })

  test('a copy that counts before another has it: what was acknowledged goes with one disk', async () => {
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
    expect(await brokenBy({ disksLost: 2, crashes: 4, retentionMs: 1e9 }, 60)).toMatch(
      /^invariant (2:.* lost|19:.* on 0 other disks)/
    )
  })

  test('a node that forgets without asking what the others have', async () => {
    plant<typeof PruningRoom>(rooms.pruning, ({ Pruning }) => ({
      Pruning: class extends Pruning {
        readonly #settled = new Set<Entry>()
        override update(entry: Entry): void {
          super.update(entry)
          if (isSettled(entry.record)) this.#settled.add(entry)
        }
        override due(): Entry[] {
          const due = [...this.#settled].filter(({ reported }) => reported)
          for (const entry of due) this.#settled.delete(entry)
          return due
        }
      }
    }))
    // What is forgotten counts as over for everybody who hears of it: the harm is in failures that are none, of tasks that start.
    expect(await brokenBy({ ...restless, failing: 0.5, dependent: 0 }, 200, 481)).toMatch(
      /^invariant (4|10):/
    )
  }, 60_000)

  test('a replica that takes in again what it has forgotten', async () => {
    plant<typeof OriginsRoom>(rooms.origins, ({ Origins }) => ({
      Origins: class extends Origins {
        override hasSeen(): boolean {
          return false
        }
      }
    }))
    // Cut off, a node keeps tasks as open that the others have long forgotten: others idle beside them, or differ to the end.
    const cutOff = { busyMs: 6000, partitions: 6, unreachableMs: 600, retentionMs: 0 }
    expect(await brokenBy(cutOff, 40, 59)).toMatch(/^invariant (0|1|2|11):/)
  }, 60_000)

  test('a key that goes although one who died may come back with it: its task runs again', async () => {
    plant<typeof MembersRoom>(rooms.members, ({ Members }) => ({
      Members: class extends Members {
        override notLeft(): Member[] {
          return this.notEnded()
        }
      }
    }))
    expect(await brokenBy(keysOfTheDead, 150)).toMatch(/^invariant (1|3|10|18):/)
  })

  test('a key that is forgotten together with its task: submitted again, it runs again', async () => {
    plant<typeof KeyTombstonesRoom>(rooms.keyTombstones, ({ KeyTombstones }) => ({
      KeyTombstones: class extends KeyTombstones {
        override note(): void {}
      }
    }))
    expect(await brokenBy(repeating)).toMatch(/^invariant (3|10):/)
  })

  /** Whether a schedule that dice hardly ever throw goes wrong. */
  async function goesWrong(schedule: Schedule): Promise<boolean> {
    vi.resetModules()
    const schedules = await import('../support/schedules.ts')
    return schedules[schedule]()
  }

  test('nothing on the directed schedules, without a mistake', async () => {
    expect(await goesWrong('forgetsUncovered')).toBe(false)
    expect(await goesWrong('keepsWhatNobodyCovers')).toBe(false)
    expect(await goesWrong('coversAnEndUnheard')).toBe(false)
  })

  test('a node that forgets what its own vector does not cover', async () => {
    plant<typeof PruningRoom>(rooms.pruning, ({ Pruning }) => ({
      Pruning: class extends Pruning {
        readonly #context: Context
        readonly #settled = new Set<Entry>()
        constructor(...given: ConstructorParameters<typeof Pruning>) {
          super(...given)
          this.#context = given[0]
        }
        override update(entry: Entry): void {
          super.update(entry)
          if (isSettled(entry.record)) this.#settled.add(entry)
        }
        override due(): Entry[] {
          const others = this.#context.members.notEnded().map(({ vector }) => vector)
          const isCovered = ({ origin, seq }: Dot): boolean =>
            others.every(vector => (vector.get(origin) ?? 0) >= seq)
          return [...this.#settled].filter(({ record }) => record.created.every(isCovered))
        }
      }
    }))
    expect(await goesWrong('forgetsUncovered')).toBe(true)
  })

  test('a replica that takes in tasks of news that do not connect', async () => {
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override merge(batch: Batch): LogRoom.Merged {
          const merged = super.merge(batch)
          if (merged.kind === 'gap') for (const record of batch.records) this.take(record)
          return merged
        }
      }
    }))
    expect(await goesWrong('keepsWhatNobodyCovers')).toBe(true)
  })

  test('a node that takes in half of what an answer names as forgotten', async () => {
    plant<typeof AntiEntropyRoom>(rooms.antiEntropy, ({ AntiEntropy }) => ({
      AntiEntropy: class extends AntiEntropy {
        override gathered(from: string, message: Forgotten): Omit<Forgotten, 'kind'> | null {
          return super.gathered(from, { ...message, more: false })
        }
      }
    }))
    expect(await goesWrong('coversAnEndUnheard')).toBe(true)
  })

  test('an answer that does not say what has been forgotten', async () => {
    plant<typeof SyncAnswerRoom>(rooms.syncAnswer, ({ answerSync }) => ({
      *answerSync(log: LogRoom.Log, request: SyncRequest): Generator<Message> {
        for (const message of answerSync(log, request)) {
          if (message.kind !== 'forgotten') yield message
        }
      }
    }))
    expect(await brokenBy(restless)).toMatch(/^invariant \d+:/)
  })
})
