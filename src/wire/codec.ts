/**
 * Bytes and messages. `encode` trusts what it is given, for it is ours; `decode` trusts nothing and never throws.
 */
import protobuf from 'protobufjs/minimal.js'
import type { StoredTask } from '../core/effect.ts'
import type { Batch, Change, Message, Span } from '../core/message.ts'
import { sameValues } from '../core/base/order.ts'
import { BLOBS_PER_MESSAGE_MAX, FIND_IDS_MAX, TASK_DEFAULTS, TASK_LIMITS } from '../core/options.ts'
import { isBlob } from '../core/task/content.ts'
import {
  CLAIM_CAUSES,
  LOST_MAX,
  OUTCOME_STATUSES,
  SETTLED_REASONS,
  type Outcome,
  type TaskRecord
} from '../core/task/record.ts'
import { DELIVERIES, DEPENDENCY_FAILURE_RULES, type Backoff } from '../core/task/spec.ts'
import { isWithoutRules, labelRules } from './labels.ts'
import { LIMITS } from './limits.ts'
import { boot, dot, handlers, stamp, vector } from './values.ts'
import { counts } from './counts.ts'
import { Names } from './names.ts'
import { drain, heartbeat, introduction, labels, replaced, who } from './members.ts'
import {
  duration,
  either,
  flag,
  mapped,
  message,
  nullable,
  oneOf,
  packed,
  real,
  refuse,
  repeated,
  required,
  text,
  uint,
  usually,
  type Value
} from './schema.ts'
import { written } from './scratch.ts'
import { sparse, unreadable } from './stretches.ts'
import { uuid } from './uuid.ts'

export type Decoded = { ok: true; message: Message } | { ok: false; why: string }
export type DecodedStored = { ok: true; task: StoredTask } | { ok: false; why: string }

const taskId = uuid

const blobHash = text(64, /^[0-9a-f]{64}$/)
const blobRef = message({
  hash: required(1, blobHash),
  bytes: required(2, uint(TASK_LIMITS.blobBytesMax, TASK_LIMITS.inlineBytesMax + 1))
})

const inline = text(TASK_LIMITS.inlineBytesMax)

const backoff: Value<Backoff> = message({
  delayMs: required(1, uint(TASK_LIMITS.backoffMsMax)),
  factor: required(2, real(TASK_LIMITS.backoffFactorMax, 1)),
  maxDelayMs: required(3, uint(TASK_LIMITS.backoffMsMax)),
  jitter: required(4, real(1, 0))
})

const spec = message({
  id: required(1, taskId),
  type: required(2, text(TASK_LIMITS.typeLengthMax * 4)),
  payload: either(required(3, inline), required(15, blobRef), isBlob),
  priority: required(4, uint(TASK_LIMITS.priorityMax, TASK_LIMITS.priorityMin)),
  dependsOn: repeated(5, taskId, TASK_LIMITS.dependenciesMax),
  tags: repeated(6, text(TASK_LIMITS.tagLengthMax * 4), TASK_LIMITS.tagsMax),
  timeoutMs: nullable(7, uint(TASK_LIMITS.timeoutMsMax)),
  submittedAt: required(8, stamp),
  submittedBy: required(9, boot),
  retentionMs: nullable(10, uint(TASK_LIMITS.retentionMsMax)),
  onDependencyFailure: usually(
    11,
    oneOf(DEPENDENCY_FAILURE_RULES),
    TASK_DEFAULTS.onDependencyFailure
  ),
  maxRetries: usually(12, uint(TASK_LIMITS.maxRetriesMax), TASK_DEFAULTS.maxRetries),
  maxLost: usually(13, uint(TASK_LIMITS.maxLostMax), TASK_DEFAULTS.maxLost),
  backoff: usually(14, backoff, TASK_DEFAULTS.backoff, given =>
    sameValues(given, TASK_DEFAULTS.backoff)
  ),
  deadlineMs: nullable(16, uint(TASK_LIMITS.deadlineMsMax)),
  notBefore: nullable(17, stamp),
  labels: usually(18, labelRules, TASK_DEFAULTS.labels, isWithoutRules),
  idempotencyKey: nullable(19, text(TASK_LIMITS.idempotencyKeyLengthMax * 4)),
  delivery: usually(20, oneOf(DELIVERIES), TASK_DEFAULTS.delivery),
  retryOf: nullable(21, taskId)
})

const claim = message({
  epoch: required(1, uint()),
  holder: required(2, boot),
  attempt: required(3, uint()),
  hops: required(4, uint()),
  cause: required(5, oneOf(CLAIM_CAUSES)),
  lost: repeated(6, boot, LOST_MAX),
  notBefore: nullable(7, stamp)
})

const started = message({
  epoch: required(1, uint()),
  at: required(2, stamp),
  by: required(3, boot)
})

const cancelRequest = message({ at: required(1, stamp), by: required(2, boot) })

const error = message({
  name: required(1, text(TASK_LIMITS.errorNameLengthMax * 4)),
  message: required(2, text(TASK_LIMITS.errorMessageBytesMax)),
  stack: nullable(3, text(TASK_LIMITS.errorStackBytesMax))
})

const outcome = mapped(
  message({
    status: required(1, oneOf(OUTCOME_STATUSES)),
    epoch: required(2, uint()),
    by: required(3, boot),
    at: required(4, stamp),
    durationMs: required(5, duration),
    result: either(nullable(6, inline), required(15, blobRef), isBlob),
    error: nullable(7, error),
    reason: nullable(8, oneOf(SETTLED_REASONS)),
    tail: nullable(9, text(TASK_LIMITS.tailBytesMax))
  }),
  (given: Outcome) => given,
  sent => {
    const completed = sent.status === 'completed'
    if ((completed && sent.result === null) || completed !== (sent.reason === null)) {
      refuse('an outcome has a result if it is completed, and a reason if it is not')
    }
    if (!completed && isBlob(sent.result)) refuse('only a completed outcome has a result in a blob')
    if (sent.status === 'cancelled' && sent.result !== null)
      refuse('a cancelled task has no result')
    if (completed && sent.error !== null) refuse('a completed outcome has no error')
    return sent
  }
)

const record: Value<TaskRecord> = mapped(
  message({
    spec: required(1, spec),
    created: repeated(2, dot, LIMITS.createdMax),
    claim: required(3, claim),
    started: nullable(4, started),
    outcome: nullable(5, outcome),
    cancelRequest: nullable(6, cancelRequest)
  }),
  (given: TaskRecord) => given,
  sent => {
    if (sent.created.length === 0) refuse('a task that nobody created')
    return sent
  }
)

const change: Value<Change> = message({
  task: required(1, dot),
  claim: required(2, claim),
  started: nullable(3, started),
  cancelRequest: nullable(4, cancelRequest),
  outcome: nullable(5, outcome)
})

const batch = mapped(
  message({
    origin: required(1, boot),
    after: required(2, stamp),
    records: repeated(3, record, LIMITS.recordsMax),
    changes: repeated(5, change, LIMITS.recordsMax),
    writes: required(4, packed(-1, LIMITS.writesMax))
  }),
  ({ changes = [], ...given }: Omit<Batch, 'kind'>) => ({ ...given, changes }),
  ({ changes, ...sent }) => {
    const places = sent.records.length + changes.length
    if (sent.writes.some(place => place >= places)) refuse('a write of no record')
    return changes.length === 0 ? sent : { ...sent, changes }
  }
)

const ack = sparse(
  message({ boot: required(1, boot), vector: required(2, vector), unreadable: unreadable(3) }),
  'unreadable'
)

const steal = message({
  request: required(1, uint()),
  boot: required(2, boot),
  want: required(3, uint(LIMITS.wantMax)),
  handlers: repeated(4, handlers, LIMITS.handlersMax),
  labels: required(5, labels)
})

const grant = message({
  request: required(1, uint()),
  boot: required(2, boot),
  records: repeated(3, record, LIMITS.wantMax),
  dependencies: repeated(4, record, LIMITS.recordsMax)
})

const find = message({ boot: required(1, boot), ids: repeated(2, taskId, FIND_IDS_MAX) })

const found = message({
  boot: required(1, boot),
  ids: repeated(2, taskId, FIND_IDS_MAX),
  records: repeated(3, record, FIND_IDS_MAX),
  forgotten: repeated(4, taskId, FIND_IDS_MAX)
})

const goodbye = message({ boot: required(1, boot), upTo: required(2, uint()) })
const farewell = message({ boot: required(1, boot) })

const sync = sparse(
  message({
    boot: required(1, boot),
    vector: required(2, vector),
    unreadable: unreadable(3),
    again: unreadable(4)
  }),
  'unreadable',
  'again'
)

const span = mapped(
  message({ origin: required(1, boot), after: required(2, stamp), upTo: required(3, stamp) }),
  (given: Span) => given,
  sent => (sent.after < sent.upTo ? sent : refuse('a stretch of no writes'))
)

const forgotten = message({
  spans: repeated(1, span, LIMITS.spansMax),
  boots: repeated(2, boot, LIMITS.vectorEntriesMax),
  more: required(3, flag)
})

const pruned = message({ ids: repeated(1, taskId, LIMITS.prunedMax) })

const offer = message({
  boot: required(1, boot),
  blobs: repeated(2, blobRef, BLOBS_PER_MESSAGE_MAX)
})

const kept = message({
  boot: required(1, boot),
  hashes: repeated(2, blobHash, BLOBS_PER_MESSAGE_MAX)
})

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
  counts: [16, counts]
} as const satisfies {
  [K in Message['kind']]: readonly [number, Value<Omit<Extract<Message, { kind: K }>, 'kind'>>]
}

const BY_NUMBER = new Map(
  Object.entries(KINDS).map(
    ([kind, [number, value]]) => [number as number, { kind, value }] as const
  )
)

export function encode(given: Message): Uint8Array {
  const [number, value] = KINDS[given.kind]
  return written(writer => (value as Value<unknown>).write(writer, number, given, new Names()))
}

/** Never throws: what is not a message within its bounds comes back as the reason why not. */
export function decode(bytes: Uint8Array): Decoded {
  try {
    const reader = protobuf.Reader.create(bytes)
    const tag = reader.uint32()
    const entry = BY_NUMBER.get(tag >>> 3) ?? refuse(`there is no message kind ${tag >>> 3}`)
    const body = (entry.value as Value<object>).read(reader, tag & 7, new Names())
    if (reader.pos !== reader.len) refuse('bytes after the end of the message')
    return { ok: true, message: { kind: entry.kind, ...body } as Message }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}

const stored = message({
  record: required(1, record),
  writes: repeated(2, dot, LIMITS.writesMax)
})

/** A task as it lies on disk, after so many bytes for the caller's own use. */
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
