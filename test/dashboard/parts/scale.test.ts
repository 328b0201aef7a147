/** From time to place and back, also where idle time is folded. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldsOf, scaleOf, ticksOf } from '../../../src/dashboard/page/stream/scale.ts'

const runs = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 20_000 }))
    .map(([fromMs, ms]) => ({ fromMs, toMs: fromMs + ms })),
  { maxLength: 12 }
)

test('no run is folded away, and no two folds touch', () => {
  fc.assert(
    fc.property(runs, all => {
      const folds = foldsOf(all, 0, 100_000)
      for (const { fromMs, toMs } of folds) {
        expect(toMs).toBeGreaterThan(fromMs)
        expect(all.some(run => run.fromMs < toMs && run.toMs > fromMs)).toBe(false)
      }
      for (const [n, fold] of folds.entries()) {
        if (n > 0) expect(fold.fromMs).toBeGreaterThan(folds[n - 1]!.toMs)
      }
    })
  )
})

test('places follow time, fill the width, and lead back to it', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 400, max: 2000 }), (all, width) => {
      const scale = scaleOf(0, 100_000, width, foldsOf(all, 0, 100_000))
      expect(scale.x(0)).toBeCloseTo(0)
      expect(scale.x(100_000)).toBeCloseTo(width)
      for (let ms = 0; ms < 100_000; ms += 2500) {
        expect(scale.x(ms + 2500)).toBeGreaterThanOrEqual(scale.x(ms))
        expect(scale.ms(scale.x(ms))).toBeCloseTo(ms, 3)
      }
    })
  )
})

test('what runs still is no idle time, and a time in which nothing ran at all is not folded', () => {
  expect(foldsOf([{ fromMs: 0, toMs: null }], 0, 100_000)).toEqual([])
  expect(foldsOf([{ fromMs: -5000, toMs: -1000 }], 0, 100_000)).toEqual([])
})

test('the axis has round times, and room between them', () => {
  const scale = scaleOf(1_000_123, 1_060_123, 900)
  const ticks = ticksOf(scale, 90)
  expect(ticks.length).toBeGreaterThan(4)
  for (const [n, ms] of ticks.entries()) {
    expect(ms % 1000).toBe(0)
    if (n > 0) expect(scale.x(ms) - scale.x(ticks[n - 1]!)).toBeGreaterThanOrEqual(63)
  }
})
