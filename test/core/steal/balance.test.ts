/** How evenly work spreads, in virtual time: the moods of a computer do not count. */
import { describe, expect, test } from 'vitest'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { earlyMs, floorOf, skewed, spread, type Slept, type Work } from '../../support/virtual.ts'
import '../forbid.ts'

const COSTS = { linkMs: 1, diskMs: 5, callMs: 0.5 }

function makespanMs(slept: readonly Slept[]): number {
  return Math.max(...slept.map(s => s.endedAt)) - Math.min(...slept.map(s => s.startedAt))
}

describe('work that comes in at one node of six', () => {
  test.each([
    ['', COSTS, 1.08],
    [', and not much longer with slow disks', { ...COSTS, linkMs: 5, diskMs: 25 }, 1.25]
  ])(
    'of very different lengths takes hardly longer than a perfect schedule in the same order%s',
    (_, costs, bound) => {
      const ratios = [1, 2, 3, 4, 5].map(seed => {
        const lengths = skewed(seed)
        return makespanMs(spread(6, lengths, costs)) / floorOf(6, lengths)
      })
      expect(ratios.toSorted((x, y) => x - y)[2]).toBeLessThan(bound)
    }
  )

  test('moves a few times at most, and less than once on average', () => {
    for (const seed of [1, 5, 8]) {
      const moves = spread(6, skewed(seed), COSTS).map(slept => slept.moves)
      expect(Math.max(...moves)).toBeLessThanOrEqual(4)
      expect(moves.reduce((sum, each) => sum + each, 0)).toBeLessThan(moves.length)
    }
  })

  test('is run in order of priority all over the cluster, but for what was taken ahead', () => {
    const work = Array.from({ length: 300 }, (_, i): Work => ({ ms: 20, priority: 10 - (i % 10) }))
    const tripMs = 2 * (COSTS.linkMs + COSTS.diskMs)
    const aheadMs = CORE_DEFAULTS.stealAheadTrips * tripMs
    expect(Math.max(...earlyMs(spread(6, work, COSTS)))).toBeLessThan(aheadMs + 20)
  })

  test('reaches a node that comes later within a second', () => {
    const slept = spread(6, Array<number>(900).fill(20), COSTS, { lateMs: 1000 })
    const begun = Math.min(...slept.map(({ startedAt }) => startedAt))
    const ofLate = slept.filter(({ node }) => node.startsWith('n5'))
    const firstMs = Math.min(...ofLate.map(({ startedAt }) => startedAt)) - begun - 1000
    expect(firstMs).toBeGreaterThan(0)
    expect(firstMs).toBeLessThan(1000)
    expect(ofLate.length).toBeGreaterThan(50)
  })

  test('and is long: nobody takes a second task while somebody is idle', () => {
    const slept = spread(6, Array<number>(13).fill(2000), COSTS)
    for (const { node, startedAt } of slept) {
      const earlier = slept.filter(other => other.startedAt < startedAt)
      if (!earlier.some(other => other.node === node)) continue
      expect(new Set(earlier.map(other => other.node)).size).toBe(6)
    }
    expect(makespanMs(slept)).toBeLessThan(3 * 2000 + 500)
  })
})
