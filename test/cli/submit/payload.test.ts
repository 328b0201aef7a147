/**
 * Payloads on their way from the command line to the node: what is large passes through and is checked on the way.
 */
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { readPayload } from '../../../src/cli/submit/payload.ts'

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
    await expect(all(Buffer.from(large.slice(0, -1)))).rejects.toThrow('stdin is not JSON (ERROR')
    await expect(all(Buffer.from(`${large.slice(0, -1)}\n,}`))).rejects.toThrow('(2, 2)')
    const broken = Buffer.from(large)
    broken[70_001] = 0xff
    await expect(all(broken)).rejects.toMatchObject({ name: 'PayloadRejectedError' })
  })
})
