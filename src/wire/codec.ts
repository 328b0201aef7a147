/**
 * Bytes and messages. `encode` asserts that what it is given can be read, for it is ours; `decode` trusts nothing and
 * never throws.
 */
import protobuf from 'protobufjs/minimal.js'
import { assert } from '../core/base/assert.ts'
import { list, struct, whole, type StructShape, type WholeShape } from '../core/base/shape.ts'
import type { StoredTask } from '../core/effect.ts'
import {
  UNREADABLE,
  type Batch,
  type Change,
  type Found,
  type Grant,
  type Message,
  type Span
} from '../core/message.ts'
import {
  ACK,
  BATCH,
  CHANGE,
  FAREWELL,
  FIND,
  FORGOTTEN,
  FOUND,
  GOODBYE,
  GRANT,
  KEPT,
  MESSAGE_SHAPES,
  OFFER,
  PRUNED,
  SPAN,
  STEAL,
  SYNC
} from '../core/message-shapes.ts'
import { sameValues } from '../core/base/order.ts'
import { LIMITS, TASK_DEFAULTS } from '../core/options.ts'
import type { Checkpoint } from '../core/task/checkpoint.ts'
import type { BlobRef } from '../core/task/content.ts'
import { leastDots, type Dot, type TaskRecord } from '../core/task/record.ts'
import {
  ANY_BLOB,
  BACKOFF,
  BLOB,
  CANCEL_REQUEST,
  CHECKPOINT,
  CLAIM,
  DOT,
  ERROR,
  OUTCOME,
  RECORD,
  SPEC,
  STARTED
} from '../core/task/shapes.ts'
import { TIME_MS_MAX } from '../core/task/times.ts'
import type { Backoff } from '../core/task/spec.ts'
import { counts } from './counts.ts'
import { isWithoutRules, labelRules } from './labels.ts'
import { COMPONENTS } from './later.ts'
import { drain, heartbeat, introduction, replaced, undrain, who } from './members.ts'
import { Names } from './names.ts'
import { at, either, ifThere, mapped, message, packed, readable, usually } from './schema.ts'
import { valueOf, varint } from './single.ts'
import { refuse, type Value } from './value.ts'
import { written } from './scratch.ts'
import { sparse } from './stretches.ts'
import { uuid } from './uuid.ts'
import { dot, labels, vector } from './values.ts'
import { fromFields, RUNS, runs, toFields, WRITES_MAX, type Runs } from './writes.ts'

/** The wire type of a kind's body. */
const BYTES = 2

/** A kind that a later version has added, by its number. Nothing follows from it here. */
export type Other = Readonly<{ kind: 'other'; number: number }>

/** `unreadable`: why the first records in it that could not be read could not be. @default all could */
export type Decoded =
  | { ok: true; message: Message | Other; unreadable?: readonly string[] }
  | { ok: false; why: string }
export type DecodedStored = { ok: true; task: StoredTask } | { ok: false; why: string }

const blobRef: Value<BlobRef> = message(BLOB, { hash: 1, bytes: 2 })

/** One of any size. */
const anyBlob: Value<BlobRef> = message(ANY_BLOB, { hash: 1, bytes: 2 })

const backoff: Value<Backoff> = message(BACKOFF, {
  delayMs: 1,
  factor: 2,
  maxDelayMs: 3,
  jitter: 4
})

/**
 * Version 0.1 took any whole number for the time of a start, and such tasks are on disks: they wait until the last time
 * there is.
 */
const startTime: Value<number> = mapped(
  valueOf(whole(Number.MAX_SAFE_INTEGER)),
  (ms: number) => ms,
  ms => Math.min(ms, TIME_MS_MAX)
)

const spec = message(SPEC, {
  id: at(1, uuid),
  type: 2,
  payload: either(3, at(15, blobRef)),
  priority: 4,
  dependsOn: at(5, uuid),
  tags: 6,
  timeoutMs: 7,
  submittedAt: 8,
  submittedBy: 9,
  retentionMs: 10,
  onDependencyFailure: usually(11, TASK_DEFAULTS.onDependencyFailure),
  maxRetries: usually(12, TASK_DEFAULTS.maxRetries),
  maxLost: usually(13, TASK_DEFAULTS.maxLost),
  backoff: usually(at(14, backoff), TASK_DEFAULTS.backoff, given =>
    sameValues(given, TASK_DEFAULTS.backoff)
  ),
  deadlineMs: 16,
  notBefore: at(17, startTime),
  labels: usually(at(18, labelRules), TASK_DEFAULTS.labels, isWithoutRules),
  idempotencyKey: 19,
  delivery: usually(20, TASK_DEFAULTS.delivery),
  retryOf: at(21, uuid),
  ref: 22,
  traceparent: 23
})

const claim = message(CLAIM, {
  epoch: 1,
  holder: 2,
  attempt: 3,
  hops: 4,
  cause: 5,
  lost: 6,
  notBefore: at(7, startTime),
  unasked: ifThere(8)
})

const started = message(STARTED, {
  epoch: 1,
  at: 2,
  by: 3,
  pool: ifThere(4),
  slot: ifThere(5)
})

const cancelRequest = message(CANCEL_REQUEST, { at: 1, by: 2 })

const error = message(ERROR, { name: 1, message: 2, stack: 3 })

const outcome = message(OUTCOME, {
  status: 1,
  epoch: 2,
  by: 3,
  at: 4,
  durationMs: 5,
  result: either(6, at(15, blobRef)),
  error: at(7, error),
  reason: 8,
  tail: 9
})

/**
 * Its number is the same in a record and in a change, and its first two fields are those of a component (`later.ts`):
 * versions that do not know it join it and pass it on.
 */
const checkpoint: Value<Checkpoint> = message(CHECKPOINT, {
  epoch: 1,
  sequence: 2,
  blob: at(3, anyBlob)
})

/**
 * One key may be submitted on many nodes in one instant, and version 0.1 kept and wrote every such creation. A record
 * remembers the least of them: that is done here, so that one with more is read, and is the same as everywhere else.
 */
const CREATED_READ_MAX = 4096

const record: Value<TaskRecord> = mapped(
  message(
    struct<TaskRecord>(
      { ...RECORD.fields, created: list(DOT, CREATED_READ_MAX) },
      { rule: RECORD.rule }
    ),
    {
      spec: at(1, spec),
      created: at(2, dot),
      claim: at(3, claim),
      started: at(4, started),
      outcome: at(5, outcome),
      cancelRequest: at(6, cancelRequest),
      checkpoint: ifThere(at(7, checkpoint))
    },
    COMPONENTS
  ),
  (given: TaskRecord) => given,
  sent => (isSorted(sent.created) ? sent : { ...sent, created: leastDots(sent.created) })
)

/** As a rule there is one. */
function isSorted(created: readonly Dot[]): boolean {
  return created.length === 1 || sameValues(leastDots(created), created)
}

const change: Value<Change> = message(
  CHANGE,
  {
    task: at(1, dot),
    claim: at(2, claim),
    started: at(3, started),
    cancelRequest: at(4, cancelRequest),
    outcome: at(5, outcome),
    checkpoint: ifThere(at(7, checkpoint))
  },
  COMPONENTS
)

const batch = mapped(
  message<Sent>(BATCH as StructShape<Sent>, {
    origin: 1,
    after: 2,
    records: readable(3, record),
    changes: readable(5, change),
    writes: packed(4)
  }),
  ({ changes = [], ...given }: Omit<Batch, 'kind'>): Sent => ({ ...given, changes }),
  ({ changes: some, ...sent }): Omit<Batch, 'kind'> => {
    const { records, changes, writes } = withoutUnreadable(sent.records, some, sent.writes)
    const batch = { ...sent, records, writes }
    return changes.length === 0 ? batch : { ...batch, changes }
  }
)

/** A batch whose records could not all be read. */
type Sent = Omit<Required<Batch>, 'kind' | 'records' | 'changes'> &
  Readonly<{ records: readonly (TaskRecord | null)[]; changes: readonly (Change | null)[] }>

/** Writes of what could not be read are marked as that; the others go on to name their tasks. */
function withoutUnreadable(
  records: Sent['records'],
  changes: Sent['changes'],
  writes: readonly number[]
): Pick<Required<Batch>, 'records' | 'changes' | 'writes'> {
  if (isWhole(records) && isWhole(changes)) return { records, changes, writes }
  let places = 0
  const moved = [...records, ...changes].map(each => (each === null ? UNREADABLE : places++))
  return {
    records: records.filter(each => each !== null),
    changes: changes.filter(each => each !== null),
    writes: writes.map(place => (place < 0 ? place : moved[place]!))
  }
}

function isWhole<T>(list: readonly (T | null)[]): list is readonly T[] {
  return !list.includes(null)
}

const ack = message(ACK, { boot: 1, vector: at(2, vector), unreadable: sparse(3) })

const steal = message(STEAL, {
  request: 1,
  boot: 2,
  want: 3,
  handlers: 4,
  labels: at(5, labels),
  pool: ifThere(6)
})

const grant = mapped(
  message<Readable<Omit<Grant, 'kind'>, 'records' | 'dependencies'>>(GRANT as never, {
    request: 1,
    boot: 2,
    records: readable(3, record),
    dependencies: readable(4, record)
  }),
  (given: Omit<Grant, 'kind'>) => given,
  ({ records, dependencies, ...sent }) => ({
    ...sent,
    records: records.filter(each => each !== null),
    dependencies: dependencies.filter(each => each !== null)
  })
)

const find = message(FIND, { boot: 1, ids: at(2, uuid) })

const found = mapped(
  message<Readable<Omit<Found, 'kind'>, 'records'>>(FOUND as never, {
    boot: 1,
    ids: at(2, uuid),
    records: readable(3, record),
    forgotten: at(4, uuid)
  }),
  (given: Omit<Found, 'kind'>) => given,
  ({ records, ...sent }) => ({ ...sent, records: records.filter(each => each !== null) })
)

/** What came of lists of records, of which not all could be read. */
type Readable<T, K extends keyof T> = Omit<T, K> &
  Readonly<Record<K, readonly (TaskRecord | null)[]>>

const goodbye = message(GOODBYE, {
  boot: 1,
  upTo: at(2, varint(GOODBYE.fields.upTo as WholeShape))
})
const farewell = message(FAREWELL, { boot: 1 })

const sync = message(SYNC, {
  boot: 1,
  vector: at(2, vector),
  unreadable: sparse(3),
  again: sparse(4)
})

const span: Value<Span> = message(SPAN, { origin: 1, after: 2, upTo: 3 })

const forgotten = message(FORGOTTEN, { spans: at(1, span), boots: 2, more: 3 })

const pruned = message(PRUNED, { ids: at(1, uuid) })

const offer = message(OFFER, { boot: 1, blobs: at(2, anyBlob) })

const kept = message(KEPT, { boot: 1, hashes: 2 })

/** The field number of a kind in the envelope. Numbers are never used again for something else. */
const KINDS = {
  heartbeat: [1, heartbeat],
  batch: [2, batch],
  ack: [3, ack],
  steal: [4, steal],
  grant: [5, grant],
  find: [24, find],
  found: [25, found],
  goodbye: [6, goodbye],
  sync: [7, sync],
  pruned: [9, pruned],
  forgotten: [11, forgotten],
  offer: [14, offer],
  kept: [15, kept],
  drain: [20, drain],
  who: [21, who],
  introduction: [22, introduction],
  replaced: [23, replaced],
  farewell: [26, farewell],
  undrain: [27, undrain],
  counts: [16, counts]
} as const satisfies {
  [K in Message['kind']]: readonly [number, Value<Omit<Extract<Message, { kind: K }>, 'kind'>>]
}

const BY_NUMBER = new Map(
  Object.entries(KINDS).map(
    ([kind, [number, value]]) =>
      [number as number, { kind: kind as Message['kind'], value }] as const
  )
)

export function encode(given: Message): Uint8Array {
  const why = MESSAGE_SHAPES[given.kind].fault(given)
  if (why !== null) assert(false, `a ${given.kind} can be read: ${why}`)
  return encodeUnchecked(given)
}

/** Encodes past all bounds, for tests that play a malicious peer. */
export function encodeUnchecked(given: Message): Uint8Array {
  const [number, value] = KINDS[given.kind]
  return written(writer => (value as Value<unknown>).write(writer, number, given, new Names()))
}

/** Never throws: what is not a message within its bounds comes back as the reason why not. */
export function decode(bytes: Uint8Array): Decoded {
  try {
    const reader = protobuf.Reader.create(bytes)
    const tag = reader.uint32()
    const entry = BY_NUMBER.get(tag >>> 3)
    if (entry === undefined) return otherOf(reader, tag)
    const names = new Names()
    const body = (entry.value as Value<object>).read(reader, tag & 7, names)
    if (reader.pos !== reader.len) refuse('bytes after the end of the message')
    const given = { kind: entry.kind, ...body } as Message
    const { unreadable } = names
    return { ok: true, message: given, ...(unreadable.length === 0 ? {} : { unreadable }) }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}

/** Of which kind a message is, if it is one; null if it is of none that is known here. */
export function kindOf(bytes: Uint8Array): Message['kind'] | null {
  // The tag of the envelope: a field number, in one byte or two.
  const [first = 0, second = 0] = bytes
  const tag = first < 0x80 ? first : (first & 0x7f) | (second << 7)
  return BY_NUMBER.get(tag >>> 3)?.kind ?? null
}

/** A kind that a later version has added. */
function otherOf(reader: protobuf.Reader, tag: number): Decoded {
  if ((tag & 7) !== BYTES) refuse(`there is no message kind ${tag >>> 3}`)
  reader.skipType(tag & 7)
  if (reader.pos !== reader.len) refuse('bytes after the end of the message')
  return { ok: true, message: { kind: 'other', number: tag >>> 3 } }
}

type SentTask = StoredTask & Readonly<{ runs: readonly Runs[] }>

const STORED = struct<SentTask>({
  record: RECORD,
  writes: list(DOT, LIMITS.writesMax),
  runs: list(RUNS, WRITES_MAX)
})

const stored: Value<StoredTask> = mapped(
  message(STORED, { record: at(1, record), writes: at(2, dot), runs: at(3, runs) }),
  ({ record: of, writes }: StoredTask) => ({ record: of, ...toFields(writes) }),
  ({ record: of, ...sent }) => ({ record: of, writes: fromFields(sent) })
)

/** A task as it lies on disk, after `roomBytes` for the caller's own use. */
export function encodeStored(task: StoredTask, roomBytes: number = 0): Buffer {
  return written(writer => stored.write(writer, 1, task, new Names()), roomBytes)
}

/** Never throws, like `decode`: a damaged disk is as little to be trusted as a peer. */
export function decodeStored(bytes: Uint8Array): DecodedStored {
  try {
    const reader = protobuf.Reader.create(bytes)
    const tag = reader.uint32()
    if (tag >>> 3 !== 1) refuse('not a stored task')
    const task = stored.read(reader, tag & 7, new Names())
    if (reader.pos !== reader.len) refuse('bytes after the end of the task')
    return { ok: true, task }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}
