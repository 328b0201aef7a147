/**
 * Who may do what with a task, and what the change looks like. The rules of "Who may claim" (README.md), one function
 * each: they look at one record and answer with the change to write, or with why not.
 */
import { assert } from '../base/assert.ts'
import { hlcMs, type Hlc } from '../base/hlc.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import { isOther } from '../base/shape.ts'
import type { RunResult } from '../input.ts'
import type { Entry } from '../log/entry.ts'
import type { Patch } from '../task/patch.ts'
import { TASK_LIMITS } from '../options.ts'
import { backoffMs } from '../task/backoff.ts'
import { isBlob, type BlobRef, type Content } from '../task/content.ts'
import {
  EPOCH_MAX,
  HOPS_MAX,
  isSettled,
  isStarted,
  LOST_MAX,
  type Claim,
  type Outcome,
  type SettledReason,
  type Started,
  type TaskError,
  type TaskRecord,
  type UnaskedGrant
} from '../task/record.ts'
import { deadlineOf, TIME_MS_MAX } from '../task/times.ts'

/** No character of a name takes more than three bytes: so that the message stays within its bound. */
const ERROR_LENGTH_MAX: number = Math.floor(TASK_LIMITS.errorMessageBytesMax / 3)

/** Only the boot that the claim names may start a task, grant it or settle it. */
export function holds(self: BootId, record: TaskRecord): boolean {
  return record.claim.holder === self && !isSettled(record)
}

/** The node that accepts a task holds it first. */
export function firstClaim(self: BootId): Claim {
  return {
    epoch: 0,
    holder: self,
    attempt: 1,
    hops: 0,
    lost: [],
    notBefore: null,
    cause: 'submit'
  }
}

/** The holder calls the handler. */
/** @param seat where it has a slot. @default in the default pool */
export function startOf(
  self: BootId,
  record: TaskRecord,
  at: Hlc,
  seat: Pick<Started, 'pool' | 'slot'> = {}
): Patch {
  assert(
    holds(self, record) && !isStarted(record),
    'only a holder starts a task, and once an epoch'
  )
  return { started: { epoch: record.claim.epoch, by: self, at, ...seat } }
}

/**
 * The holder gives the task to another, under the next epoch.
 *
 * @param unasked why, if that one has not asked for it
 */
export function grantOf(
  self: BootId,
  record: TaskRecord,
  to: BootId,
  unasked?: UnaskedGrant
): Patch {
  assert(holds(self, record), 'only a holder grants a task')
  const { epoch, attempt, hops, lost } = record.claim
  const claim: Claim = {
    epoch: nextEpoch(epoch),
    holder: to,
    attempt,
    hops: Math.min(hops + 1, HOPS_MAX),
    lost,
    notBefore: record.claim.notBefore,
    cause: 'grant',
    ...(unasked === undefined ? {} : { unasked })
  }
  return { claim }
}

/**
 * A node takes a task whose holder is gone, under the next epoch. If the task was running there, that run is lost. If
 * it had failed for good before, that is said under the epoch that is reclaimed, so that it counts under the next one
 * too (`failedBefore`).
 *
 * @param unheard the boot that was lost with the epoch before that, if it is not named yet (`unheardStart`)
 */
export function reclaimOf(self: BootId, record: TaskRecord, unheard: BootId | null = null): Patch {
  const { epoch, holder, attempt, lost, notBefore } = record.claim
  const wasRunning = isStarted(record)
  const gone = [unheard, wasRunning ? holder : null].filter(boot => boot !== null)
  const claim: Claim = {
    epoch: nextEpoch(epoch),
    holder: self,
    attempt,
    hops: 0,
    lost: [...lost, ...gone].slice(-LOST_MAX),
    // What has begun waits no more: so one that still waits after it failed is known to be one that is tried again.
    notBefore: wasRunning ? null : notBefore,
    cause: 'reclaim'
  }
  const { outcome } = record
  return outcome !== null && hasFailedForGood(record)
    ? { claim, outcome: { ...outcome, epoch } }
    : { claim }
}

/**
 * The boot that had started a task under the epoch that was reclaimed, where the reclaimer had not heard of that start
 * and so named no boot as lost. Null if there is none, or if it was no loss: the run had ended, or the task may start
 * only once.
 */
export function unheardStart({ spec, claim, started, outcome }: TaskRecord): BootId | null {
  if (started === null || started.epoch !== claim.epoch - 1) return null
  if (claim.cause !== 'reclaim' || spec.delivery === 'at-most-once') return null
  if (outcome !== null && outcome.epoch >= started.epoch) return null
  return claim.lost.at(-1) === started.by ? null : started.by
}

/**
 * Whether the epoch that we hold is not ours alone, so that it takes a new one to start the task.
 *
 * A grant may turn up after its epoch was reclaimed: the node that reclaimed it could not know of the grant, asked us,
 * and may have started the task since. And two nodes on the two sides of a cut may have reclaimed one epoch, and the
 * other started it.
 */
export function isEpochTaken(self: BootId, { record, reclaimedAt }: Entry): boolean {
  const { claim, started } = record
  if (claim.cause === 'grant' && claim.epoch <= reclaimedAt) return true
  return started !== null && started.epoch === claim.epoch && started.by !== self
}

/**
 * Whether others have to know of a start before the handler is called: a task that may have taken a node down has to be
 * counted if it does so again, and one that may run only once must not be started by a node that did not know. Nor may
 * a start of a task that was reclaimed stay unknown.
 */
export function needsStartBarrier({ spec, claim }: TaskRecord): boolean {
  return spec.delivery === 'at-most-once' || claim.lost.length > 0 || wasReclaimed({ claim })
}

/** Whether the task has been taken over once: by its epoch, which grants and retries alone cannot account for. */
export function wasReclaimed({ claim }: Pick<TaskRecord, 'claim'>): boolean {
  const { epoch, hops, attempt, cause } = claim
  return cause === 'reclaim' || epoch > hops + attempt - 1
}

/** Whether a task that nobody runs has been started too often to be started again. */
export function isLost(record: TaskRecord): boolean {
  const { spec, claim, started } = record
  if (isStarted(record)) return false
  return claim.lost.length > spec.maxLost || (spec.delivery === 'at-most-once' && started !== null)
}

/**
 * A task that is lost has failed.
 *
 * @param names of the nodes and workers that were gone while they ran it
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
      : `${names.length} nodes or workers were lost while they ran it${nodes}; at most ${maxLost} may be`
  const error = {
    name: 'HolderLostError',
    message: message.slice(0, ERROR_LENGTH_MAX).toWellFormed(),
    stack: null
  }
  return outcomeOf(self, record, at, 0, { status: 'failed', reason: 'HolderLost', error })
}

/**
 * A task that had failed for good before it was reclaimed, by a node that had not heard of that: it has failed all
 * the same. To try it again would be one attempt too many, and a caller may have been told that it failed.
 *
 * @param isUncalled whether its start here is written down and its handler has not been called: then it was not tried
 */
export function failedBefore(
  self: BootId,
  record: TaskRecord,
  isUncalled: boolean = false
): Patch | null {
  const { claim, outcome } = record
  if (!holds(self, record) || (isStarted(record) && !isUncalled)) return null
  const untried = isUncalled ? { ...record, started: null } : record
  if (outcome === null || !hasFailedForGood(untried)) return null
  return { outcome: { ...outcome, epoch: claim.epoch } }
}

/**
 * Whether the failure that is known, of an epoch below the claim's, was the last attempt.
 *
 * Had it been tried again, the claim for that would stand above a reclaim of the next epoch. Below later ones that
 * claim is not seen any more, however many took the task from each other without having heard of the failure. But its
 * wait is: a retry has one, which nobody takes away before the next start.
 */
function hasFailedForGood({ spec, claim, started, outcome }: TaskRecord): boolean {
  if (outcome?.status !== 'failed') return false
  if (claim.cause === 'reclaim' && outcome.epoch >= claim.epoch - 1) return true
  // Somebody has tried it since.
  if (started !== null && started.epoch > outcome.epoch) return false
  if (spec.delivery === 'at-most-once') return true
  if (!isRetryable(outcome)) return outcome.reason !== null && !isOther(outcome.reason)
  return claim.attempt > spec.maxRetries && claim.notBefore === null
}

/** Whether a failure is followed by another attempt, while there are any left. */
function isRetryable({ reason }: Pick<Outcome, 'reason'>): boolean {
  return reason === 'HandlerError' || reason === 'Timeout'
}

/** The holder has ended the run itself, without an outcome, and may run the task again. */
export function resumeOf(self: BootId, record: TaskRecord): Patch {
  assert(holds(self, record) && isStarted(record), 'only what was started is taken up again')
  return { claim: { ...sameHolder(record.claim), cause: 'retry' } }
}

/**
 * What a holder has to do with a task before anything else, or null: settle it without a run, or in spite of one.
 *
 * @param broken a dependency that did not complete, or of which nobody knows, if that matters
 * @param stamp makes the time of the change
 */
export function verdictOf(
  self: BootId,
  record: TaskRecord,
  now: number,
  broken: Readonly<{ id: TaskId; isKnown: boolean }> | undefined,
  stamp: () => Hlc
): Patch | null {
  const { spec, cancelRequest, started } = record
  const since = isStarted(record) ? Math.max(0, now - hlcMs(started!.at)) : 0
  const end = (status: 'failed' | 'cancelled', reason: SettledReason, error: Told): Patch =>
    outcomeOf(self, record, stamp(), since, { status, reason, error: { ...error, stack: null } })
  if (cancelRequest !== null) {
    const message = 'the task was cancelled'
    return end('cancelled', 'CancelledByUser', { name: 'TaskCancelledError', message })
  }
  if (now >= deadlineOf(record)) {
    const message = `the task had not ended ${spec.deadlineMs} ms after its submission`
    return end('failed', 'DeadlineExceeded', { name: 'DeadlineExceededError', message })
  }
  if (record.claim.epoch >= EPOCH_MAX && !isStarted(record)) {
    const message = 'it has changed hands as often as can be counted, and can no longer be claimed'
    return end('failed', 'HolderLost', { name: 'HolderLostError', message })
  }
  if (broken === undefined) return null
  const what = broken.isKnown ? 'did not complete' : 'is known to nobody any more, or never was'
  const message = `the task it depends on, ${broken.id}, ${what}`
  return end('cancelled', 'DependencyFailed', { name: 'DependencyFailedError', message })
}

/**
 * The handler has ended under the claim that stands: the task settles, or is to be tried again.
 *
 * A failure that is followed by another attempt is written down as well. It settles nothing, because its epoch is below
 * that of the claim, but it tells a caller what went wrong.
 */
export function afterRun(
  self: BootId,
  record: TaskRecord,
  run: RunResult,
  ended: Readonly<{ at: Hlc; now: number; durationMs: number; tail: string | null }>
): Patch {
  assert(holds(self, record), 'only the holder says how a task ended')
  const { at, now, durationMs, tail } = ended
  const { spec, claim } = record
  const endedAs = (as: Ended): Patch => outcomeOf(self, record, at, durationMs, as, tail)
  if (run.status === 'completed') return endedAs(run)
  const mayRunAgain = spec.delivery === 'at-least-once' && claim.epoch < EPOCH_MAX
  if (run.status === 'returned') {
    return mayRunAgain ? returnedOf(self, claim, run.isLost) : endedAs(onceReturned(run))
  }
  if (run.retryAfterMs !== undefined && mayRunAgain) {
    return { claim: laterOf(claim, claim.attempt, now + run.retryAfterMs, 'retry-after') }
  }
  const patch = endedAs(run)
  if (!isRetryable(run) || !mayRunAgain || claim.attempt > spec.maxRetries) return patch
  const wait = backoffMs(spec.backoff, spec.id, claim.attempt)
  return { ...patch, claim: laterOf(claim, claim.attempt + 1, now + wait, 'retry') }
}

/**
 * The start is written down and the handler has not been called, and nothing here can call it any more: the task is to
 * be started anew, here or elsewhere. Null if it cannot be.
 */
export function uncalledOf(self: BootId, record: TaskRecord): Patch | null {
  assert(holds(self, record) && isStarted(record), 'what has not been called has begun')
  const { claim } = record
  if (claim.epoch >= EPOCH_MAX) return null
  return { claim: { ...sameHolder(claim), cause: 'retry-after' } }
}

/**
 * The process that ran it has not ended it: it is the same attempt that is to run again. If the process is gone this
 * boot counts as lost with it, so that a task that ends whatever runs it is not tried for ever.
 */
function returnedOf(self: BootId, claim: Claim, isLost: boolean): Patch {
  const lost = isLost ? [...claim.lost, self].slice(-LOST_MAX) : claim.lost
  return { claim: { ...sameHolder(claim), lost, cause: 'retry' } }
}

/**
 * The same of a task that may run at most once. A start that no worker took is one all the same: others have it on their
 * disks, and could not tell it from one that was taken, if this node died. So it is not taken back; but whoever asks is
 * told that nothing has run.
 */
function onceReturned({ isLost, isUntaken }: Returned): Ended {
  const what = isLost ? 'the worker that ran it was lost' : 'its worker gave it back'
  const message =
    isUntaken === true
      ? 'it was started once, and no worker took it: it has not run, so it can be submitted anew; it may start at most once'
      : `it was started once, and ${what}; it may run at most once`
  const error = { name: 'HolderLostError', message, stack: null }
  return { status: 'failed', reason: 'HolderLost', error }
}

type Returned = Extract<RunResult, { status: 'returned' }>

/** What the handler would read is on no disk any more, so this task will never run. */
export function payloadLost(self: BootId, record: TaskRecord, blob: BlobRef, at: Hlc): Patch {
  assert(holds(self, record) && !isStarted(record), 'a task that runs has all that it reads')
  const { payload } = record.spec
  const what =
    isBlob(payload) && payload.hash === blob.hash ? 'its payload' : 'a result that it depends on'
  const message = `${what}, the blob ${blob.hash} of ${blob.bytes} bytes, is on no node any more: submit the task anew`
  const error = { name: 'BlobUnavailableError', message, stack: null }
  return outcomeOf(self, record, at, 0, { status: 'failed', reason: 'PayloadLost', error })
}

/** The same holder tries once more, under the next epoch. */
function laterOf(
  claim: Claim,
  attempt: number,
  notBefore: number,
  cause: 'retry' | 'retry-after'
): Claim {
  const at = Math.min(Math.ceil(notBefore), TIME_MS_MAX)
  return { ...sameHolder(claim), attempt, notBefore: at, cause }
}

/** A new claim by the holder of the last. What a later version had said in that one was said of that one. */
function sameHolder({ epoch, holder, attempt, hops, lost, notBefore, cause }: Claim): Claim {
  return { epoch: nextEpoch(epoch), holder, attempt, hops, lost, notBefore, cause }
}

/** The end of the range is no place to fall from: a claim there no longer rises above the last, and changes nothing. */
function nextEpoch(epoch: number): number {
  return Math.min(epoch + 1, EPOCH_MAX)
}

type Told = Readonly<{ name: string; message: string }>

type Ended =
  | Readonly<{ status: 'completed'; result: Content }>
  | Readonly<{
      status: 'failed' | 'cancelled'
      reason: SettledReason
      error: TaskError
      result?: string
    }>

function outcomeOf(
  self: BootId,
  { claim }: TaskRecord,
  at: Hlc,
  durationMs: number,
  ended: Ended,
  tail: string | null = null
): Patch {
  const isCompleted = ended.status === 'completed'
  return {
    outcome: {
      status: ended.status,
      epoch: claim.epoch,
      by: self,
      at,
      durationMs,
      result: ended.result ?? null,
      error: isCompleted ? null : ended.error,
      reason: isCompleted ? null : ended.reason,
      tail
    }
  }
}
