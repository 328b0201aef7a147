/** Tasks for tests: complete, and dull in everything that a test does not name. */
import { bootId, taskId, type BootId, type TaskId } from '../../src/core/base/ids.ts'
import type { Keeper } from '../../src/core/blobs/holders.ts'
import { canIn, type Can } from '../../src/core/queue/ready-queue.ts'
import { Entry } from '../../src/core/log/entry.ts'
import { answerSync } from '../../src/core/replication/sync-answer.ts'
import type { Log } from '../../src/core/log/log.ts'
import { TASK_DEFAULTS } from '../../src/core/options.ts'
import { REVISION, type Batch, type Heartbeat, type SyncRequest } from '../../src/core/message.ts'
import { SETTLED_MAX } from '../../src/core/options.ts'
import type { Outcome, TaskRecord } from '../../src/core/task/record.ts'
import type { TaskDraft, TaskSpec } from '../../src/core/task/spec.ts'

/** Names the first boot of a node. */
export function bootOf(node: string, start = 1): BootId {
  return bootId(node, start, 0)
}

/** Without retries: a failure is the end, unless a test says otherwise. */
export const DRAFT: TaskDraft = {
  type: 'work',
  payload: 'null',
  ...TASK_DEFAULTS,
  maxRetries: 0
}

/** The task that write `seq` of `by` created: queued there, unless `parts` says otherwise. */
export function taskOf(
  by: BootId,
  seq: number,
  parts: Partial<Omit<TaskRecord, 'spec'>> & { spec?: Partial<TaskSpec> } = {}
): TaskRecord {
  const { spec, ...others } = parts
  return {
    spec: { ...DRAFT, id: taskId(1000, by, seq), submittedAt: seq, submittedBy: by, ...spec },
    created: [{ origin: by, seq }],
    claim: {
      epoch: 0,
      holder: by,
      attempt: 1,
      hops: 0,
      lost: [],
      notBefore: null,
      cause: 'submit'
    },
    started: null,
    cancelRequest: null,
    outcome: null,
    ...others
  }
}

export function outcomeBy(by: BootId, parts: Partial<Outcome> = {}): Outcome {
  return {
    status: 'completed',
    epoch: 0,
    by,
    at: 1,
    durationMs: 1,
    result: parts.status === undefined || parts.status === 'completed' ? '"done"' : null,
    error: null,
    reason: parts.status === undefined || parts.status === 'completed' ? null : 'HandlerError',
    tail: null,
    ...parts
  }
}

export function entryOf(record: TaskRecord): Entry {
  return new Entry(record)
}

export function idOf(by: BootId, seq: number): TaskId {
  return taskId(1000, by, seq)
}

/** Whether a node without labels can run it that has handlers for these types. */
export function can(types: readonly string[]): Can {
  return canIn([{ slots: 1, types, labels: {} }])
}

export function heartbeatOf(boot: BootId, parts: Partial<Heartbeat> = {}): Heartbeat {
  return {
    kind: 'heartbeat',
    boot,
    name: `test/${boot.split('/')[0]}`,
    version: '0.0.0',
    revision: REVISION,
    at: 1,
    slots: 1,
    running: 0,
    queued: 0,
    draining: false,
    handlers: ['work'],
    labels: {},
    addresses: [],
    vector: new Map(),
    clockMs: 0,
    loopLagMs: 0,
    stopAfterIsolatedMs: null,
    roster: [],
    departures: [],
    floor: 0,
    settledMax: SETTLED_MAX,
    settledKept: 0,
    met: [],
    ...parts
  }
}

/** These nodes, all on one computer, as those who keep blobs. */
export function keepersOf(nodes: readonly string[]): Keeper[] {
  return nodes.map(node => ({ node, computer: 'test', keepsApart: true, keepsCheckpoints: true }))
}

/** The batches of an answer to a sync. */
export function* batchesOf(log: Log, request: SyncRequest): Generator<Batch> {
  for (const message of answerSync(log, request)) if (message.kind === 'batch') yield message
}
