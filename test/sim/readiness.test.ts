/**
 * What keeps a task from being started is decided once: what the core says of a task is what its queue holds and what
 * it starts, and what people are told. Looked at after every step of whole histories.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as QueueRoom from '../../src/core/queue/ready-queue.ts'
import type * as TimersRoom from '../../src/core/queue/timers.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type { TaskRecord } from '../../src/core/task/record.ts'
import type * as QueriesRoom from '../../src/node/queries/queries.ts'
import type * as WhyRoom from '../../src/node/queries/why.ts'
import type { Transport } from '../../src/ports/ports.ts'
import type * as CheckersRoom from '../../src/sim/checkers/checkers.ts'
import { isAble } from '../../src/sim/predicates.ts'
import { checkScenario } from '../../src/sim/scenario-file.ts'
import type { SimNode } from '../../src/sim/world/sim-node.ts'
import { brokenBy, plant, uproot } from './planting.ts'
import { scenarioOf, seedsOf } from './support/dice.ts'

/** What keeps a task that is ready from running. */
const WHILE_READY: ReadonlySet<string | null> = new Set<WhyRoom.OpenReason>([
  'ClaimSettling',
  'DiskFull',
  'HolderDraining',
  'Isolated',
  'LabelsUnmatched',
  'NoHandler',
  'NoQuorum',
  'SlotsBusy'
])

const SETTINGS = {
  cluster: 'test',
  mdns: false,
  fingerprintOf: () => '',
  exposition: () => Promise.resolve('')
} as const

/** Of the process of a node that stands in no process of its own. */
const FACTS = {
  submitters: () => ({ waiting: 0, heldBackBy: null }),
  diskFailure: () => null,
  duplicates: () => new Map(),
  clockStep: () => null,
  loopLagMs: () => 0
} as const

const rooms = {
  checkers: '../../src/sim/checkers/checkers.ts',
  queue: '../../src/core/queue/ready-queue.ts',
  timers: '../../src/core/queue/timers.ts',
  why: '../../src/node/queries/why.ts'
}

/** Of the dice: crashes, cuts, blobs, keys, tasks that run once, people, links, clocks and disks. */
const NUMBERS = [2, 3, 7, 5, 6, 10_000, 10_001, 10_002, 20_001, 20_002, 30_000, 30_005]

/** Runs a history of the dice, and has every node looked at after each of its steps. */
async function disagreement(n: number): Promise<string> {
  vi.resetModules()
  const { Queries } = await import('../../src/node/queries/queries.ts')
  plant<typeof CheckersRoom>(rooms.checkers, ({ Checkers }) => ({
    Checkers: class extends Checkers {
      override stepped(...args: Parameters<CheckersRoom.Checkers['stepped']>): void {
        super.stepped(...args)
        if (!args[0].gone) look(args[0], Queries)
      }
    }
  }))
  const [seed] = seedsOf(n, 1)
  return brokenBy(checkScenario(scenarioOf(n).settings), 1, seed)
}

async function disagreementOfAny(): Promise<string> {
  for (const n of NUMBERS) {
    const found = await disagreement(n)
    if (found !== '') return found
  }
  return ''
}

function look(node: SimNode, Queries: typeof QueriesRoom.Queries): void {
  const { view } = node.core
  const transport = { peers: () => [] } as unknown as Transport
  const clock = { now: () => node.now, aheadMs: () => 0, every: () => () => {} }
  const queries = new Queries({
    core: view,
    ports: { transport, clock },
    settings: SETTINGS,
    progress: { of: () => null },
    processFacts: FACTS
  })
  for (const record of view.records()) {
    const { id } = record.spec
    const readiness = view.readiness(record)
    const isOwn = record.claim.holder === node.options.boot
    const isQueued = view.isReady(id)
    // Its holder, which is another node, may know better what has become of a dependency.
    const mayBeReady = !isOwn && readiness === 'DependencyOpen'
    if (isQueued !== (readiness === 'Ready') && !mayBeReady) {
      throw new Error(`${id} is ${readiness}, and ${isQueued ? 'in' : 'not in'} the queue`)
    }
    if (readiness === 'Ready' && isOwn && hasRoom(node, record)) {
      throw new Error(`${id} is ready, and is not started`)
    }
    const { reason } = queries.task(id)
    const isTold = readiness === 'Ready' ? WHILE_READY.has(reason) : reason === readiness
    if (readiness !== 'Running' && readiness !== 'Settled' && !isTold) {
      throw new Error(`${id} is ${readiness}, and ${reason} is told`)
    }
  }
}

function hasRoom(node: SimNode, { spec }: TaskRecord): boolean {
  const { draining, paused, running, slots } = node.core.view.self()
  return !draining && paused === undefined && running < slots && isAble(node, spec)
}

afterEach(uproot)

describe('what the core says of a task', () => {
  test.each(NUMBERS)('is what it does, and what people are told, by the dice: %i', async n => {
    expect(await disagreement(n)).toBe('')
  })

  test('is not what a queue holds that leaves some of it out', async () => {
    plant<typeof QueueRoom>(rooms.queue, ({ ReadyQueue }) => ({
      ReadyQueue: class extends ReadyQueue {
        override update(entry: Entry, ready: boolean): void {
          super.update(entry, ready && entry.record.claim.attempt === 1)
        }
      }
    }))
    expect(await disagreementOfAny()).toMatch(
      /is Ready, and not in the queue|what is ready here is in the queue/
    )
  })

  test('is not what a queue holds that does not hear that a time has come', async () => {
    plant<typeof TimersRoom>(rooms.timers, ({ Timers }) => ({
      Timers: class extends Timers {
        override due(): Entry[] {
          return []
        }
      }
    }))
    expect(await disagreementOfAny()).toMatch(/is Ready, and not in the queue/)
  })

  test('is not what people are told by whoever decides it once more', async () => {
    plant<typeof WhyRoom>(rooms.why, ({ reasonOf }) => ({
      reasonOf: situation =>
        situation.open.length > 0
          ? reasonOf(situation)
          : { reason: 'SlotsBusy', words: 'all nodes that could run it are busy' }
    }))
    expect(await disagreementOfAny()).toMatch(/is (Backoff|ClaimSettling), and SlotsBusy is told/)
  })
})
