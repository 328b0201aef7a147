/** The small tools: clock, names, orders, heap, length of texts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import '../forbid.ts'
import { assert as holds } from '../../../src/core/base/assert.ts'
import { Heap } from '../../../src/core/base/heap.ts'
import { hlcMs, HybridClock, SKEW_MAX_US } from '../../../src/core/base/hlc.ts'
import { bootId, hash32, nodeOf, startTimeOf, taskId } from '../../../src/core/base/ids.ts'
import { compareText, compareValues, sameValues } from '../../../src/core/base/order.ts'
import { utf8Length } from '../../../src/core/base/utf8.ts'
import { rendezvousWeight } from '../../../src/core/base/rendezvous.ts'

/** Any UTF-16, lone surrogates included. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0x41, 0xe9, 0xd83d, 0xde00)))
  .map(units => String.fromCharCode(...units))

describe('a hybrid clock', () => {
  test('stamps later than all that it stamped or adopted, whatever the wall clock does', () => {
    const event = fc.record({ nowMs: fc.integer({ min: 0, max: 5 }), seen: fc.nat(9_000) })
    fc.assert(
      fc.property(fc.array(event), events => {
        const clock = new HybridClock()
        let last = -1
        for (const { nowMs, seen } of events) {
          clock.adopt(seen, nowMs)
          const stamp = clock.stamp(nowMs)
          expect(stamp).toBeGreaterThan(last)
          expect(stamp).toBeGreaterThanOrEqual(nowMs * 1000)
          expect(stamp).toBeGreaterThan(seen)
          last = stamp
        }
      })
    )
  })

  test('shows the wall clock while that goes on by itself', () => {
    const clock = new HybridClock()
    expect(clock.stamp(1)).toBe(1000)
    expect(clock.stamp(2.5)).toBe(2500)
    expect(hlcMs(clock.stamp(3))).toBe(3)
  })

  test('goes on counting when the wall clock steps back', () => {
    const clock = new HybridClock()
    expect([5, 3, 3, 5].map(ms => clock.stamp(ms))).toEqual([5000, 5001, 5002, 5003])
  })

  test('goes back where the wall clock turns out to have been ahead', () => {
    const clock = new HybridClock()
    clock.stamp(9)
    clock.setBack(5)
    expect(clock.stamp(5)).toBe(5001)
  })

  test('adopts a stamp as far ahead as the bound on skew, and none beyond', () => {
    const nowMs = 1000
    const bound = nowMs * 1000 + SKEW_MAX_US
    const clock = new HybridClock()
    clock.adopt(bound + 1, nowMs)
    expect(clock.stamp(nowMs)).toBe(nowMs * 1000)
    clock.adopt(bound, nowMs)
    expect(clock.stamp(nowMs)).toBe(bound + 1)
  })
})

describe('the id of a task', () => {
  const parts = fc.record({
    ms: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    seq: fc.integer({ min: 0, max: 2 ** 42 - 1 })
  })

  test('is a UUID of version 8', () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    fc.assert(
      fc.property(parts, ({ ms, seq }) => {
        expect(taskId(ms, 'a/b', seq)).toMatch(uuid)
      })
    )
  })

  test('sorts by time, and within one boot by sequence', () => {
    fc.assert(
      fc.property(parts, parts, (x, y) => {
        const order = Math.sign(x.ms - y.ms || x.seq - y.seq)
        expect(compareText(taskId(x.ms, 'a/b', x.seq), taskId(y.ms, 'a/b', y.seq))).toBe(order)
      })
    )
  })

  test('differs from boot to boot', () => {
    expect(taskId(1, bootId('a', 1, 1), 1)).not.toBe(taskId(1, bootId('a', 1, 2), 1))
  })

  test('has no room for what does not fit', () => {
    expect(() => taskId(-1, 'a/b', 1)).toThrow('fit into its id')
    expect(() => taskId(1, 'a/b', 2 ** 42)).toThrow('fit into its id')
  })
})

describe('the name of a boot', () => {
  test('sorts by its start, and names its node', () => {
    const start = fc.integer({ min: 0, max: 36 ** 10 - 1 })
    fc.assert(
      fc.property(start, start, (x, y) => {
        const order = compareText(bootId('n', x, 7), bootId('n', y, 7))
        expect(order).toBe(Math.sign(x - y))
        expect(nodeOf(bootId('n', x, 7))).toBe('n')
      })
    )
  })

  test('is of a node without a slash', () => {
    expect(() => bootId('a/b', 1, 1)).toThrow('a node id has no slash')
  })
})

test('the length of a text in UTF-8 is what the encoder makes of it', () => {
  fc.assert(
    fc.property(anyText, text => {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text))
    }),
    { numRuns: 500 }
  )
})

describe('a hash', () => {
  test('is the same for ever: replicas break ties by it', () => {
    expect([hash32(''), hash32('hearsay'), rendezvousWeight('task', 'node')])
      .toMatchInlineSnapshot(`
      [
        2872998923,
        2935051263,
        2969445141,
      ]
    `)
  })

  test('spreads tasks evenly over nodes', () => {
    const nodes = ['n1', 'n2', 'n3', 'n4']
    const firsts = new Map<string, number>()
    for (let seq = 0; seq < 2000; seq++) {
      const id = taskId(1000, 'a/b', seq)
      const first = nodes.toSorted((x, y) => rendezvousWeight(id, y) - rendezvousWeight(id, x))[0]!
      firsts.set(first, (firsts.get(first) ?? 0) + 1)
    }
    for (const node of nodes) expect(firsts.get(node)).toBeGreaterThan(400)
  })
})

describe('the order of values', () => {
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom(null, true, false, 0, 1, -1, '', 'a', 'b'),
      fc.array(tie('any'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom('a', 'b'), tie('any'), { noNullPrototype: true })
    )
  })).any

  test('is total: antisymmetric, and zero only for equal values', () => {
    fc.assert(
      fc.property(value, value, (x, y) => {
        const order = Math.sign(compareValues(x, y))
        expect(order + Math.sign(compareValues(y, x))).toBe(0)
        if (order === 0) expect(x).toEqual(y)
        expect(sameValues(x, y)).toBe(order === 0)
        expect(sameValues(x, structuredClone(x))).toBe(true)
        expect(compareValues(x, structuredClone(x))).toBe(0)
      }),
      { numRuns: 1000 }
    )
  })

  test('is transitive', () => {
    fc.assert(
      fc.property(value, value, value, (x, y, z) => {
        const [a, b, c] = [x, y, z].sort(compareValues)
        expect(compareValues(a, c)).toBeLessThanOrEqual(0)
        expect(compareValues(a, b)).toBeLessThanOrEqual(0)
      }),
      { numRuns: 1000 }
    )
  })

  test('does not depend on the order in which fields were set', () => {
    expect(compareValues({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(0)
  })

  test('of texts is by code unit', () => {
    expect(['b', 'ä', 'a', 'B'].sort(compareText)).toEqual(['B', 'a', 'b', 'ä'])
  })
})

test('a heap gives back what was put in, smallest first, also when it is filled meanwhile', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('pop'))), steps => {
      const heap = new Heap<number>((x, y) => x - y)
      let model: number[] = []
      for (const step of steps) {
        if (typeof step === 'number') {
          heap.push(step)
          model = [...model, step].sort((x, y) => x - y)
        } else expect(heap.pop()).toBe(model.shift())
        expect(heap.size).toBe(model.length)
        expect(heap.peek()).toBe(model[0])
      }
    }),
    { numRuns: 300 }
  )
})

test('a boot tells when it was started', () => {
  expect(startTimeOf(bootId('a', 5_000_000, 7))).toBe(5_000_000)
})

test('an assertion that does not hold says what does not hold', () => {
  holds(true, 'never said')
  expect(() => holds(false, 'the sky is green')).toThrow('does not hold: the sky is green')
})
