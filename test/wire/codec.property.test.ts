/** What nodes say comes through unchanged, and nothing that comes in can throw, grow or pass for something else. */
import fc from 'fast-check'
import protobuf from 'protobufjs/minimal.js'
import { describe, expect, test } from 'vitest'
import { batch, heartbeat, message, stored, wideText } from '../support/arbitraries.ts'
import { bootOf, heartbeatOf, taskOf } from '../support/tasks.ts'
import type { Heartbeat, Message } from '../../src/core/message.ts'
import { decode, decodeStored, encode, encodeStored } from '../../src/wire/codec.ts'
import { LIMITS } from '../../src/core/options.ts'

/** What an old node, which does not know field 15, would be sent by a newer one. */
function withUnknownFields(bytes: Uint8Array): Uint8Array {
  const outer = protobuf.Reader.create(bytes)
  const tag = outer.uint32()
  const body = outer.bytes()
  const more = protobuf.Writer.create()
  more.uint32((99 << 3) | 0).uint32(7)
  more.uint32((98 << 3) | 2).string('from the future')
  more.uint32((97 << 3) | 1).double(1.5)
  const added = Buffer.concat([more.finish(), body, more.finish()])
  return protobuf.Writer.create().uint32(tag).bytes(added).finish()
}

/** Accepted bytes stand for a message that can be passed on: encoded again, it is accepted again, and is the same. */
function expectStable(bytes: Uint8Array): void {
  const first = decode(bytes)
  if (!first.ok) {
    expect(first.why).not.toBe('')
    return
  }
  // What could not be read is not passed on.
  if (first.message.kind === 'other' || first.unreadable !== undefined) return
  expect(decode(encode(first.message))).toEqual({ ok: true, message: first.message })
}

describe('a message', () => {
  test('comes out as it went in, of every kind', () => {
    fc.assert(
      fc.property(message, given => {
        expect(decode(encode(given))).toEqual({ ok: true, message: given })
      }),
      { numRuns: 400 }
    )
  })

  test('with fields that are not known here yet is understood without them', () => {
    fc.assert(
      fc.property(message, given => {
        expect(decode(withUnknownFields(encode(given)))).toEqual({ ok: true, message: given })
      })
    )
  })

  test('leaves its sender as it was', () => {
    fc.assert(
      fc.property(batch, given => {
        const before = structuredClone(given)
        encode(given)
        expect(given).toEqual(before)
      }),
      { numRuns: 30 }
    )
  })

  test('with labels named like parts of an object carries them as names', () => {
    const labels = Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'y']
    ])
    const given = heartbeatOf(bootOf('a'), { labels })
    const decoded = decode(encode(given))
    const sent = decoded.ok && (decoded.message as Heartbeat).labels
    expect(Object.entries(sent as object)).toEqual(Object.entries(labels))
    expect(Object.getPrototypeOf(sent)).toBe(Object.prototype)
  })
})

describe('a stored task', () => {
  test('comes out as it went in', () => {
    fc.assert(
      fc.property(stored, given => {
        expect(decodeStored(encodeStored(given))).toEqual({ ok: true, task: given })
      })
    )
  })

  test('followed by anything else is refused', () => {
    const bytes = encodeStored({ record: taskOf(bootOf('a'), 1), writes: [] })
    expect(decodeStored(Buffer.concat([bytes, Buffer.from([0])])).ok).toBe(false)
  })
})

describe('bytes that are no message', () => {
  test('are refused or understood, and never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), expectStable), { numRuns: 2000 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        decodeStored(bytes)
      }),
      { numRuns: 1000 }
    )
  })

  test('cut off anywhere are refused', () => {
    fc.assert(
      fc.property(message, fc.nat(), (given, at) => {
        const bytes = encode(given)
        expect(decode(bytes.subarray(0, at % bytes.length)).ok).toBe(false)
      }),
      { numRuns: 300 }
    )
  })

  test('with one byte changed are refused, or stand for a message that can be passed on', () => {
    const mutation = fc.tuple(message, fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(mutation, ([given, at, change]) => {
        const bytes = Uint8Array.from(encode(given))
        bytes[at % bytes.length]! ^= change
        expectStable(bytes)
      }),
      { numRuns: 3000 }
    )
  })

  test('of a stored task, cut off or changed, are refused or understood', () => {
    fc.assert(
      fc.property(stored, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, change) => {
        const bytes = Uint8Array.from(encodeStored(given))
        expect(decodeStored(bytes.subarray(0, at % bytes.length)).ok).toBe(false)
        bytes[at % bytes.length]! ^= change
        const decoded = decodeStored(bytes)
        if (decoded.ok) expect(decodeStored(encodeStored(decoded.task))).toEqual(decoded)
      }),
      { numRuns: 500 }
    )
  })

  test('that nest without end are refused', () => {
    const groups = new Uint8Array(60_000).fill((15 << 3) | 3)
    const goodbye = protobuf.Writer.create()
      .uint32((6 << 3) | 2)
      .bytes(groups)
      .finish()
    expect(decode(goodbye).ok).toBe(false)
  })
})

describe('a text', () => {
  /** A heartbeat whose version is these bytes, with its length written as told. */
  function versioned(length: readonly number[], bytes: Uint8Array): Uint8Array {
    const whole = encode(heartbeatOf(bootOf('a'), { version: '' }))
    const marker = Buffer.from(whole).indexOf(Buffer.from([(3 << 3) | 2, 0]))
    const reader = protobuf.Reader.create(whole)
    reader.uint32()
    reader.uint32()
    const body = whole.subarray(reader.pos, marker)
    const rest = whole.subarray(marker + 2)
    const made = Buffer.concat([body, Buffer.from([(3 << 3) | 2, ...length]), bytes, rest])
    return protobuf.Writer.create()
      .uint32((1 << 3) | 2)
      .bytes(made)
      .finish()
  }

  test('is as long as its length says, however wastefully that is written', () => {
    const decoded = decode(versioned([0x83, 0x80, 0x00], Buffer.from('1.2')))
    expect(decoded.ok && (decoded.message as Heartbeat).version).toBe('1.2')
  })

  test('cannot get past its bound by a length that reads differently the second time', () => {
    const long = Buffer.alloc(LIMITS.versionBytesMax + 48, 'x')
    const decoded = decode(versioned([0x81, 0x80, 0x80, 0x80, 0x70], long))
    expect(decoded.ok).toBe(false)
  })

  test('of broken UTF-8 is refused: mended, it would be longer than its bound', () => {
    expect(decode(versioned([60], Buffer.alloc(60, 0xff))).ok).toBe(false)
  })

  test.each(['\ufeffmark', `\ufeff${'x'.repeat(100)}`, '\0', '\ufffd', '😀'.repeat(16)])(
    'keeps every character: %j',
    name => {
      const sent = heartbeatOf(bootOf('a'), { name })
      expect(decode(encode(sent))).toEqual({ ok: true, message: sent })
    }
  )

  test('of any characters comes through', () => {
    fc.assert(
      fc.property(heartbeat, wideText(160), (given, name) => {
        const sent: Message = { ...given, name }
        expect(decode(encode(sent))).toEqual({ ok: true, message: sent })
      })
    )
  })
})
