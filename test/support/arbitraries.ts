/**
 * Arbitrary values of everything that nodes say and keep, within their bounds.
 *
 * Names, times and epochs come from small pools on purpose: most bugs of a join live where two states agree in almost
 * everything, and wide random values never meet there. `wide` texts are for the codec, which must carry any of them.
 */
import fc, { type Arbitrary } from 'fast-check'
import { CLOCK_MS_MAX, STAMP_MAX } from '../../src/core/base/hlc.ts'
import { bootId, SEQ_MAX, taskId, type BootId, type TaskId } from '../../src/core/base/ids.ts'
import {
  HISTOGRAM_BUCKETS,
  type Batch,
  type Change,
  type Counts,
  type Grant,
  type Heartbeat,
  type Message,
  type VersionVector,
  PAUSES
} from '../../src/core/message.ts'
import type { StoredTask } from '../../src/core/effect.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../../src/core/options.ts'
import {
  addedOf,
  CLAIM_CAUSES,
  UNASKED_GRANTS,
  leastDots,
  SETTLED_REASONS,
  type CancelRequest,
  type Claim,
  type Component,
  type Dot,
  type Outcome,
  type Started,
  type TaskError,
  type TaskRecord
} from '../../src/core/task/record.ts'
import { TIME_MS_MAX } from '../../src/core/task/times.ts'
import type { Checkpoint } from '../../src/core/task/checkpoint.ts'
import type { BlobRef, Content } from '../../src/core/task/content.ts'
import type { LabelConditions, Labels } from '../../src/core/task/labels.ts'
import {
  DELIVERIES,
  DEPENDENCY_FAILURE_RULES,
  type Backoff,
  type TaskSpec
} from '../../src/core/task/spec.ts'

/** Boots of three nodes; two of the first. */
export const BOOTS: readonly BootId[] = [
  bootId('n1', 1000, 1),
  bootId('n1', 2000, 0),
  bootId('n2', 1000, 2),
  bootId('n3', 1000, 3)
]

/** Well-formed text of any characters, of at most `bytesMax` bytes. */
export function wideText(bytesMax: number): Arbitrary<string> {
  return fc.string({ unit: 'binary', maxLength: Math.min(40, Math.floor(bytesMax / 4)) })
}

export const blob: Arbitrary<BlobRef> = fc.record({
  hash: fc.constantFrom('0', '1', 'f').map(digit => digit.repeat(64)),
  bytes: fc.integer({ min: TASK_LIMITS.inlineBytesMax + 1, max: TASK_LIMITS.blobBytesMax })
})

/** Text, often one of these, or a blob. */
function content(...often: string[]): Arbitrary<Content> {
  return fc.oneof(fc.constantFrom(...often), wideText(TASK_LIMITS.inlineBytesMax), blob)
}

export const boot: Arbitrary<BootId> = fc.constantFrom(...BOOTS)

export const id: Arbitrary<TaskId> = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), boot, fc.integer({ min: 1, max: 2 ** 42 - 1 }))
  .map(([ms, by, seq]) => taskId(ms, by, seq))

const small: Arbitrary<number> = fc.integer({ min: 0, max: 2 })
const stamp: Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: STAMP_MAX })
)

const timeMs: Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: TIME_MS_MAX })
)

export const dot: Arbitrary<Dot> = fc.record({
  origin: boot,
  seq: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: SEQ_MAX }))
})

/** One as a rule, and sometimes more than a record remembers. */
const created: Arbitrary<readonly Dot[]> = fc
  .oneof(
    { weight: 9, arbitrary: fc.array(dot, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(dot, { minLength: 20, maxLength: 30 }) }
  )
  .map(leastDots)

/** What a later version adds to a part of a record: a field of a number that is not known here. */
const later: Arbitrary<{ later?: string }> = fc.constantFrom(
  {},
  {},
  {},
  { later: '\xf8\x06\x07' },
  { later: '\xf8\x06\x08' }
)

function extended<T extends object>(part: Arbitrary<T>): Arbitrary<T & { later?: string }> {
  return fc.tuple(part, later).map(([known, more]) => ({ ...known, ...more }))
}

const component: Arbitrary<Component> = fc
  .record({
    number: fc.integer({ min: 8, max: 10 }),
    epoch: fc.integer({ min: 0, max: 2 }),
    sequence: fc.integer({ min: 0, max: 1 }),
    value: fc.constantFrom('', 'x')
  })
  .map(({ number, epoch, sequence, value }) => {
    const bytes = `\x08${String.fromCharCode(epoch)}\x10${String.fromCharCode(sequence)}${value === '' ? '' : '\x1a\x01x'}`
    return { number, epoch, sequence, bytes }
  })

/** Sizes of one and of three bytes, so that their order is not that of the numbers. */
export const checkpoint: Arbitrary<Checkpoint> = extended(
  fc.record({
    epoch: fc.constantFrom(0, 1, 200),
    sequence: fc.integer({ min: 1, max: 2 }),
    blob: fc.record({
      hash: fc.constantFrom('a'.repeat(64), 'b'.repeat(64)),
      bytes: fc.constantFrom(1, 2, 0x80, 20_000, 20_001)
    })
  })
)

const components: Arbitrary<{ components?: readonly Component[] }> = fc
  .uniqueArray(component, { maxLength: 2, selector: each => each.number })
  .map(list => (list.length === 0 ? {} : { components: list.sort((x, y) => x.number - y.number) }))

export const claim: Arbitrary<Claim> = extended(
  fc.record(
    {
      epoch: small,
      holder: boot,
      attempt: fc.integer({ min: 1, max: 2 }),
      hops: small,
      lost: fc.array(boot, { maxLength: 2 }),
      notBefore: fc.option(timeMs),
      cause: fc.constantFrom(...CLAIM_CAUSES, 'other:5' as const, 'other:11' as const),
      unasked: fc.constantFrom(...UNASKED_GRANTS, 'other:2' as const)
    },
    { requiredKeys: ['epoch', 'holder', 'attempt', 'hops', 'lost', 'notBefore', 'cause'] }
  )
)

export const started: Arbitrary<Started> = extended(
  fc.record({ epoch: small, by: boot, at: stamp })
)

export const cancelRequest: Arbitrary<CancelRequest> = extended(fc.record({ at: stamp, by: boot }))

const taskError: Arbitrary<TaskError> = fc.record({
  name: wideText(TASK_LIMITS.errorNameLengthMax),
  message: wideText(TASK_LIMITS.errorMessageBytesMax),
  stack: fc.option(wideText(TASK_LIMITS.errorStackBytesMax))
})

const durationMs: Arbitrary<number> = fc.constantFrom(0, 1, 1.5, 1e9)

const tail: Arbitrary<string | null> = fc.option(wideText(TASK_LIMITS.tailBytesMax))

export const outcome: Arbitrary<Outcome> = extended(
  fc.oneof(
    fc.record({
      status: fc.constant('completed' as const),
      epoch: small,
      by: boot,
      at: stamp,
      durationMs,
      result: content('1', '2'),
      error: fc.constant(null),
      reason: fc.constant(null),
      tail
    }),
    fc.record({
      status: fc.constantFrom('failed' as const, 'cancelled' as const),
      epoch: small,
      by: boot,
      at: stamp,
      durationMs,
      result: fc.constant(null),
      error: fc.option(taskError),
      reason: fc.constantFrom(...SETTLED_REASONS, 'other:11' as const, 'other:100' as const),
      tail
    })
  )
)

const label: Arbitrary<string> = wideText(64)
/** JSON writes the negative zero as 0. */
const bound = fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0)
const conditions: Arbitrary<LabelConditions> = fc.array(
  fc.oneof(
    fc.record({ label, anyOf: fc.array(label, { maxLength: 2 }) }),
    fc.record({ label, atLeast: bound })
  ),
  { maxLength: 2 }
)

const backoffMs: Arbitrary<number> = fc.integer({ min: 0, max: TASK_LIMITS.backoffMsMax })
const backoff: Arbitrary<Backoff> = fc.record({
  delayMs: backoffMs,
  factor: fc.double({ min: 1, max: TASK_LIMITS.backoffFactorMax, noNaN: true }),
  maxDelayMs: backoffMs,
  jitter: fc.double({ min: 0, max: 1, noNaN: true })
})

export function spec(of: Arbitrary<TaskId>): Arbitrary<TaskSpec> {
  return fc.record({
    id: of,
    type: fc.oneof(fc.constantFrom('red', 'blue'), wideText(TASK_LIMITS.typeLengthMax)),
    payload: content('null', '{}'),
    priority: fc.integer({ min: TASK_LIMITS.priorityMin, max: TASK_LIMITS.priorityMax }),
    dependsOn: fc.array(id, { maxLength: 3 }),
    tags: fc.array(wideText(TASK_LIMITS.tagLengthMax), { maxLength: 3 }),
    timeoutMs: fc.option(fc.integer({ min: 0, max: TASK_LIMITS.timeoutMsMax })),
    retentionMs: fc.option(fc.integer({ min: 0, max: TASK_LIMITS.retentionMsMax })),
    onDependencyFailure: fc.constantFrom(...DEPENDENCY_FAILURE_RULES),
    maxRetries: fc.integer({ min: 0, max: TASK_LIMITS.maxRetriesMax }),
    maxLost: fc.integer({ min: 0, max: TASK_LIMITS.maxLostMax }),
    backoff: fc.oneof(fc.constant(TASK_DEFAULTS.backoff), backoff),
    deadlineMs: fc.option(fc.integer({ min: 0, max: TASK_LIMITS.deadlineMsMax })),
    notBefore: fc.option(timeMs),
    labels: fc.record({ require: conditions, prefer: conditions }),
    idempotencyKey: fc.option(wideText(TASK_LIMITS.idempotencyKeyLengthMax)),
    delivery: fc.constantFrom(...DELIVERIES),
    retryOf: fc.option(id),
    ref: fc.option(wideText(TASK_LIMITS.refBytesMax)),
    traceparent: fc.constantFrom(null, `00-${'ab'.repeat(16)}-${'01'.repeat(8)}-01`),
    submittedAt: stamp,
    submittedBy: boot
  })
}

/** A record of one of these tasks. */
export function recordOf(of: Arbitrary<TaskId>): Arbitrary<TaskRecord> {
  const known = fc.record({
    spec: extended(spec(of)),
    created,
    claim,
    started: fc.option(started),
    cancelRequest: fc.option(cancelRequest),
    outcome: fc.option(outcome)
  })
  const saved = fc.option(checkpoint, { nil: undefined })
  return fc.tuple(known, saved, components).map(([of, last, more]) => ({
    ...of,
    ...(last === undefined ? {} : { checkpoint: last }),
    ...more
  }))
}

export const record: Arbitrary<TaskRecord> = recordOf(id)

export const stored: Arbitrary<StoredTask> = fc.record({
  record,
  writes: fc.array(dot, { maxLength: 5 })
})

export const vector: Arbitrary<VersionVector> = fc
  .uniqueArray(fc.tuple(boot, fc.integer({ min: 1, max: SEQ_MAX })), { selector: ([of]) => of })
  .map(entries => new Map(entries))

const count: Arbitrary<number> = fc.integer({ min: 0, max: 1000 })
const handlers: Arbitrary<string[]> = fc.array(wideText(128), { maxLength: 3 })

const labels: Arbitrary<Labels> = fc.dictionary(wideText(256), wideText(256), {
  maxKeys: 3,
  noNullPrototype: true
})

const heartbeatOnly: Arbitrary<Heartbeat> = fc.record({
  kind: fc.constant('heartbeat' as const),
  boot,
  name: wideText(160),
  version: wideText(64),
  revision: count,
  at: stamp,
  slots: count,
  running: count,
  queued: count,
  draining: fc.boolean(),
  loopLagMs: count,
  floor: fc.option(stamp, { nil: null }),
  settledMax: count,
  settledKept: count,
  handlers,
  labels,
  addresses: fc.array(wideText(256), { maxLength: 3 }),
  vector,
  clockMs: fc.integer({ min: 0, max: CLOCK_MS_MAX }),
  stopAfterIsolatedMs: fc.option(count),
  roster: fc.array(fc.record({ name: wideText(160), at: stamp, expected: fc.boolean() }), {
    maxLength: 3
  }),
  departures: fc.array(fc.record({ boot, at: stamp, forgotten: fc.boolean(), upTo: count }), {
    maxLength: 3
  }),
  met: fc.array(boot, { maxLength: 3 })
})

/** Absent is what all nodes say that begin whatever is there. */
export const heartbeat: Arbitrary<Heartbeat> = fc
  .tuple(heartbeatOnly, fc.constantFrom(undefined, ...PAUSES, 'other:9' as const))
  .map(([said, paused]) => (paused === undefined ? said : { ...said, paused }))

const change: Arbitrary<Change> = fc.tuple(dot, record).map(([task, of]) => {
  const { claim, started, cancelRequest, outcome } = of
  return { task, claim, started, cancelRequest, outcome, ...addedOf(of) }
})

export const batch: Arbitrary<Batch> = fc
  .tuple(
    boot,
    fc.integer({ min: 0, max: SEQ_MAX - 6 }),
    fc.array(record, { maxLength: 4 }),
    fc.array(change, { maxLength: 4 })
  )
  .chain(([origin, after, records, changes]) =>
    fc.record({
      kind: fc.constant('batch' as const),
      origin: fc.constant(origin),
      after: fc.constant(after),
      records: fc.constant(records),
      ...(changes.length === 0 ? {} : { changes: fc.constant(changes) }),
      writes: fc.array(fc.integer({ min: -1, max: records.length + changes.length - 1 }), {
        maxLength: 6
      })
    })
  )

export const grant: Arbitrary<Grant> = fc.record({
  kind: fc.constant('grant' as const),
  request: count,
  boot,
  records: fc.array(record, { maxLength: 3 }),
  dependencies: fc.array(record, { maxLength: 3 })
})

const total: Arbitrary<number> = fc.integer({ min: 0, max: 2 ** 32 - 1 })

const counts: Arbitrary<Counts> = fc.record({
  kind: fc.constant('counts' as const),
  boot,
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  types: fc.array(
    fc.record({
      type: wideText(TASK_LIMITS.typeLengthMax * 4),
      completed: total,
      failed: total,
      cancelled: total,
      retried: total,
      runs: fc.record({
        sumMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
        counts: fc.array(total, { maxLength: HISTOGRAM_BUCKETS })
      })
    }),
    { maxLength: 3 }
  )
})

export const message: Arbitrary<Message> = fc.oneof(
  counts,
  heartbeat,
  batch,
  grant,
  fc.record({ kind: fc.constant('ack' as const), boot, vector }),
  fc.record({
    kind: fc.constant('steal' as const),
    request: count,
    boot,
    want: count,
    handlers,
    labels
  }),
  fc.record({
    kind: fc.constant('find' as const),
    boot,
    ids: fc.array(id, { maxLength: 3 })
  }),
  fc.record({
    kind: fc.constant('found' as const),
    boot,
    ids: fc.array(id, { maxLength: 3 }),
    records: fc.array(record, { maxLength: 3 }),
    forgotten: fc.array(id, { maxLength: 3 })
  }),
  fc.record({ kind: fc.constant('goodbye' as const), boot, upTo: count }),
  fc.record({ kind: fc.constant('farewell' as const), boot }),
  fc.record({ kind: fc.constant('drain' as const), boot }),
  fc.record({ kind: fc.constant('undrain' as const), boot }),
  fc.record({ kind: fc.constant('who' as const), boots: fc.array(boot, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('introduction' as const), heartbeat }),
  fc.record({
    kind: fc.constant('replaced' as const),
    boot,
    why: fc.constantFrom('identity' as const, 'name' as const),
    addresses: fc.array(fc.constantFrom('/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/2'), {
      maxLength: 2
    })
  }),
  fc.record({ kind: fc.constant('offer' as const), boot, blobs: fc.array(blob, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('kept' as const),
    boot,
    hashes: fc.array(
      blob.map(({ hash }) => hash),
      { maxLength: 3 }
    )
  }),
  fc.record({ kind: fc.constant('sync' as const), boot, vector }),
  fc.record({ kind: fc.constant('pruned' as const), ids: fc.array(id, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('forgotten' as const),
    spans: fc.array(
      fc
        .record({ origin: boot, after: fc.nat(), length: fc.integer({ min: 1, max: 9 }) })
        .map(({ origin, after, length }) => ({ origin, after, upTo: after + length })),
      { maxLength: 3 }
    ),
    boots: fc.array(boot, { maxLength: 3 }),
    more: fc.boolean()
  })
)
