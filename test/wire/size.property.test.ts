/** No gossip message exceeds 64 KiB: the size is known before encoding, and a batch of one task always fits. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batch, record } from '../support/arbitraries.ts'
import { STAMP_MAX } from '../../src/core/base/hlc.ts'
import { bootId, SEQ_MAX } from '../../src/core/base/ids.ts'
import { LATER_BYTES_MAX } from '../../src/core/base/shape.ts'
import { Log } from '../../src/core/log/log.ts'
import { MessageSize } from '../../src/core/log/message-size.ts'
import type { Batch } from '../../src/core/message.ts'
import {
  COMPONENT_BYTES_MAX,
  COMPONENTS_MAX,
  CREATED_MAX,
  LOST_MAX,
  type Component,
  type TaskError,
  type TaskRecord
} from '../../src/core/task/record.ts'
import { RECORD } from '../../src/core/task/shapes.ts'
import { TIME_MS_MAX } from '../../src/core/task/times.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { GOSSIP_BYTES_MAX, LIMITS, TASK_LIMITS } from '../../src/core/options.ts'

/** As `Log.range` counts it. */
function sizeOf({ records, changes = [], writes }: Batch): number {
  const size = new MessageSize()
  for (const _ of writes) size.addWrite()
  for (const each of records) size.add(each)
  for (const each of changes) size.addChange(each)
  return size.bytes
}

function text(bytes: number): string {
  return 'x'.repeat(bytes)
}

/** A boot with the longest name that is accepted; different ones for different numbers. */
function longBoot(number: number): string {
  const node = String(number).padStart(LIMITS.bootBytesMax - 18, 'n')
  return bootId(node, 1, 0)
}

/** The largest number that each field can hold. */
const HUGE = 2 ** 32 - 1
const ID = 'ffffffff-ffff-8fff-bfff-ffffffffffff'

/** As much as one condition may have if all have as much. */
const CHOICE = {
  label: 'x'.repeat(48),
  anyOf: Array.from({ length: TASK_LIMITS.labelValuesMax }, () => 'y')
}

/** One field of a later version, as long as it may be: tag, length and bytes. */
const LATER = `\xfa\x06\x9c\x01${text(LATER_BYTES_MAX - 4)}`
const COMPONENTS: readonly Component[] = Array.from({ length: COMPONENTS_MAX }, (_, i) => {
  const bytes = `\x08\x01\x10\x01\x1a\x7a${text(COMPONENT_BYTES_MAX - 6)}`
  return { number: 100 + i, epoch: 1, sequence: 1, bytes }
})

/** The largest record that the wire accepts, settled in this way. */
function largest(settled: { result: string | null; error: TaskError | null }): TaskRecord {
  return {
    spec: {
      id: ID,
      type: text(TASK_LIMITS.typeLengthMax * 4),
      payload: text(TASK_LIMITS.inlineBytesMax),
      priority: TASK_LIMITS.priorityMax,
      dependsOn: Array.from({ length: TASK_LIMITS.dependenciesMax }, () => ID),
      tags: Array.from({ length: TASK_LIMITS.tagsMax }, () => text(TASK_LIMITS.tagLengthMax * 4)),
      timeoutMs: TASK_LIMITS.timeoutMsMax,
      retentionMs: TASK_LIMITS.retentionMsMax,
      onDependencyFailure: 'run',
      maxRetries: TASK_LIMITS.maxRetriesMax,
      maxLost: TASK_LIMITS.maxLostMax,
      backoff: { delayMs: TASK_LIMITS.backoffMsMax, factor: 9.5, maxDelayMs: 1, jitter: 0.5 },
      deadlineMs: TASK_LIMITS.deadlineMsMax,
      notBefore: TIME_MS_MAX,
      labels: {
        require: Array.from({ length: TASK_LIMITS.labelConditionsMax }, () => CHOICE),
        prefer: Array.from({ length: TASK_LIMITS.labelConditionsMax }, () => CHOICE)
      },
      idempotencyKey: text(TASK_LIMITS.idempotencyKeyLengthMax * 4),
      delivery: 'at-most-once',
      retryOf: ID,
      ref: text(TASK_LIMITS.refBytesMax),
      traceparent: `00-${'ab'.repeat(16)}-${'01'.repeat(8)}-01`,
      submittedAt: STAMP_MAX,
      submittedBy: longBoot(0),
      later: LATER
    },
    created: Array.from({ length: CREATED_MAX }, (_, i) => ({
      origin: longBoot(i + 1),
      seq: SEQ_MAX
    })),
    claim: {
      epoch: HUGE,
      holder: longBoot(1001),
      attempt: HUGE,
      hops: HUGE,
      lost: Array.from({ length: LOST_MAX }, (_, i) => longBoot(2000 + i)),
      notBefore: TIME_MS_MAX,
      cause: 'reclaim',
      later: LATER
    },
    started: { epoch: HUGE, by: longBoot(1003), at: STAMP_MAX, later: LATER },
    cancelRequest: { at: STAMP_MAX, by: longBoot(1004), later: LATER },
    outcome: {
      status: settled.result === null ? 'failed' : 'completed',
      epoch: HUGE,
      by: longBoot(1002),
      at: STAMP_MAX,
      durationMs: Number.MAX_VALUE,
      reason: settled.result === null ? 'TooLarge' : null,
      tail: text(TASK_LIMITS.tailBytesMax),
      later: LATER,
      ...settled
    },
    components: COMPONENTS
  }
}

const RESULT = text(TASK_LIMITS.inlineBytesMax)
const ERROR: TaskError = {
  name: text(TASK_LIMITS.errorNameLengthMax * 4),
  message: text(TASK_LIMITS.errorMessageBytesMax),
  stack: text(TASK_LIMITS.errorStackBytesMax)
}

const records: readonly [string, TaskRecord][] = [
  ['completed', largest({ result: RESULT, error: null })],
  ['failed', largest({ result: null, error: ERROR })]
]

function batchOf(one: TaskRecord): Batch {
  const after = SEQ_MAX - LIMITS.writesMax
  return { kind: 'batch', origin: longBoot(2000), after, records: [one], writes: [0] }
}

describe('the size of a batch', () => {
  test('is never below what its encoding takes', () => {
    fc.assert(
      fc.property(batch, given => {
        expect(sizeOf(given)).toBeGreaterThanOrEqual(encode(given).length)
      }),
      { numRuns: 500 }
    )
  })

  test('of many small tasks is not so far above it that messages would be half empty', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 20, maxLength: 30 }), many => {
        const given = { ...batchOf(many[0]!), records: many, writes: many.map((_, i) => i) }
        expect(sizeOf(given)).toBeLessThan(4 * encode(given).length)
      }),
      { numRuns: 20 }
    )
  })

  test.each(records)('of the largest task, %s, is not below what its encoding takes', (_, one) => {
    expect(sizeOf(batchOf(one))).toBeGreaterThanOrEqual(encode(batchOf(one)).length)
  })

  test('of writes to thousands of tasks is not below what its encoding takes', () => {
    const writes = Array.from({ length: 40_000 }, (_, i) => (i % 2 === 0 ? -1 : 0))
    const given = { ...batchOf(records[0]![1]), writes }
    expect(sizeOf(given)).toBeGreaterThanOrEqual(encode(given).length)
  })
})

describe('the largest task that the wire accepts', () => {
  test.each(records)('%s, is accepted', (_, one) => {
    expect(decode(encode(batchOf(one))).ok).toBe(true)
  })

  test.each(records)('%s, makes a gossip message of less than 64 KiB', (_, one) => {
    const given = batchOf(one)
    const bytes = encode(given).length
    expect(bytes).toBeLessThan(GOSSIP_BYTES_MAX)
  })

  test('cannot be made larger by an error beside its result', () => {
    expect(RECORD.fault(largest({ result: RESULT, error: ERROR }))).not.toBeNull()
  })

  test('fits into one gossip message by its estimated size, too', () => {
    const one = largest({ result: RESULT, error: null })
    expect(sizeOf(batchOf(one))).toBeLessThanOrEqual(GOSSIP_BYTES_MAX)
  })
})

test('what a log cuts for gossip is accepted and within the bound', () => {
  const self = longBoot(0)
  const log = new Log(self)
  for (let seq = 1; seq <= 12; seq++) {
    const one = largest({ result: RESULT, error: null })
    const id = `ffffffff-ffff-8fff-bfff-${String(seq).padStart(12, '0')}`
    log.create({ ...one, spec: { ...one.spec, id }, created: [{ origin: self, seq }] })
  }
  log.flushed(log.flush()!.flush)
  for (let after = 0; after < 12;) {
    const cut = log.range(self, after, GOSSIP_BYTES_MAX)!
    const bytes = encode(cut)
    expect(bytes.length).toBeLessThan(GOSSIP_BYTES_MAX)
    expect(decode(bytes).ok).toBe(true)
    after += cut.writes.length
  }
})
