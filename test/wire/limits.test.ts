/** Every bound on what a peer may send: what is at the bound is accepted, and one more is refused. */
import protobuf from 'protobufjs/minimal.js'
import { describe, expect, test } from 'vitest'
import { bootOf, heartbeatOf, outcomeBy, taskOf } from '../support/tasks.ts'
import { AssertionError } from '../../src/core/base/assert.ts'
import { bootId, SEQ_MAX, taskId } from '../../src/core/base/ids.ts'
import {
  type Batch,
  type Heartbeat,
  type Message,
  type PoolState,
  HISTOGRAM_BUCKETS
} from '../../src/core/message.ts'
import {
  BLOBS_PER_MESSAGE_MAX,
  COUNTS_TYPES_PER_MESSAGE_MAX,
  FIND_IDS_MAX,
  GOSSIP_BYTES_MAX,
  LIMITS,
  TASK_DEFAULTS,
  TASK_LIMITS
} from '../../src/core/options.ts'
import type { BlobRef } from '../../src/core/task/content.ts'
import type { LabelConditions } from '../../src/core/task/labels.ts'
import type { TaskRecord } from '../../src/core/task/record.ts'
import { MESSAGE_SHAPES } from '../../src/core/message-shapes.ts'
import { RECORD } from '../../src/core/task/shapes.ts'
import { decode, encode, encodeUnchecked } from '../../src/wire/codec.ts'

const A = bootOf('a')
const ID = taskId(1, A, 1)

function batchOf(parts: Parameters<typeof taskOf>[2]): Batch {
  const records = [taskOf(A, 1, parts)]
  return { kind: 'batch', origin: A, after: 0, records, writes: [0] }
}

function list<T>(count: number, item: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => item(i))
}

function text(bytes: number): string {
  return 'x'.repeat(bytes)
}

function nodeOfLength(length: number): string {
  return text(length - 18)
}

function labels(count: number, bytes = 1): Record<string, string> {
  return Object.fromEntries(list(count, i => [String(i), text(bytes)]))
}

const failed = (name: string, message: string, stack: string): TaskRecord['outcome'] =>
  outcomeBy(A, { status: 'failed', error: { name, message, stack } })

const asking = (require: LabelConditions): Message =>
  batchOf({ spec: { labels: { require, prefer: [] } } })
const heartbeat = (parts: Partial<Heartbeat>): Message => heartbeatOf(A, parts)
const steal = (want: number, handlers: string[] = []): Message => ({
  kind: 'steal',
  request: 1,
  boot: A,
  want,
  handlers,
  labels: {}
})
const grant = (records: number, dependencies: number): Message => ({
  kind: 'grant',
  request: 1,
  boot: A,
  records: list(records, () => taskOf(A, 1)),
  dependencies: list(dependencies, () => taskOf(A, 1))
})
const vector = (count: number): Map<string, number> =>
  new Map(list(count, i => [bootId(`n${i}`, 1, 0), 1]))

/** A pool that runs `types` types of tasks. */
function pool(name: string, types = 0): PoolState {
  const busy = { slots: 1, running: 0, queued: 0 }
  return { name, ...busy, types: list(types, String), labels: {}, external: false }
}

/** A blob of this size, as a message names one. */
function blob(bytes: number): BlobRef {
  return { hash: '0123456789abcdef'.repeat(4), bytes }
}

/** What is bounded, the bound, and a message that has exactly that much of it. */
const upper: readonly [string, number, (size: number) => Message][] = [
  ['type', TASK_LIMITS.typeLengthMax * 4, n => batchOf({ spec: { type: text(n) } })],
  ['payload', TASK_LIMITS.inlineBytesMax, n => batchOf({ spec: { payload: text(n) } })],
  ['priority', TASK_LIMITS.priorityMax, n => batchOf({ spec: { priority: n } })],
  [
    'dependencies',
    TASK_LIMITS.dependenciesMax,
    n => batchOf({ spec: { dependsOn: list(n, () => ID) } })
  ],
  ['tags', TASK_LIMITS.tagsMax, n => batchOf({ spec: { tags: list(n, () => 'tag') } })],
  ['tag', TASK_LIMITS.tagLengthMax * 4, n => batchOf({ spec: { tags: [text(n)] } })],
  ['timeout', TASK_LIMITS.timeoutMsMax, n => batchOf({ spec: { timeoutMs: n } })],
  ['retries', TASK_LIMITS.maxRetriesMax, n => batchOf({ spec: { maxRetries: n } })],
  ['lost holders', TASK_LIMITS.maxLostMax, n => batchOf({ spec: { maxLost: n } })],
  ['deadline', TASK_LIMITS.deadlineMsMax, n => batchOf({ spec: { deadlineMs: n } })],
  [
    'wait between attempts',
    TASK_LIMITS.backoffMsMax,
    n => batchOf({ spec: { backoff: { ...TASK_DEFAULTS.backoff, delayMs: n } } })
  ],
  [
    'growth of waits',
    TASK_LIMITS.backoffFactorMax,
    n => batchOf({ spec: { backoff: { ...TASK_DEFAULTS.backoff, factor: n } } })
  ],
  [
    'idempotency key',
    TASK_LIMITS.idempotencyKeyLengthMax * 4,
    n => batchOf({ spec: { idempotencyKey: text(n) } })
  ],
  [
    'conditions for labels',
    TASK_LIMITS.labelConditionsMax,
    n => asking(list(n, i => ({ label: String(i), atLeast: i })))
  ],
  [
    'texts that a label may have',
    TASK_LIMITS.labelValuesMax,
    n => asking([{ label: 'zone', anyOf: list(n, String) }])
  ],
  [
    'bytes of all conditions',
    TASK_LIMITS.labelBytesMax,
    n => asking(list(8, i => ({ label: text(i === 0 ? n - 7 * 128 : 128), anyOf: [] })))
  ],
  [
    'tail of a log',
    TASK_LIMITS.tailBytesMax,
    n => batchOf({ outcome: outcomeBy(A, { tail: text(n) }) })
  ],
  [
    'result',
    TASK_LIMITS.inlineBytesMax,
    n => batchOf({ outcome: outcomeBy(A, { result: text(n) }) })
  ],
  [
    'name of an error',
    TASK_LIMITS.errorNameLengthMax * 4,
    n => batchOf({ outcome: failed(text(n), '', '') })
  ],
  [
    'message of an error',
    TASK_LIMITS.errorMessageBytesMax,
    n => batchOf({ outcome: failed('', text(n), '') })
  ],
  [
    'stack of an error',
    TASK_LIMITS.errorStackBytesMax,
    n => batchOf({ outcome: failed('', '', text(n)) })
  ],
  [
    'name of a boot',
    LIMITS.bootBytesMax,
    n => ({ kind: 'goodbye', boot: bootId(nodeOfLength(n), 1, 0), upTo: 0 })
  ],
  ['name of a node', LIMITS.nodeNameBytesMax, n => heartbeat({ name: text(n) })],
  ['version', LIMITS.versionBytesMax, n => heartbeat({ version: text(n) })],
  ['slots', LIMITS.slotsMax, n => heartbeat({ slots: n })],
  ['running', LIMITS.slotsMax, n => heartbeat({ running: n })],
  ['handlers', LIMITS.handlersMax, n => heartbeat({ handlers: list(n, String) })],
  ['name of a handler', TASK_LIMITS.typeLengthMax * 4, n => heartbeat({ handlers: [text(n)] })],
  ['labels', LIMITS.labelsMax, n => heartbeat({ labels: labels(n) })],
  ['value of a label', LIMITS.labelBytesMax, n => heartbeat({ labels: labels(1, n) })],
  ['name of a label', LIMITS.labelBytesMax, n => heartbeat({ labels: { [text(n)]: '' } })],
  ['addresses', LIMITS.addressesMax, n => heartbeat({ addresses: list(n, String) })],
  ['address', LIMITS.addressBytesMax, n => heartbeat({ addresses: [text(n)] })],
  [
    'expected instances',
    LIMITS.rosterMax,
    n => heartbeat({ roster: list(n, i => ({ name: `x/${i}`, at: 1, expected: true })) })
  ],
  [
    'departures',
    LIMITS.departuresMax,
    n => heartbeat({ departures: list(n, () => ({ boot: A, at: 1, forgotten: false, upTo: 1 })) })
  ],
  ['pools', LIMITS.poolsMax, n => heartbeat({ pools: list(n, i => pool(String(i))) })],
  ['name of a pool', LIMITS.poolNameBytesMax, n => heartbeat({ pools: [pool(text(n))] })],
  ['slots of a pool', LIMITS.slotsMax, n => heartbeat({ pools: [{ ...pool('x'), slots: n }] })],
  ['types of a pool', LIMITS.handlersMax, n => heartbeat({ pools: [pool('x', n)] })],
  [
    'types of all pools',
    LIMITS.poolTypesMax,
    n => heartbeat({ pools: [pool('x', 200), pool('y', 200), pool('z', n - 400)] })
  ],
  [
    'slot that a task got',
    LIMITS.slotsMax,
    n => batchOf({ started: { epoch: 0, by: A, at: 1, pool: 'x', slot: n } })
  ],
  ['boots met lately', LIMITS.metMax, n => heartbeat({ met: list(n, () => A) })],
  ['boots asked about', LIMITS.whoMax, n => ({ kind: 'who', boots: list(n, () => A) })],
  [
    'boots of a vector',
    LIMITS.vectorEntriesMax,
    n => ({ kind: 'ack', boot: A, vector: vector(n) })
  ],
  [
    'tasks that have been pruned',
    LIMITS.prunedMax,
    n => ({ kind: 'pruned', ids: list(n, () => taskOf(A, 1).spec.id) })
  ],
  [
    'tasks that are asked for',
    FIND_IDS_MAX,
    n => ({ kind: 'find', boot: A, ids: list(n, () => ID) })
  ],
  [
    'tasks that an answer is about',
    FIND_IDS_MAX,
    n => ({ kind: 'found', boot: A, ids: list(n, () => ID), records: [], forgotten: [] })
  ],
  [
    'tasks that were asked for',
    FIND_IDS_MAX,
    n => ({ kind: 'found', boot: A, ids: [], records: list(n, () => taskOf(A, 1)), forgotten: [] })
  ],
  [
    'tasks that were asked for and have been forgotten',
    FIND_IDS_MAX,
    n => ({ kind: 'found', boot: A, ids: [], records: [], forgotten: list(n, () => ID) })
  ],
  [
    'stretches of forgotten writes',
    LIMITS.spansMax,
    n => ({
      kind: 'forgotten',
      spans: list(n, () => ({ origin: A, after: 0, upTo: 1 })),
      boots: [],
      more: false
    })
  ],
  [
    'boots that are closed',
    LIMITS.vectorEntriesMax,
    n => ({ kind: 'forgotten', spans: [], boots: list(n, () => A), more: false })
  ],
  [
    'bytes of a payload in a blob',
    TASK_LIMITS.blobBytesMax,
    n => batchOf({ spec: { payload: blob(n) } })
  ],
  [
    'bytes of a result in a blob',
    TASK_LIMITS.blobBytesMax,
    n => batchOf({ outcome: outcomeBy(A, { result: blob(n) }) })
  ],
  [
    'blobs offered',
    BLOBS_PER_MESSAGE_MAX,
    n => ({ kind: 'offer', boot: A, blobs: list(n, () => blob(9000)) })
  ],
  [
    'blobs that are kept',
    BLOBS_PER_MESSAGE_MAX,
    n => ({ kind: 'kept', boot: A, hashes: list(n, () => blob(9000).hash) })
  ],
  ['types of tasks that are counted', COUNTS_TYPES_PER_MESSAGE_MAX, n => countsOf(list(n, String))],
  [
    'buckets of a histogram',
    HISTOGRAM_BUCKETS,
    n =>
      countsOf(
        ['work'],
        list(n, () => 1)
      )
  ],
  ['tasks asked for', LIMITS.wantMax, n => steal(n)],
  ['types asked for', LIMITS.handlersMax, n => steal(1, list(n, String))],
  ['tasks granted', LIMITS.wantMax, n => grant(n, 0)],
  ['dependencies of a grant', LIMITS.recordsMax, n => grant(0, n)],
  [
    'tasks of a batch',
    LIMITS.recordsMax,
    n => ({ ...batchOf({}), records: list(n, () => taskOf(A, 1)) })
  ],
  ['writes of a batch', LIMITS.writesMax, n => ({ ...batchOf({}), writes: list(n, () => -1) })]
]

/** Why whoever makes this message would not: records are looked at where they are written. */
function faultOf(message: Message): string | null {
  const why = MESSAGE_SHAPES[message.kind].fault(message)
  if (why !== null) return why
  return 'records' in message
    ? message.records.reduce<string | null>((found, each) => found ?? RECORD.fault(each), null)
    : null
}

/** Whether all of it could be read. */
function isRead(bytes: Uint8Array): boolean {
  const decoded = decode(bytes)
  return decoded.ok && decoded.unreadable === undefined
}

function countsOf(types: readonly string[], counts: readonly number[] = []): Message {
  const each = { completed: 0, failed: 0, cancelled: 0, retried: 0, runs: { sumMs: 0, counts } }
  return { kind: 'counts', boot: A, sequence: 1, types: types.map(type => ({ type, ...each })) }
}

describe('a bound', () => {
  test('on counts keeps them within one gossip message', () => {
    const types = list(COUNTS_TYPES_PER_MESSAGE_MAX, () => '\u{1f600}'.repeat(128))
    const counts = list(HISTOGRAM_BUCKETS, () => 2 ** 32 - 1)
    expect(encode(countsOf(types, counts)).length).toBeLessThan(GOSSIP_BYTES_MAX)
  })

  test.each(upper)('on %s is kept by who writes and by who reads', (_, bound, messageOf) => {
    const most = messageOf(bound)
    expect(faultOf(most)).toBeNull()
    expect(decode(encode(most))).toEqual({ ok: true, message: most })
    const more = messageOf(bound + 1)
    expect(faultOf(more)).not.toBeNull()
    expect(isRead(encodeUnchecked(more))).toBe(false)
  })

  test('stands for every name in the list of bounds', () => {
    expect(Object.keys(LIMITS).sort()).toEqual(
      [
        ['addressBytesMax', 'addressesMax', 'bootBytesMax', 'departuresMax', 'handlersMax'],
        [
          'labelBytesMax',
          'labelsMax',
          'metMax',
          'nodeNameBytesMax',
          'poolNameBytesMax',
          'poolTypesMax',
          'poolsMax',
          'prunedMax',
          'recordsMax',
          'rosterMax'
        ],
        [
          'slotsMax',
          'spansMax',
          'vectorEntriesMax',
          'versionBytesMax',
          'wantMax',
          'whoMax',
          'writesMax'
        ]
      ].flat()
    )
  })
})

describe('refused is', () => {
  const refused: readonly [string, Message][] = [
    ['a priority below the lowest', batchOf({ spec: { priority: TASK_LIMITS.priorityMin - 1 } })],
    ['a write of no number', batchOf({ created: [{ origin: A, seq: 0 }] })],
    ['a task that nobody created', batchOf({ created: [] })],
    ['a write of a record that is not there', { ...batchOf({}), writes: [1] }],
    ['a time before all time', batchOf({ started: { epoch: 0, by: A, at: -1 } })],
    ['a time that is no whole number', batchOf({ started: { epoch: 0, by: A, at: 1.5 } })],
    ['a time that is no number', batchOf({ started: { epoch: 0, by: A, at: Number.NaN } })],
    ['a time beyond what counts exactly', batchOf({ started: { epoch: 0, by: A, at: 2 ** 53 } })],
    ['an endless duration', batchOf({ outcome: outcomeBy(A, { durationMs: Infinity }) })],
    ['a negative duration', batchOf({ outcome: outcomeBy(A, { durationMs: -1 }) })],
    ['a completion without a result', batchOf({ outcome: outcomeBy(A, { result: null }) })],
    ['a completion with a reason', batchOf({ outcome: outcomeBy(A, { reason: 'Timeout' }) })],
    [
      'a cancelled task with a result',
      batchOf({ outcome: outcomeBy(A, { status: 'cancelled', result: '1', reason: 'Timeout' }) })
    ],
    [
      'a failure without a reason',
      batchOf({ outcome: outcomeBy(A, { status: 'failed', result: null, reason: null }) })
    ],
    ['a task id of another version', batchOf({ spec: { id: ID.replace('-8', '-4') } })],
    [
      'a task id of another variant',
      batchOf({ spec: { id: ID.replace(/-8(?=.{3}-.{12}$)/, '-c') } })
    ],
    [
      'waits that grow shorter',
      batchOf({ spec: { backoff: { ...TASK_DEFAULTS.backoff, factor: 0 } } })
    ],
    [
      'a jitter of more than all',
      batchOf({ spec: { backoff: { ...TASK_DEFAULTS.backoff, jitter: 1.1 } } })
    ],
    ['a label that has to reach no number', asking([{ label: 'a', atLeast: Number.NaN }])],
    [
      'a payload in a blob that belongs into the record',
      batchOf({ spec: { payload: blob(TASK_LIMITS.inlineBytesMax) } })
    ],
    ['a hash of another form', { kind: 'kept', boot: A, hashes: [blob(9000).hash.toUpperCase()] }],
    [
      'a hash that is a path',
      { kind: 'offer', boot: A, blobs: [{ hash: '../'.repeat(21), bytes: 9000 }] }
    ],
    [
      'a failure with a result in a blob',
      batchOf({
        outcome: outcomeBy(A, { status: 'failed', result: blob(9000), reason: 'Timeout' })
      })
    ],
    ['a boot without a node', { kind: 'goodbye', boot: '/0000000001-000000', upTo: 0 }],
    ['a boot with too many parts', { kind: 'goodbye', boot: 'a/b/0000000001-000000', upTo: 0 }],
    [
      'a vector entry beyond all writes',
      { kind: 'ack', boot: A, vector: new Map([[A, SEQ_MAX + 1]]) }
    ],
    ['a text with half a character', batchOf({ spec: { idempotencyKey: '\ud800' } })],
    ['a vector entry of zero', { kind: 'ack', boot: A, vector: new Map([[A, 0]]) }]
  ]

  test.each(refused)('%s', (_, message) => {
    expect(faultOf(message)).not.toBeNull()
    expect(isRead(encodeUnchecked(message))).toBe(false)
  })

  test('to encode what no peer would read', () => {
    const vector = new Map([[A, SEQ_MAX + 1]])
    expect(() => encode({ kind: 'ack', boot: A, vector })).toThrow(AssertionError)
  })

  test.each([0, 15, 17])('a task id of %s bytes', length => {
    const bytes = protobuf.Writer.create()
      .uint32((9 << 3) | 2)
      .fork()
      .uint32((1 << 3) | 2)
      .bytes(new Uint8Array(length).fill(0x88))
      .ldelim()
      .finish()
    expect(decode(bytes)).toEqual({ ok: false, why: `an id of ${length} bytes instead of 16` })
  })

  test('anything after the end of a message', () => {
    const bytes = Buffer.concat([encode({ kind: 'goodbye', boot: A, upTo: 0 }), Buffer.from([0])])
    expect(decode(bytes)).toMatchObject({ ok: false })
  })

  test('a message without a field that it needs', () => {
    const bytes = protobuf.Writer.create()
      .uint32((6 << 3) | 2)
      .fork()
      .ldelim()
      .finish()
    expect(decode(bytes)).toEqual({ ok: false, why: 'boot is missing' })
  })

  test('a message that ends within one of its fields', () => {
    const bytes = Uint8Array.from(encode({ kind: 'goodbye', boot: A, upTo: 0 }))
    bytes[1]! -= 3
    expect(decode(bytes)).toEqual({ ok: false, why: 'a message ends within a field' })
  })

  test('nothing at all', () => {
    expect(decode(new Uint8Array())).toMatchObject({ ok: false })
  })
})

describe('the table of names', () => {
  function goodbye(write: (writer: protobuf.Writer) => void): ReturnType<typeof decode> {
    const writer = protobuf.Writer.create()
      .uint32((6 << 3) | 2)
      .fork()
    write(writer)
    return decode(writer.ldelim().finish())
  }

  test('has no entry before a name was introduced', () => {
    const decoded = goodbye(writer => writer.uint32((1 << 3) | 0).uint32(0))
    expect(decoded).toEqual({ ok: false, why: 'name 0 was not introduced' })
  })

  test('has no entry beyond those introduced', () => {
    const decoded = goodbye(writer => {
      writer.uint32((1 << 3) | 2).string(A)
      writer.uint32((1 << 3) | 0).uint32(1)
    })
    expect(decoded).toEqual({ ok: false, why: 'name 1 was not introduced' })
  })

  test('gives the name that a number stands for', () => {
    const decoded = goodbye(writer => {
      writer.uint32((1 << 3) | 2).string(A)
      writer.uint32((1 << 3) | 0).uint32(0)
      writer.uint32((2 << 3) | 0).uint32(0)
    })
    expect(decoded).toEqual({ ok: true, message: { kind: 'goodbye', boot: A, upTo: 0 } })
  })

  test('is empty again for the next message', () => {
    encode({ kind: 'goodbye', boot: A, upTo: 0 })
    expect(decode(encode({ kind: 'goodbye', boot: A, upTo: 0 }))).toMatchObject({ ok: true })
  })

  test('writes a long name once, however often it is said', () => {
    const boot = bootId('n'.repeat(60), 1, 0)
    const one = (count: number): number =>
      encode({
        ...batchOf({ created: list(count, i => ({ origin: boot, seq: i + 1 })) }),
        origin: boot
      }).length
    expect(one(20) - one(1)).toBeLessThan(19 * 20)
  })
})
