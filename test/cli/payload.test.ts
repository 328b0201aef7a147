/**
 * Payloads on their way from the command line to the node: what is large passes through and is checked on the way.
 */
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonCheck } from '../../src/cli/json-check.ts'
import { readPayload } from '../../src/cli/payload.ts'

function isJson(text: string, cut: number): boolean {
  const check = new JsonCheck('it')
  try {
    for (let at = 0; at < text.length; at += cut) check.push(text.slice(at, at + cut))
    check.end()
    return true
  } catch {
    return false
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('the check agrees with JSON.parse on all JSON, wherever it is cut, and on JSON with a change', () => {
  const changed = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom(...'[]{},:"\\-+.e10tn \n\u0000'.split('')),
      fc.boolean()
    )
    .map(([json, place, character, isAdded]) => {
      const at = place % (json.length + 1)
      return json.slice(0, at) + character + json.slice(at + (isAdded ? 0 : 1))
    })
  const texts = fc.oneof(
    fc.json(),
    changed,
    fc.json().map(json => JSON.stringify(JSON.parse(json), null, 2))
  )
  const cut = fc.integer({ min: 1, max: 9 })
  fc.assert(
    fc.property(texts, cut, (text, length) => {
      expect(isJson(text, length)).toBe(parses(text))
    }),
    { numRuns: 2000 }
  )
})

test.each([
  '',
  ' ',
  '"',
  '{"a" 1}',
  '[1,]',
  '{,}',
  '[}',
  '01',
  '1.',
  '"\\x"',
  '"\\u12g4"',
  'nul',
  '1 2',
  '"\n"',
  ']',
  '{"a":1,}',
  '{1:2}'
])('%j is no JSON', text => expect(isJson(text, 3)).toBe(false))

describe('a payload from a stream', () => {
  const large = JSON.stringify({ list: Array.from({ length: 20_000 }, (_, index) => `ä${index}`) })
  const from = (bytes: Buffer): Promise<Awaited<ReturnType<typeof readPayload>>> => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1001) }, (_, index) =>
      bytes.subarray(index * 1001, (index + 1) * 1001)
    )
    return readPayload('-', Readable.from(pieces))
  }
  const all = async (bytes: Buffer): Promise<string> => {
    const payload = await from(bytes)
    if (!('pieces' in payload)) throw new Error('it is not large')
    const pieces: string[] = []
    for await (const piece of payload.pieces) pieces.push(piece)
    return pieces.join('')
  }

  test('is a value if it is small, and passes through as it is if it is large', async () => {
    expect(await from(Buffer.from(' [1, 2] '))).toEqual({ value: [1, 2] })
    expect(await all(Buffer.from(large))).toBe(large)
  })

  test('is refused by its reader if it is no JSON, or no UTF-8', async () => {
    await expect(all(Buffer.from(large.slice(0, -1)))).rejects.toThrow('it ends too early')
    await expect(all(Buffer.from(`${large.slice(0, -1)}\n,}`))).rejects.toThrow('line 2: "}"')
    const broken = Buffer.from(large)
    broken[70_001] = 0xff
    await expect(all(broken)).rejects.toMatchObject({ name: 'PayloadRejectedError' })
  })
})
