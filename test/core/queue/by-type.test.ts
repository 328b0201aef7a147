/** What is found by the types that are asked for. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import '../forbid.ts'
import { ByType } from '../../../src/core/queue/by-type.ts'

const TYPES = ['red', 'green', 'blue', 'grey']
const KEYS = TYPES.flatMap(type => [0, 1].map(() => ({ demand: { type, require: [] } })))

test('equals a list that is filtered, whatever is set anew and deleted', () => {
  const step = fc.record({
    key: fc.constantFrom(...KEYS),
    value: fc.option(fc.nat(9), { nil: undefined })
  })
  fc.assert(
    fc.property(fc.array(step), fc.subarray(TYPES), (steps, types) => {
      const all = new Map<(typeof KEYS)[number], number>()
      const byType = new ByType<(typeof KEYS)[number], number>()
      for (const { key, value } of steps) {
        if (value === undefined) all.delete(key)
        else all.set(key, value)
        if (value === undefined) byType.delete(key)
        else byType.set(key, value)
        expect(byType.get(key)).toBe(value)
        expect(byType.size).toBe(all.size)
      }
      const asked = [...all].filter(([{ demand }]) => types.includes(demand.type))
      expect(new Map(byType.of(new Set(types)))).toEqual(new Map(asked))
    })
  )
})
