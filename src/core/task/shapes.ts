/**
 * What a record of a task may be. The log asserts it of all that this node writes, and the wire reads nothing else:
 * what one node has written, every other one can read.
 */
import { STAMP_MAX } from '../base/hlc.ts'
import { SEQ_MAX, type BootId, type TaskId } from '../base/ids.ts'
import {
  absentOr,
  either,
  list,
  name,
  nullable,
  oneOf,
  openOneOf,
  real,
  struct,
  text,
  whole,
  type EitherShape,
  type ListShape,
  type RealShape,
  type StructShape,
  type TextShape,
  type WholeShape
} from '../base/shape.ts'
import { utf8Length } from '../base/utf8.ts'
import { LIMITS, TASK_LIMITS } from '../options.ts'
import type { Checkpoint } from './checkpoint.ts'
import { isBlob, type BlobRef } from './content.ts'
import type { LabelCondition, LabelConditions, LabelRules } from './labels.ts'
import {
  CLAIM_CAUSES,
  COMPONENTS_MAX,
  CREATED_MAX,
  EPOCH_MAX,
  HOPS_MAX,
  LOST_MAX,
  OUTCOME_STATUSES,
  SETTLED_REASONS,
  UNASKED_GRANTS,
  type CancelRequest,
  type Claim,
  type Dot,
  type Outcome,
  type Started,
  type TaskError,
  type TaskRecord
} from './record.ts'
import { DELIVERIES, DEPENDENCY_FAILURE_RULES, type Backoff, type TaskSpec } from './spec.ts'
import { TIME_MS_MAX } from './times.ts'

export const BOOT: TextShape & { of?: BootId } = name(
  LIMITS.bootBytesMax,
  /^[^/]+\/[0-9a-z]{10}-[0-9a-z]{6}$/
)
/** A stamp of the hybrid clock, in us since 1970. */
export const STAMP: WholeShape = whole(STAMP_MAX)
/** A point in time, in ms since 1970. */
export const TIME_MS: WholeShape = whole(TIME_MS_MAX)
/** A number that is finite and not negative. */
export const DURATION: RealShape = real(Number.MAX_VALUE, 0)
export const TASK_ID: TextShape & { of?: TaskId } = text(
  36,
  /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
)
/** A trace and a span in it, as W3C Trace Context (level 1) writes them, in the only version that there is. */
export const TRACEPARENT: TextShape = text(
  55,
  /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
)
export const TASK_TYPE: TextShape = text(TASK_LIMITS.typeLengthMax * 4)
export const POOL_NAME: TextShape = text(LIMITS.poolNameBytesMax)

export const DOT: StructShape<Dot> = struct<Dot>({ origin: BOOT, seq: whole(SEQ_MAX, 1) })

export const BLOB_HASH: TextShape = text(64, /^[0-9a-f]{64}$/)
export const BLOB: StructShape<BlobRef> = struct<BlobRef>({
  hash: BLOB_HASH,
  bytes: whole(TASK_LIMITS.blobBytesMax, TASK_LIMITS.inlineBytesMax + 1)
})
/** One that may also be small enough for a record. */
export const ANY_BLOB: StructShape<BlobRef> = struct<BlobRef>({
  hash: BLOB_HASH,
  bytes: whole(TASK_LIMITS.blobBytesMax)
})
const CONTENT: EitherShape<string, BlobRef> = either<string, BlobRef>(
  text(TASK_LIMITS.inlineBytesMax),
  BLOB,
  isBlob
)

export const BACKOFF: StructShape<Backoff> = struct<Backoff>({
  delayMs: whole(TASK_LIMITS.backoffMsMax),
  factor: real(TASK_LIMITS.backoffFactorMax, 1),
  maxDelayMs: whole(TASK_LIMITS.backoffMsMax),
  jitter: real(1, 0)
})

export const LABEL: TextShape = text(LIMITS.labelBytesMax)
export const LABEL_TEXTS: ListShape<string> = list(LABEL, TASK_LIMITS.labelValuesMax)
export const LABEL_NUMBER: RealShape = real(Number.MAX_VALUE, -Number.MAX_VALUE)

/** A number to reach, or texts to choose from: there may be none of these, and then no node fits. */
const CONDITION: EitherShape<
  Extract<LabelCondition, { anyOf: unknown }>,
  Extract<LabelCondition, { atLeast: unknown }>
> = either(
  struct<Extract<LabelCondition, { anyOf: unknown }>>({ label: LABEL, anyOf: LABEL_TEXTS }),
  struct<Extract<LabelCondition, { atLeast: unknown }>>({ label: LABEL, atLeast: LABEL_NUMBER }),
  (value: LabelCondition): value is Extract<LabelCondition, { atLeast: unknown }> =>
    'atLeast' in value
)
const CONDITIONS: ListShape<LabelCondition> = list(CONDITION, TASK_LIMITS.labelConditionsMax)

/** All of it together has a bound, because it is in every node's memory. */
export const LABEL_RULES: StructShape<LabelRules> = struct<LabelRules>(
  { require: CONDITIONS, prefer: CONDITIONS },
  {
    rule: ({ require, prefer }) => {
      const bytes = bytesOf(require) + bytesOf(prefer)
      return bytes <= TASK_LIMITS.labelBytesMax ? null : `conditions for labels of ${bytes} bytes`
    }
  }
)

function bytesOf(conditions: LabelConditions): number {
  const texts = conditions.flatMap(given => [given.label, ...('anyOf' in given ? given.anyOf : [])])
  return texts.reduce((sum, each) => sum + utf8Length(each), 0)
}

export const SPEC: StructShape<TaskSpec> = struct<TaskSpec>(
  {
    id: TASK_ID,
    type: TASK_TYPE,
    payload: CONTENT,
    priority: whole(TASK_LIMITS.priorityMax, TASK_LIMITS.priorityMin),
    dependsOn: list(TASK_ID, TASK_LIMITS.dependenciesMax),
    tags: list(text(TASK_LIMITS.tagLengthMax * 4), TASK_LIMITS.tagsMax),
    timeoutMs: nullable(whole(TASK_LIMITS.timeoutMsMax)),
    submittedAt: STAMP,
    submittedBy: BOOT,
    retentionMs: nullable(whole(TASK_LIMITS.retentionMsMax)),
    onDependencyFailure: oneOf(DEPENDENCY_FAILURE_RULES),
    maxRetries: whole(TASK_LIMITS.maxRetriesMax),
    maxLost: whole(TASK_LIMITS.maxLostMax),
    backoff: BACKOFF,
    deadlineMs: nullable(whole(TASK_LIMITS.deadlineMsMax)),
    notBefore: nullable(TIME_MS),
    labels: LABEL_RULES,
    idempotencyKey: nullable(text(TASK_LIMITS.idempotencyKeyLengthMax * 4)),
    delivery: oneOf(DELIVERIES),
    retryOf: nullable(TASK_ID),
    ref: nullable(text(TASK_LIMITS.refBytesMax)),
    traceparent: nullable(TRACEPARENT)
  },
  { isOpen: true }
)

export const CLAIM: StructShape<Claim> = struct<Claim>(
  {
    epoch: whole(EPOCH_MAX),
    holder: BOOT,
    attempt: whole(),
    hops: whole(HOPS_MAX),
    cause: openOneOf(CLAIM_CAUSES),
    lost: list(BOOT, LOST_MAX),
    notBefore: nullable(TIME_MS),
    unasked: absentOr(openOneOf(UNASKED_GRANTS))
  },
  { isOpen: true }
)

export const STARTED: StructShape<Started> = struct<Started>(
  {
    epoch: whole(EPOCH_MAX),
    at: STAMP,
    by: BOOT,
    pool: absentOr(POOL_NAME),
    slot: absentOr(whole(LIMITS.slotsMax))
  },
  { isOpen: true }
)

export const CANCEL_REQUEST: StructShape<CancelRequest> = struct<CancelRequest>(
  { at: STAMP, by: BOOT },
  { isOpen: true }
)

export const ERROR: StructShape<TaskError> = struct<TaskError>({
  name: text(TASK_LIMITS.errorNameLengthMax * 4),
  message: text(TASK_LIMITS.errorMessageBytesMax),
  stack: nullable(text(TASK_LIMITS.errorStackBytesMax))
})

export const OUTCOME: StructShape<Outcome> = struct<Outcome>(
  {
    status: oneOf(OUTCOME_STATUSES),
    epoch: whole(EPOCH_MAX),
    by: BOOT,
    at: STAMP,
    durationMs: DURATION,
    result: nullable(CONTENT),
    error: nullable(ERROR),
    reason: nullable(openOneOf(SETTLED_REASONS)),
    tail: nullable(text(TASK_LIMITS.tailBytesMax))
  },
  {
    isOpen: true,
    rule: ({ status, result, reason, error }) => {
      const isCompleted = status === 'completed'
      if ((isCompleted && result === null) || isCompleted !== (reason === null)) {
        return 'an outcome has a result if it is completed, and a reason if it is not'
      }
      if (!isCompleted && isBlob(result)) return 'only a completed outcome has a result in a blob'
      if (status === 'cancelled' && result !== null) return 'a cancelled task has no result'
      if (isCompleted && error !== null) return 'a completed outcome has no error'
      return null
    }
  }
)

export const CHECKPOINT: StructShape<Checkpoint> = struct<Checkpoint>(
  { epoch: whole(EPOCH_MAX), sequence: whole(), blob: ANY_BLOB },
  { isOpen: true }
)

export const RECORD: StructShape<TaskRecord> = struct<TaskRecord>(
  {
    spec: SPEC,
    created: list(DOT, CREATED_MAX),
    claim: CLAIM,
    started: nullable(STARTED),
    cancelRequest: nullable(CANCEL_REQUEST),
    outcome: nullable(OUTCOME),
    checkpoint: absentOr(CHECKPOINT)
  },
  {
    rule: ({ created, components = [] }) =>
      created.length === 0
        ? 'a task that nobody created'
        : components.length > COMPONENTS_MAX
          ? `${components.length} components where ${COMPONENTS_MAX} are allowed`
          : null
  }
)
