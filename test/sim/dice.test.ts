/**
 * Scenarios that dice made, one seed of each: what nobody thought of. `npm run soak -- scenarios` runs more of them.
 */
import { describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import { checkScenario, simulate } from '../../src/sim/index.ts'
import {
  FAMILY_NAMES,
  HEALED,
  LATER,
  LATEST,
  LOSSES,
  NEWEST,
  PLACED,
  POOLED,
  scenarioOf,
  seedsOf,
  STRICT
} from './support/dice.ts'
import { shapeOf, shrink } from './support/shrinking.ts'

/** Measured: 60 to 250 ms each, on one of the cores of a small server. */
const SCENARIOS = 300
/** How many of them are of the families that came later. */
const LATER_SCENARIOS = 100
const LATEST_SCENARIOS = 25
const NEWEST_SCENARIOS = 30
const STRICT_SCENARIOS = 32
const HEALED_SCENARIOS = 8
const LOSSES_SCENARIOS = 30
const PLACED_SCENARIOS = 20
const POOLED_SCENARIOS = 24
const TEST_MS_MAX = 600_000

const numbers = [
  ...upwards(
    0,
    SCENARIOS -
      LATER_SCENARIOS -
      LATEST_SCENARIOS -
      STRICT_SCENARIOS -
      HEALED_SCENARIOS -
      LOSSES_SCENARIOS -
      PLACED_SCENARIOS -
      POOLED_SCENARIOS
  ),
  ...upwards(LATER, LATER_SCENARIOS),
  ...upwards(LATEST, LATEST_SCENARIOS),
  ...upwards(NEWEST, NEWEST_SCENARIOS),
  ...upwards(STRICT, STRICT_SCENARIOS),
  ...upwards(HEALED, HEALED_SCENARIOS),
  ...upwards(LOSSES, LOSSES_SCENARIOS),
  ...upwards(PLACED, PLACED_SCENARIOS),
  ...upwards(POOLED, POOLED_SCENARIOS)
]

function upwards(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => from + n)
}

describe('scenarios made by dice', () => {
  test.each(FAMILY_NAMES)(
    'keep all invariants: %s',
    family => {
      const these = numbers.map(scenarioOf).filter(diced => diced.family === family)
      expect(these.length).toBeGreaterThan(0)
      for (const { n, settings } of these) {
        const [seed] = seedsOf(n, 1) as [number]
        const { violation } = simulate(seed, checkScenario(settings))
        if (violation === null) continue
        const again = `again: npm run soak -- scenarios --from ${n} --count 1`
        expect.soft(`scenario ${n}, seed ${seed}: ${violation.message}\n${again}`).toBeNull()
      }
    },
    TEST_MS_MAX
  )

  test('are functions of their numbers, and differ', () => {
    expect(scenarioOf(7)).toEqual(scenarioOf(7))
    const all = new Set(numbers.map(n => JSON.stringify(scenarioOf(n).settings)))
    expect(all.size).toBe(numbers.length)
  })
})

/** A scenario by its number, and a seed that broke an invariant with it. */
const ONCE_BROKEN: readonly (readonly [number, number])[] = [
  [769, 7692],
  [1075, 10753],
  [2123, 21231],
  [2315, 23151],
  [6371, 63711],
  [11047, 110471],
  [11092, 110921],
  [12639, 126391],
  [17441, 174411],
  [20002, 200021],
  [20057, 200571],
  [20073, 200732],
  [20137, 201372],
  [20551, 205511],
  [20738, 207381],
  [20871, 208711],
  [21377, 213771],
  [23627, 236271],
  [29004, 290041],
  [30797, 307971],
  [30851, 308511],
  [30869, 308691],
  [32361, 323611],
  [32669, 326691],
  [66701, 667011],
  [66710, 667101],
  [80010, 800102],
  [86345, 863451],
  [86357, 863571]
]

test.each(ONCE_BROKEN)('scenario %i keeps all invariants with seed %i', (n, seed) => {
  const { violation } = simulate(seed, checkScenario(scenarioOf(n).settings))
  expect(violation?.message ?? null).toBeNull()
})

describe('a failing scenario', () => {
  test('is named by what went wrong, not by whom it befell', () => {
    const of = (id: string, node: number): string =>
      `invariant 2: 01a3185c-5160-8000-8000-${id}, red, on sim/${node} (epoch ${node}, open) has never settled`
    expect(shapeOf(of('0001dae73b65', 2))).toBe(shapeOf(of('a0c1dae73b6f', 11)))
    expect(shapeOf(of('0001dae73b65', 2))).not.toBe(shapeOf('invariant 3: two run it'))
  })

  test('that does not fail again is left as it is', () => {
    const failure = { seed: 1, settings: { tasks: 3, crashes: 0 }, message: 'nothing like that' }
    expect(shrink(failure, { tries: 1 })).toEqual(failure)
  })
})
