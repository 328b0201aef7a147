/**
 * Many seeds of the default scenario. `RUNS=5000` runs more of them; `SEED=7` runs that one and prints its transcript.
 */
import { describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { Violation } from '../../src/sim/violation.ts'
import { failureOf } from './support/failure.ts'

/** Measured: 40 to 80 ms each, on one of the cores of a small server. */
const RUNS_DEFAULT = 150
const TEST_MS_MAX = 3_600_000

const seed = process.env['SEED']
const runs = Number(process.env['RUNS'] ?? RUNS_DEFAULT)

/** Every other seed keeps what has settled to the end, so that all replicas of it are compared. */
function keeping(of: number): Partial<Scenario> {
  return of % 2 === 0 ? { retentionMs: 1e9 } : {}
}

function keepsInvariants(): void {
  let settled = 0
  for (let next = 1; next <= runs; next++) {
    const report = simulate(next, keeping(next))
    expect.soft(failureOf(report)).toBeNull()
    settled += report.settled
  }
  expect(settled).toBeGreaterThan(runs * 30)
}

function replays(only: number): void {
  const report = simulate(only, keeping(only))
  console.log(report.transcript.join('\n'))
  expect(failureOf(report)).toBeNull()
}

if (seed === undefined) test('every seed keeps all invariants', keepsInvariants, TEST_MS_MAX)
else test('the seed that was asked for keeps all invariants', () => replays(Number(seed)))

describe('a seed', () => {
  test('gives the same history every time', () => {
    for (const same of [1, 2, 3]) {
      const [first, second] = [simulate(same), simulate(same)]
      expect(second.transcript).toEqual(first.transcript)
      expect(first.transcript.length).toBeGreaterThan(100)
    }
  })

  test('gives another history than the next seed', () => {
    expect(simulate(1).transcript).not.toEqual(simulate(2).transcript)
  })

  test('that fails says which invariant, the last 80 lines, and how to run it again', () => {
    const transcript = Array.from({ length: 200 }, (_, i) => `line ${i}`)
    const violation = new Violation(3, 'two run it')
    const lines = failureOf({
      seed: 7,
      violation,
      transcript,
      steps: 1,
      accepted: 0,
      settled: 0
    })!.split('\n')
    expect(lines[0]).toBe('seed 7: invariant 3: two run it')
    expect(lines.slice(1, -1)).toEqual(transcript.slice(120))
    expect(lines.at(-1)).toMatch(/^again: SEED=7 /)
  })
})
