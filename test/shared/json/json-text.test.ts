/** JSON that is handed in: what arrives as it was given, and what is refused, with its place. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifiedJson } from '../../../src/shared/json/json-stream.ts'
import { JSON_DEPTH_MAX, JsonRefusedError } from '../../../src/shared/json/json-scan.ts'
import { jsonFault, parseJson, utf8Text } from '../../../src/shared/json/json-text.ts'

const nested = (depth: number): string => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2)

/** How a text is refused; null if it is not. */
function faultOf(text: string): string | null {
  try {
    parseJson(text)
    return null
  } catch (error) {
    return jsonFault(error)
  }
}

/** The same by the reader of large files, a few bytes at a time. */
async function streamedFaultOf(bytes: Uint8Array, size: number): Promise<string | null> {
  // oxlint-disable-next-line typescript/require-await -- a file is read asynchronously
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  try {
    for await (const _ of verifiedJson(pieces()));
    return null
  } catch (error) {
    return jsonFault(error)
  }
}

test.each([
  ['12345678901234567890', 'column 1', '12345678901234567000'],
  ['{"a": [1, -9007199254740993]}', 'column 11', '-9007199254740992'],
  ['{"a":1,\n "id": 1152921504606846976}', 'line 2, column 8', '1152921504606847000'],
  ['[1e400]', 'column 2', 'Infinity'],
  ['[1e-400]', 'column 2', '0'],
  ['[1.2345678901234567891e19]', 'column 2', '12345678901234567000']
])('%s is refused at %s: it would arrive as %s', (text, place, arrives) => {
  const fault = faultOf(text)
  expect(fault).toContain(`at ${place}, which would arrive as ${arrives}: `)
})

test.each([
  '9007199254740991',
  '9007199254740993e-3',
  '100000000000000000000000',
  '1e300',
  '-0',
  '0.1000000000000000055511151231257827',
  '0e999',
  '3.141592653589793238462643',
  '"12345678901234567890 1e400"',
  '{"12345678901234567890\\"": "\\\\"}'
])('%s arrives', text => {
  expect(faultOf(text)).toBeNull()
  expect(parseJson(text)).toEqual(JSON.parse(text))
})

test('whatever a program has written arrives', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(parseJson(text)).toEqual(JSON.parse(text))
    })
  )
})

test('a whole number arrives or is refused as a slow and exact reader says', () => {
  const exact = (source: string): boolean => {
    const [digits, power = '0'] = String(Number(source)).replace('.', '').split('e+')
    const point = /\.(\d+)/.exec(String(Number(source)))?.[1]?.length ?? 0
    return BigInt(digits!) * 10n ** BigInt(Number(power) - point) === BigInt(source)
  }
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), value => {
      const source = String(value)
      expect(faultOf(source) === null).toBe(exact(source))
    })
  )
})

test('lists and objects may be within each other up to a stated depth', () => {
  expect(faultOf(nested(JSON_DEPTH_MAX))).toBeNull()
  const tooDeep = `{"b":${nested(JSON_DEPTH_MAX)}}`
  expect(faultOf(tooDeep)).toMatch(/^has more than 512 lists and objects within each other at col/)
  // Whether or not anything else would overflow.
  expect(faultOf('['.repeat(200_000) + ']'.repeat(200_000))).toMatch(/^has more than 512/)
})

test('small and large files are read by the same rules, wherever a large one is cut', async () => {
  const texts = fc.oneof(
    fc.json(),
    fc.constantFrom(
      '[1, 12345678901234567890]',
      '{"a":\n1e999}',
      '12345678901234567890',
      '\ufeff{"é": "😀"}',
      '{"a": 1',
      '[1,]'
    )
  )
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 7 }), async (text, size) => {
      const bytes = Buffer.from(text)
      const [small, large] = [faultOf(utf8Text(bytes)), await streamedFaultOf(bytes, size)]
      if (small?.startsWith('is not JSON') === true) expect(large).toMatch(/^is not JSON/)
      else expect(large).toBe(small)
    })
  )
})

test('a byte order mark in front is no part of the text', () => {
  expect(utf8Text(Buffer.from('\ufeff[1]'))).toBe('[1]')
  expect(parseJson('\ufeff[1]')).toEqual([1])
})

test('what is not UTF-8 is refused with its line', async () => {
  const bytes = Buffer.concat([Buffer.from('{\n"a": "caf'), Buffer.from([0xe9]), Buffer.from('"}')])
  expect(() => utf8Text(bytes)).toThrow(new JsonRefusedError('is not UTF-8 in line 2'))
  expect(await streamedFaultOf(bytes, 4)).toMatch(/^is not UTF-8 after some \d+ bytes$/)
})
