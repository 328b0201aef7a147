/** A payload that is typed: what the page takes is what the node takes, and what it refuses it says the place of. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { faultOf } from '../../../src/dashboard/page/submit/payload.ts'
import { parseJson } from '../../../src/shared/json/json-text.ts'

function isTaken(text: string): boolean {
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

/** JSON with a few characters changed, so that much of it is nearly right. */
const nearly = fc
  .tuple(
    fc.json({ maxDepth: 3 }),
    fc.array(
      fc.tuple(fc.nat(), fc.constantFrom('', '"', ',', '{', ']', '\\', '\n', '1', 'e', '-', ' ')),
      { maxLength: 3 }
    )
  )
  .map(([json, changes]) =>
    changes.reduce((text, [at, by]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + by + text.slice(place + 1)
    }, json)
  )

test('takes what the node takes, and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(nearly, fc.string()), text => {
      // The node takes a byte order mark off, which nobody types.
      fc.pre(!text.startsWith('\ufeff'))
      expect(faultOf(text) === null).toBe(isTaken(text))
    }),
    { numRuns: 200 }
  )
})

test.each([
  ['', 'line 1, column 1: a value belongs here, and the text ends', 0],
  ['{"a": 1,}', 'line 1, column 9: a name in double quotes belongs here, and there is }', 8],
  ['{\n  "a" 1\n}', 'line 2, column 7: a colon belongs here, and there is 1', 8],
  ['[1 2]', 'line 1, column 4: a comma or ] belongs here, and there is 2]', 3],
  ["{'a': 1}", "line 1, column 2: a name in double quotes belongs here, and there is 'a': 1}", 1],
  ['{"a": [1, 2', 'line 1, column 12: a comma or ] belongs here, and the text ends', 11],
  ['1 2', 'line 1, column 3: the value has ended before this, and there is 2', 2],
  [
    '["a\nb"]',
    'line 1, column 2: a text begins here that does not end in its line, or has a wrong \\, and there is "a',
    1
  ]
])('%j: says what is missing, and where', (text, words, at) => {
  expect(faultOf(text)).toEqual({ words, at })
})

test('a number that would arrive as another one is refused with its place', () => {
  expect(faultOf('{\n"id": 12345678901234567890}')?.words).toBe(
    'it has the number 12345678901234567890 at line 2, column 7, which would arrive as 12345678901234567000: write it as text, in quotes'
  )
})

test('however deep it is, the page goes on', () => {
  expect(faultOf('['.repeat(100_000))?.words).toContain('more than 512 lists and objects')
  expect(faultOf(`"${'x'.repeat(1_000_000)}"`)).toBeNull()
})
