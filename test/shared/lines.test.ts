/** One splitter for all who read lines; each has bounds of its own, which it keeps by what the splitter tells. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSplitter } from '../../src/shared/lines.ts'

test('lines are those of the whole text, wherever it was cut', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\r', '\n') })
  fc.assert(
    fc.property(fc.array(text), pieces => {
      const splitter = new LineSplitter()
      const lines = pieces.flatMap(piece => splitter.push(piece))
      expect([...lines, splitter.take()]).toEqual(pieces.join('').split('\n'))
    })
  )
})

test('what is taken of a line without an end is kept no longer, and the line goes on after it', () => {
  const splitter = new LineSplitter()
  expect(splitter.push('a\nbc')).toEqual(['a'])
  expect(splitter.push('de')).toEqual([])
  expect(splitter.openLength).toBe(4)
  expect(splitter.take()).toBe('bcde')
  expect(splitter.openLength).toBe(0)
  expect(splitter.push('f\n')).toEqual(['f'])
})
