/**
 * Plants a mistake in one room of the core, and runs the simulator on it. A checker that never speaks is worth nothing,
 * so every invariant has a mistake that it is known to find.
 */
import { vi } from 'vitest'
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
