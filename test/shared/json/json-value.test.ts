/** Values that programs hand in: each arrives as it was given, or is refused with its place. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonText, NotJsonError } from '../../../src/shared/json/json-value.ts'
import { JSON_DEPTH_MAX } from '../../../src/shared/json/json-scan.ts'

const circle: { list: unknown[] } = { list: [] }
circle.list.push({ back: circle })
const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

test.each<[string, unknown, string]>([
  ['a BigInt', { items: [0, { id: 5n }] }, 'items[1].id is a BigInt'],
  ['a Map', { a: new Map([[1, 2]]) }, 'a is a Map, give what is in it as a list'],
  ['a Set', new Set([1]), 'it is a Set, give what is in it as a list'],
  ['NaN', [1, Number.NaN], '[1] is NaN'],
  ['Infinity', { 'a b': -Infinity }, '["a b"] is -Infinity'],
  ['a circle', circle, 'list[0].back is an object that it is itself within'],
  ['a function', { next: () => 1 }, 'next is a function'],
  ['a symbol', [Symbol('x')], '[0] is a symbol'],
  ['a promise', { later: Promise.resolve(1) }, 'later is a Promise, await it first'],
  ['bytes', { raw: new Uint8Array(2) }, 'raw is binary data, give it as text such as base64'],
  ['an error', { error: new Error('x') }, 'error is an Error, throw it or give its message'],
  ['a date that is none', { at: new Date(Number.NaN) }, 'at is an invalid Date'],
  ['undefined', undefined, 'it is undefined'],
  ['depth', nested(JSON_DEPTH_MAX + 1), 'it has more than 512 lists and objects within each other'],
  ['much depth', nested(50_000), 'it has more than 512 lists and objects within each other']
])('%s is refused with its place', (_, value, message) => {
  expect(() => jsonText(value)).toThrow(new NotJsonError(message))
})

test('the same object in two places is no circle', () => {
  const shared = { a: 1 }
  expect(jsonText([shared, { shared }])).toBe('[{"a":1},{"shared":{"a":1}}]')
})

test('what programs count on is written as they know it', () => {
  class Point {
    x = 1
    toJSON(): unknown {
      return { x: this.x }
    }
  }
  class Plain {
    readonly y = 2
  }
  const value = {
    at: new Date(0),
    gone: undefined,
    list: [undefined],
    point: new Point(),
    plain: new Plain(),
    bare: Object.assign(Object.create(null) as object, { z: 3 }),
    bytes: Buffer.from('a')
  }
  expect(jsonText(value)).toBe(JSON.stringify(value))
  expect(jsonText(nested(JSON_DEPTH_MAX))).toBe(JSON.stringify(nested(JSON_DEPTH_MAX)))
})

test('what its own code throws is handed on', () => {
  const broken = {
    get a(): never {
      throw new RangeError('mine')
    }
  }
  expect(() => jsonText(broken)).toThrow(new RangeError('mine'))
})

test('a value is written so that it is read as the same, or refused', () => {
  const anything = fc.anything({ withBigInt: true, withMap: true, withSet: true, withDate: true })
  fc.assert(
    fc.property(anything, value => {
      let text: string
      try {
        text = jsonText(value)
      } catch (error) {
        expect(error).toBeInstanceOf(NotJsonError)
        return
      }
      expect(text).toBe(JSON.stringify(value))
    })
  )
})
