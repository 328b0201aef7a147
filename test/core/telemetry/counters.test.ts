/** Counters and histograms: what is counted, and how far off a quantile may be. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Counters, OTHER_TYPES } from '../../../src/core/telemetry/counters.ts'
import { HISTOGRAM_BUCKETS } from '../../../src/core/message.ts'
import { Histogram, QUANTILE_ERROR } from '../../../src/core/telemetry/histogram.ts'
import { COUNTED_TYPES_MAX } from '../../../src/core/options.ts'

const durations = fc.array(
  fc.oneof(
    fc.double({ min: 0, max: 3, noNaN: true }),
    fc.double({ min: 0, max: 2 ** 31, noNaN: true })
  ),
  { minLength: 1, maxLength: 60 }
)

function filled(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.add(value)
  return histogram
}

describe('histogram', () => {
  test('a quantile is off by less than its stated error, or by half a millisecond', () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sorted = [...values].sort((x, y) => x - y)
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
        const told = filled(values).quantileMs(q)!
        const allowed = exact <= 1 ? 0.5 : exact * QUANTILE_ERROR
        expect(Math.abs(told - exact)).toBeLessThanOrEqual(allowed + 1e-9)
      })
    )
  })

  test('what is merged counts as if it had been measured here', () => {
    fc.assert(
      fc.property(durations, durations, (x, y) => {
        const merged = filled(x)
        merged.merge(filled(y).values())
        const together = filled([...x, ...y])
        expect(merged.values().counts).toEqual(together.values().counts)
        expect(merged.count).toBe(x.length + y.length)
        expect(merged.meanMs).toBeCloseTo(together.meanMs!, 3)
      })
    )
  })

  test('what is longer than any bucket is counted in the last one', () => {
    const histogram = filled([2 ** 40])
    expect(histogram.values().counts).toHaveLength(HISTOGRAM_BUCKETS)
    expect(histogram.count).toBe(1)
  })

  test('without any measurement there is neither mean nor quantile', () => {
    expect([new Histogram().meanMs, new Histogram().quantileMs(0.5)]).toEqual([null, null])
  })

  test('cumulative counts name how many took no longer than a bound', () => {
    const bounds = filled([0.5, 2, 3, 100]).upTo([0, 8, 40])
    expect(bounds).toEqual([
      { boundMs: 1, count: 1 },
      { boundMs: 4, count: 3 },
      { boundMs: 1024, count: 4 }
    ])
  })
})

describe('counters', () => {
  test('any number of types is counted in a bounded number of places, and none is lost', () => {
    const counters = new Counters()
    for (let i = 0; i < 1000; i++) counters.ran(`type-${i}`, 5)
    const types = counters.types()
    expect(types).toHaveLength(COUNTED_TYPES_MAX)
    expect(types.map(({ type }) => type)).toContain(OTHER_TYPES)
    const runs = types.map(({ runs: { counts } }) => counts.reduce((sum, count) => sum + count, 0))
    expect(runs.reduce((sum, count) => sum + count, 0)).toBe(1000)
  })

  test('only types that have changed are told anew', () => {
    const counters = new Counters()
    counters.ran('a', 1)
    counters.ran('b', 1)
    expect(counters.takeChanged().map(({ type }) => type)).toEqual(['a', 'b'])
    counters.ran('b', 1)
    expect(counters.takeChanged().map(({ type }) => type)).toEqual(['b'])
    expect(counters.takeChanged()).toEqual([])
  })
})
