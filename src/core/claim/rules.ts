/**
 * Who may do what with a task, and what the change looks like. The rules of "Who may claim" (README.md), one function
 * each: they look at one record and answer with the change to write, or with why not.
 */
import { assert } from '../base/assert.ts'
import type { Hlc } from '../base/hlc.ts'
import type { BootId } from '../base/ids.ts'
import type { RunResult } from '../input.ts'
import type { Entry } from '../log/entry.ts'
import type { Patch } from '../log/log.ts'
import { isBlob, type BlobRef } from '../task/content.ts'
import { isSettled, isStarted, LOST_MAX, type Claim, type TaskRecord } from '../task/record.ts'

/** Names of nodes are short; a peer refuses what exceeds the bound on messages of errors. */
const ERROR_LENGTH_MAX = 500

/** Only the boot that the claim names may start a task, grant it or settle it. */
export function holds(self: BootId, record: TaskRecord): boolean {
  return record.claim.holder === self && !isSettled(record)
}

/** The holder calls the handler. */
export function startOf(self: BootId, record: TaskRecord, at: Hlc): Patch {
  assert(
    holds(self, record) && !isStarted(record),
    'only a holder starts a task, and once an epoch'
  )
  return { started: { epoch: record.claim.epoch, by: self, at } }
}

/** The holder gives the task to another, under the next epoch. */
export function grantOf(self: BootId, record: TaskRecord, to: BootId): Patch {
  assert(holds(self, record), 'only a holder grants a task')
  const { epoch, attempt, hops, lost } = record.claim
  const claim: Claim = {
    epoch: epoch + 1,
    holder: to,
    attempt,
    hops: hops + 1,
    lost,
    notBefore: record.claim.notBefore,
    cause: 'grant'
  }
  return { claim }
}

/**
 * A node takes a task whose holder is gone, under the next epoch. If it was running there, that run is lost.
 */
export function reclaimOf(self: BootId, record: TaskRecord): Patch {
  const { epoch, holder, attempt, lost, notBefore } = record.claim
  return {
    claim: {
      epoch: epoch + 1,
      holder: self,
      attempt,
      hops: 0,
      lost: isStarted(record) ? [...lost, holder].slice(-LOST_MAX) : lost,
      notBefore,
      cause: 'reclaim'
    }
  }
}

/**
 * Whether the epoch that we hold is not ours alone, so that it takes a new one to start the task.
 *
 * A grant may turn up after its epoch was reclaimed: whoever did so could not know of it, asked us, and may have started
 * the task since. And two nodes on the two sides of a cut may have reclaimed one epoch, and the other started it.
 */
export function isEpochTaken(self: BootId, { record, reclaimedAt }: Entry): boolean {
  const { claim, started } = record
  if (claim.cause === 'grant' && claim.epoch <= reclaimedAt) return true
  return started !== null && started.epoch === claim.epoch && started.by !== self
}

/**
 * Whether others have to know of a start before the handler is called: a task that may have taken a node down has to be
 * counted if it does so again, and one that may run only once must not be started by somebody who did not know.
 *
 * A task that has been reclaimed once is known by its epoch, which grants and retries alone cannot account for.
 */
export function needsWitness({ spec, claim }: TaskRecord): boolean {
  const { epoch, hops, attempt, lost, cause } = claim
  if (spec.delivery === 'at-most-once' || lost.length > 0 || cause === 'reclaim') return true
  return epoch > hops + attempt - 1
}

/** Whether a task that nobody runs has been started too often to be started again. */
export function isLost(record: TaskRecord): boolean {
  const { spec, claim, started } = record
  if (claim.lost.length > spec.maxLost) return true
  return spec.delivery === 'at-most-once' && started !== null && !isStarted(record)
}

/**
 * A task that is lost has failed.
 *
 * @param names of the nodes that were gone while they ran it
 */
export function holderLost(
  self: BootId,
  record: TaskRecord,
  names: readonly string[],
  at: Hlc
): Patch {
  assert(holds(self, record) && !isStarted(record), 'a task that runs is not lost')
  const { delivery, maxLost } = record.spec
  const nodes = names.length > 0 ? `: ${names.join(', ')}` : ''
  const message =
    delivery === 'at-most-once'
      ? `it was started once, and its node was lost${nodes}; it may run at most once`
      : `${names.length} nodes were lost while they ran it${nodes}; at most ${maxLost} may be`
  return {
    outcome: {
      status: 'failed',
      epoch: record.claim.epoch,
      by: self,
      at,
      durationMs: 0,
      result: null,
      error: { name: 'HolderLostError', message: message.slice(0, ERROR_LENGTH_MAX), stack: null },
      reason: 'HolderLost',
      tail: null
    }
  }
}

/** The holder has ended the run itself, without an outcome, and may run the task again. */
export function resumeOf(self: BootId, record: TaskRecord): Patch {
  assert(holds(self, record) && isStarted(record), 'only what was started is taken up again')
  return { claim: { ...record.claim, epoch: record.claim.epoch + 1, cause: 'retry' } }
}

/** The handler has ended under the claim that stands. */
export function outcomeOf(
  self: BootId,
  record: TaskRecord,
  run: RunResult,
  at: Hlc,
  durationMs: number,
  tail: string | null
): Patch {
  assert(holds(self, record), 'only the holder says how a task ended')
  const completed = run.status === 'completed'
  return {
    outcome: {
      status: run.status,
      epoch: record.claim.epoch,
      by: self,
      at,
      durationMs,
      result: run.result ?? null,
      error: completed ? null : run.error,
      reason: completed ? null : run.reason,
      tail
    }
  }
}

/** What the handler would read is on no disk any more, so this task will never run. */
export function payloadLost(self: BootId, record: TaskRecord, blob: BlobRef, at: Hlc): Patch {
  assert(holds(self, record) && !isStarted(record), 'a task that runs has all that it reads')
  const what =
    isBlob(record.spec.payload) && record.spec.payload.hash === blob.hash
      ? 'its payload'
      : 'a result that it depends on'
  return {
    outcome: {
      status: 'failed',
      epoch: record.claim.epoch,
      by: self,
      at,
      durationMs: 0,
      result: null,
      error: {
        name: 'BlobUnavailableError',
        message: `${what}, the blob ${blob.hash} of ${blob.bytes} bytes, is on no node any more: submit the task anew`,
        stack: null
      },
      reason: 'PayloadLost',
      tail: null
    }
  }
}

/** A dependency failed or was cancelled, so this task will never run. */
export function dependencyFailed(
  self: BootId,
  record: TaskRecord,
  dependency: string,
  at: Hlc
): Patch {
  assert(holds(self, record) && !isStarted(record), 'a task that runs has no open dependency')
  return {
    outcome: {
      status: 'cancelled',
      epoch: record.claim.epoch,
      by: self,
      at,
      durationMs: 0,
      result: null,
      error: {
        name: 'DependencyFailedError',
        message: `the task it depends on, ${dependency}, did not complete`,
        stack: null
      },
      reason: 'DependencyFailed',
      tail: null
    }
  }
}
