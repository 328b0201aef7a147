/** How evenly work spreads, in virtual time: the moods of a computer do not count. */
import { describe, expect, test } from 'vitest'
import { floorOf, skewed, spread, type Slept } from '../support/virtual.ts'
import './forbid.ts'

const COSTS = { linkMs: 1, diskMs: 5, callMs: 0.5 }

function makespanMs(slept: readonly Slept[]): number {
  return Math.max(...slept.map(s => s.endedAt)) - Math.min(...slept.map(s => s.startedAt))
}

describe('work that comes in at one node of six', () => {
  test('of very different lengths takes hardly longer than a perfect schedule in the same order', () => {
    const ratios = [1, 2, 3, 4, 5].map(seed => {
      const lengths = skewed(seed)
      return makespanMs(spread(6, lengths, COSTS)) / floorOf(6, lengths)
    })
    expect(ratios.toSorted((x, y) => x - y)[2]).toBeLessThan(1.08)
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
