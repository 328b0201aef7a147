/** Text in pieces is the same text. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8Pieces } from '../../src/shared/utf8-chunks.ts'

test('the pieces of a text are its bytes, wherever a character meets the end of a piece', () => {
  const units = fc.constantFrom('a', 'ä', '€', '😀', '\ud83d', '\ude00')
  fc.assert(
    fc.property(fc.nat(3), fc.array(units, { minLength: 1, maxLength: 6 }), (shift, around) => {
      const text =
        'x'.repeat(65_536 - shift) + around.join('') + 'y'.repeat(65_530) + around.join('')
      expect(Buffer.concat([...utf8Pieces(text)]).equals(Buffer.from(text))).toBe(true)
    })
  )
  expect([...utf8Pieces('')]).toEqual([])
})
