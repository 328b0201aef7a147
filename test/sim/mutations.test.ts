/**
 * The checks can fail. Each test plants one mistake in one room of the core, runs the simulator on it, and expects the
 * invariant that this mistake breaks. A checker that never speaks is worth nothing.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as Rules from '../../src/core/claim/rules.ts'
import type * as Answer from '../../src/core/log/answer.ts'
import type { Entry } from '../../src/core/log/entry.ts'
import type * as LogRoom from '../../src/core/log/log.ts'
import type { Batch } from '../../src/core/message.ts'
import type * as DependenciesRoom from '../../src/core/queue/dependencies.ts'
import type * as Ready from '../../src/core/queue/ready.ts'
import type * as ThiefRoom from '../../src/core/steal/thief.ts'
import type { Scenario } from '../../src/sim/scenario.ts'

const SEEDS = 10

/** What the first seed to fail with the mistake in place reports; empty if none fails. */
async function brokenBy(scenario: Partial<Scenario> = {}): Promise<string> {
  vi.resetModules()
  const { simulate } = await import('../../src/sim/simulator.ts')
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation } = simulate(seed, scenario)
    if (violation !== null) return violation.message
  }
  return ''
}

function plant<T extends object>(path: string, mistake: (original: T) => Partial<T>): void {
  vi.doMock(path, async importOriginal => {
    const original = await importOriginal<T>()
    return { ...original, ...mistake(original) }
  })
}

const rooms = {
  rules: '../../src/core/claim/rules.ts',
  answer: '../../src/core/log/answer.ts',
  log: '../../src/core/log/log.ts',
  dependencies: '../../src/core/queue/dependencies.ts',
  ready: '../../src/core/queue/ready.ts',
  thief: '../../src/core/steal/thief.ts'
}

afterEach(() => {
  for (const path of Object.values(rooms)) vi.doUnmock(path)
})

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
    expect(await brokenBy()).toMatch(/^invariant (1|2|3|11):/)
  })

  test('a start that is not written down', async () => {
    plant<typeof Rules>(rooms.rules, () => ({ startOf: () => ({}) }))
    expect(await brokenBy()).toMatch(/^invariant 4:.* without a start/)
  })

  test('an outcome that no run produced', async () => {
    plant<typeof Rules>(rooms.rules, ({ outcomeOf }) => ({
      outcomeOf: (self, record, _run, at, durationMs) =>
        outcomeOf(self, record, { status: 'completed', result: 'null' }, at, durationMs)
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
        override peek(types: Iterable<string>): Entry | undefined {
          const asked = [...types]
          return [...this.#mine]
            .filter(({ record }) => asked.includes(record.spec.type))
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

  test('a vector that moves before its records are merged', async () => {
    plant<typeof LogRoom>(rooms.log, ({ Log }) => ({
      Log: class extends Log {
        override merge(batch: Batch): LogRoom.Merged {
          const moved = super.merge({ ...batch, records: [], writes: batch.writes.map(() => -1) })
          if (moved.kind !== 'merged') return moved
          const changed = batch.records.map(record => this.take(record))
          return { kind: 'merged', changed: changed.filter(entry => entry !== undefined) }
        }
      }
    }))
    expect(await brokenBy()).toMatch(/^invariant 1:/)
  })

  test('a sync that brings nothing: what gossip lost is never caught up with', async () => {
    plant<typeof Answer>(rooms.answer, () => ({ *answerSync() {} }))
    expect(await brokenBy({ failing: 0 })).toMatch(/^invariant (1|2|11):/)
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
    expect(await brokenBy()).toMatch(/^invariant (3|5|0: AssertionError: does not hold):/)
  })
})
