/**
 * Plants a mistake in one room of the core, and runs the simulator on it. A checker that never speaks is worth nothing,
 * so every invariant has a mistake that it is known to find.
 */
import { vi } from 'vitest'
import type * as LogRoom from '../../src/core/log/log.ts'
import type * as GroupCommitRoom from '../../src/core/replication/group-commit.ts'
import type { Scenario } from '../../src/sim/scenario.ts'

const SEEDS = 10
/** A mistake is looked for in up to 60 seeds: measured 15 s, and three times that where others work, too. */
vi.setConfig({ testTimeout: 90_000 })
const planted = new Set<string>()

/**
 * What the first seed to fail with the mistake in place reports; empty if none fails.
 *
 * @param from the first seed: what the dice throw rarely is looked for where they are known to throw it
 */
export async function brokenBy(
  scenario: Partial<Scenario> = {},
  seeds: number = SEEDS,
  from: number = 1
): Promise<string> {
  vi.resetModules()
  const { simulate } = await import('../../src/sim/simulator.ts')
  for (let seed = from; seed < from + seeds; seed++) {
    const { violation } = simulate(seed, scenario)
    if (violation !== null) return violation.message
  }
  return ''
}

/** Puts something else in place of what a module exports, until `uproot`. */
export function plant<T extends object>(path: string, mistake: (original: T) => Partial<T>): void {
  planted.add(path)
  vi.doMock(path, async importOriginal => {
    const original = await importOriginal<T>()
    return { ...original, ...mistake(original) }
  })
}

/** The core is as it was. */
export function uproot(): void {
  for (const path of planted) vi.doUnmock(path)
  planted.clear()
}

/** A flush counts before it is on disk. */
export function plantEarlyFlush(): void {
  plant<typeof GroupCommitRoom>('../../src/core/replication/group-commit.ts', room => ({
    GroupCommit: class extends room.GroupCommit {
      readonly #log: LogRoom.Log
      #told = 0
      constructor(...given: ConstructorParameters<typeof room.GroupCommit>) {
        super(...given)
        this.#log = given[0].log
      }
      override flush(...after: Parameters<GroupCommitRoom.GroupCommit['flush']>): void {
        const before = this.#log.isFlushing
        super.flush(...after)
        if (!before && this.#log.isFlushing) this.persisted(this.#log.flushWithAll)
      }
      override persisted(number: number): void {
        if (number <= this.#told) return
        this.#told = number
        super.persisted(number)
      }
    }
  }))
}

/** What is taken in outside the log is written into no notebook. */
export function plantUnwrittenTaking(): void {
  plant<typeof LogRoom>('../../src/core/log/log.ts', ({ Log }) => ({
    Log: class extends Log {
      #isTaking = false
      override take(...[record]: Parameters<LogRoom.Log['take']>): ReturnType<LogRoom.Log['take']> {
        this.#isTaking = true
        const entry = super.take(record)
        this.#isTaking = false
        return entry
      }
      override write(...args: Parameters<LogRoom.Log['write']>): void {
        if (!this.#isTaking) super.write(...args)
      }
    }
  }))
}
