/** Frames of Noise come in pieces of any size; to wait for the rest of one is no exception. */
import { LengthPrefixedDecoder } from '@libp2p/utils'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lengthOf } from '../../../src/net/patches/noise.ts'

/** As Noise makes it, with our answer in it. */
const reader = (): LengthPrefixedDecoder =>
  new LengthPrefixedDecoder({ lengthDecoder: lengthOf, encodingLength: () => 2 })

function framed(frames: readonly Uint8Array[]): Buffer {
  const pieces = frames.map(frame => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(frame.length)
    return Buffer.concat([length, frame])
  })
  return Buffer.concat(pieces)
}

test('frames come out as they were, wherever they were cut', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 600 })
  fc.assert(
    fc.property(fc.array(bytes), fc.array(fc.nat(50)), (frames, cuts) => {
      const all = framed(frames)
      const decoder = reader()
      const came: Uint8Array[] = []
      let at = 0
      for (const cut of [...cuts, all.length]) {
        for (const frame of decoder.decode(all.subarray(at, at + cut))) came.push(frame.subarray())
        at += cut
      }
      expect(came.map(frame => Buffer.from(frame))).toEqual(frames.map(frame => Buffer.from(frame)))
    })
  )
})

test('a length that has not come, or only half of it, throws nothing', () => {
  const decoder = reader()
  const [first] = [...decoder.decode(framed([Buffer.from('a')]))]
  expect(Buffer.from(first!.subarray()).toString()).toBe('a')
  expect(lengthOf(decoder['buffer'])).toBeNaN()
  expect([...decoder.decode(Buffer.from([0]))]).toEqual([])
  expect(lengthOf(decoder['buffer'])).toBeNaN()
})
