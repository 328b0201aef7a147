/** What later versions add is passed on as it came, and what cannot be read costs itself alone. */
import protobuf from 'protobufjs/minimal.js'
import { describe, expect, test } from 'vitest'
import { bootOf, outcomeBy, taskOf } from '../support/tasks.ts'
import { bootId } from '../../src/core/base/ids.ts'
import { TASK_LIMITS } from '../../src/core/options.ts'
import { join, leastDots, type TaskRecord } from '../../src/core/task/record.ts'
import { RECORD } from '../../src/core/task/shapes.ts'
import { UNREADABLE, type Batch } from '../../src/core/message.ts'
import {
  decode,
  decodeStored,
  encode,
  encodeStored,
  encodeUnchecked
} from '../../src/wire/codec.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]

const BATCH: Batch = { kind: 'batch', origin: A, after: 0, records: [], writes: [] }

function batchOf(...records: TaskRecord[]): Batch {
  return { ...BATCH, records, writes: records.map((_, i) => i) }
}

type Part = Readonly<{ number: number; type: number; bytes: Uint8Array }>

/** The fields of a message. */
function partsOf(bytes: Uint8Array): Part[] {
  const reader = protobuf.Reader.create(bytes)
  const parts: Part[] = []
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const start = reader.pos
    const type = tag & 7
    if (type === 2) parts.push({ number: tag >>> 3, type, bytes: reader.bytes() })
    else {
      reader.skipType(type)
      parts.push({ number: tag >>> 3, type, bytes: bytes.subarray(start, reader.pos) })
    }
  }
  return parts
}

function joined(parts: readonly Part[]): Uint8Array {
  const writer = protobuf.Writer.create()
  for (const { number, type, bytes } of parts) {
    writer.uint32((number << 3) | type)
    if (type === 2) writer.bytes(bytes)
    else writer.raw(bytes)
  }
  return writer.finish()
}

/** Rewrites the field that this path of numbers leads to. */
function changed(
  bytes: Uint8Array,
  [number, ...path]: readonly number[],
  change: (bytes: Uint8Array) => Uint8Array
): Uint8Array {
  if (number === undefined) return change(bytes)
  const parts = partsOf(bytes).map(part =>
    part.number === number ? { ...part, bytes: changed(part.bytes, path, change) } : part
  )
  return joined(parts)
}

const [IN_BATCH, RECORDS] = [2, 3]
const SPEC = 1
const REF = 22
const CLAIM = 3
const OUTCOME = 5

const added: Part = { number: 100, type: 2, bytes: Buffer.from('from the future') }
const more = (bytes: Uint8Array): Uint8Array => joined([...partsOf(bytes), added])

function recordIn(bytes: Uint8Array): TaskRecord {
  const decoded = decode(bytes)
  expect(decoded).toMatchObject({ ok: true })
  return (decoded as unknown as { message: Batch }).message.records[0]!
}

describe('what a later version adds', () => {
  const whole = batchOf(taskOf(A, 1, { outcome: outcomeBy(A) }))

  test.each([
    ['to a claim', CLAIM],
    ['to an outcome', OUTCOME],
    ['to a spec', SPEC]
  ])('%s is passed on, on the wire and on disk', (_, part) => {
    const bytes = changed(encode(whole), [IN_BATCH, RECORDS, part], more)
    const record = recordIn(bytes)
    expect(encode(batchOf(record))).toEqual(Buffer.from(bytes))
    const stored = decodeStored(encodeStored({ record, writes: [] }))
    expect(stored.ok && stored.task.record).toEqual(record)
  })

  test('to a spec since the first version fits into what that one keeps of a spec, all of it together', () => {
    const { spec, ...rest } = taskOf(A, 1)
    const given = batchOf({ ...rest, spec: { ...spec, ref: 'r'.repeat(TASK_LIMITS.refBytesMax) } })
    // The version without `ref` finds it under a number that it does not know, as this one does with 100.
    const traceparent: Part = { number: 101, type: 2, bytes: Buffer.alloc(55, 't') }
    const bytes = changed(encode(given), [IN_BATCH, RECORDS, SPEC], of => {
      const parts = partsOf(of).map(part => (part.number === REF ? { ...part, number: 100 } : part))
      return joined([...parts, traceparent])
    })
    const record = recordIn(bytes)
    expect(record.spec).toMatchObject({
      ref: null,
      later: expect.stringContaining('rrr') as string
    })
    expect(encode(batchOf(record))).toEqual(Buffer.from(bytes))
  })

  test('to a claim tells it from the same one without', () => {
    const [known] = whole.records as [TaskRecord]
    const told = recordIn(changed(encode(whole), [IN_BATCH, RECORDS, CLAIM], more))
    expect(join(known, told)).toEqual(join(told, known))
    expect(told).not.toEqual(known)
  })

  test('as a component stands by epoch, then sequence, then bytes', () => {
    const component = (epoch: number, sequence: number, text: string): TaskRecord => {
      const body = protobuf.Writer.create().uint32(8).uint32(epoch).uint32(16).uint32(sequence)
      const part = { number: 40, type: 2, bytes: body.uint32(26).string(text).finish() }
      const bytes = changed(encode(whole), [IN_BATCH, RECORDS], of =>
        joined([...partsOf(of), part])
      )
      const record = recordIn(bytes)
      expect(encode(batchOf(record))).toEqual(Buffer.from(bytes))
      return record
    }
    const rising = [component(1, 9, 'z'), component(2, 0, 'z'), component(2, 1, 'a')]
    rising.push(component(2, 1, 'b'))
    for (const [i, x] of rising.entries()) {
      for (const [j, y] of rising.entries()) {
        expect(join(x, y).components).toEqual(rising[Math.max(i, j)]!.components)
      }
    }
  })

  test('as a reason or a cause is passed on by its place', () => {
    const failed = outcomeBy(A, { status: 'failed', result: null, reason: 'other:77' })
    const claim = { ...taskOf(A, 1).claim, cause: 'other:9' as const }
    const record = taskOf(A, 1, { outcome: failed, claim })
    expect(RECORD.fault(record)).toBeNull()
    expect(recordIn(encode(batchOf(record)))).toEqual(record)
  })

  test('as a reason is not what is known under another name', () => {
    const outcome = outcomeBy(A, { status: 'failed', result: null, reason: 'other:1' })
    expect(RECORD.fault(taskOf(A, 1, { outcome }))).not.toBeNull()
  })

  test('as a kind of message is no fault of its sender', () => {
    const bytes = joined([{ number: 77, type: 2, bytes: Buffer.from('news') }])
    expect(decode(bytes)).toEqual({ ok: true, message: { kind: 'other', number: 77 } })
  })

  test('beyond its bound cannot be read', () => {
    const huge = { ...added, bytes: Buffer.alloc(600) }
    const bytes = changed(encode(whole), [IN_BATCH, RECORDS, CLAIM], of =>
      joined([...partsOf(of), huge])
    )
    expect(decode(bytes)).toMatchObject({ message: { records: [], writes: [UNREADABLE] } })
  })
})

describe('a record that cannot be read', () => {
  test('costs itself alone: those behind it count on the names that it has introduced', () => {
    const bad = taskOf(B, 1, { spec: { priority: 99 }, started: { epoch: 0, by: C, at: 1 } })
    const good = [taskOf(A, 1), taskOf(B, 2), taskOf(C, 3)]
    const sent: Batch = {
      ...BATCH,
      records: [good[0]!, bad, good[1]!, good[2]!],
      writes: [1, 0, -1, 3, 2, 1]
    }
    const decoded = decode(encodeUnchecked(sent))
    expect(decoded).toMatchObject({ ok: true, unreadable: [expect.stringContaining('99')] })
    expect(decoded).toMatchObject({
      message: { records: good, writes: [UNREADABLE, 0, -1, 2, 1, UNREADABLE] }
    })
  })

  test('is left out of a grant and of an answer', () => {
    const bad = taskOf(B, 1, { spec: { priority: 99 } })
    const good = taskOf(A, 1)
    const grant = { kind: 'grant', request: 1, boot: A, records: [bad, good] } as const
    expect(decode(encodeUnchecked({ ...grant, dependencies: [bad] }))).toMatchObject({
      message: { records: [good], dependencies: [] }
    })
    const found = { kind: 'found', boot: A, ids: [], records: [bad, good], forgotten: [] } as const
    expect(decode(encodeUnchecked(found))).toMatchObject({ message: { records: [good] } })
  })

  test('is passed over at no more than its own price, however many names it has', () => {
    const names = new Uint8Array(1_000_000).fill(0)
    for (let i = 0; i < names.length; i += 2) names[i] = (1 << 3) | 2
    const created = joined([{ number: 2, type: 2, bytes: names }])
    const nothing: Part = { number: RECORDS, type: 2, bytes: new Uint8Array(0) }
    const bytes = changed(encode(BATCH), [IN_BATCH], of =>
      joined([
        ...partsOf(of),
        { ...nothing, bytes: created },
        ...Array.from({ length: 600 }, () => nothing)
      ])
    )
    const decoded = decode(bytes)
    expect(decoded.ok).toBe(true)
    expect((decoded as { unreadable: readonly string[] }).unreadable.length).toBeLessThan(10)
  })

  test('in a change is not taken for a task that has been pruned', () => {
    const { spec: _, created, ...state } = taskOf(B, 1)
    const claim = { ...state.claim, notBefore: Number.NaN }
    const changes = [{ task: created[0]!, ...state, claim }]
    const sent = { ...BATCH, records: [taskOf(A, 1)], changes, writes: [0, 1] }
    const { message } = decode(encodeUnchecked(sent)) as unknown as { message: Batch }
    expect(message.writes).toEqual([0, UNREADABLE])
    expect(message.changes).toBeUndefined()
  })
})

describe('a task that was created very often', () => {
  const dots = Array.from({ length: 60 }, (_, i) => ({
    origin: bootId(`n${i % 30}`, 1, 0),
    seq: 1 + (i % 2)
  }))

  test('is read with the least of its creations, in order', () => {
    const record = recordIn(encodeUnchecked(batchOf(taskOf(A, 1, { created: dots }))))
    expect(record.created).toEqual(leastDots(dots))
    expect(RECORD.fault(record)).toBeNull()
  })

  test('remembers the same of them in whatever order it is joined, and can always be written', () => {
    const states = dots.map(dot => taskOf(A, 1, { created: [dot] }))
    const there = states.reduce((x, y) => join(x, y))
    const back = states.toReversed().reduce((x, y) => join(x, y))
    expect(there.created).toEqual(leastDots(dots))
    expect(back).toEqual(there)
    expect(join(there, states[59]!)).toBe(there)
    expect(RECORD.fault(there)).toBeNull()
  })
})
