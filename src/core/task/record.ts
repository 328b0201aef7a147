/**
 * The replicated state of one task, and its join.
 *
 * Every component is a point in a total order and only ever moves up in it. A join takes the upper point of each
 * component. That is all a join-semilattice needs: it is commutative, associative and idempotent because `max` is,
 * so replicas that have heard the same things agree, in whatever order and however often they heard them.
 *
 * Two rules keep `max` honest. Every comparison ends in `compareValues` over the whole component, so that two
 * different points never tie. And the order never looks outside the component (for the claim and the outcome: and the
 * id of the task, which is the same on both sides), so that it is the same order everywhere.
 */
import type { Hlc } from '../base/hlc.ts'
import { nodeOf, type BootId, type TaskId } from '../base/ids.ts'
import { compareText, compareValues, sameValues } from '../base/order.ts'
import { weight } from '../base/weight.ts'
import type { Content } from './content.ts'
import type { TaskSpec } from './spec.ts'

/** One write of one boot: the `seq`th, counted from 1. */
export type Dot = Readonly<{ origin: BootId; seq: number }>

/** `retry` after a failed attempt, `retry-after` when the handler asked to be called again later. */
export const CLAIM_CAUSES = ['submit', 'grant', 'retry', 'retry-after', 'reclaim'] as const
export type ClaimCause = (typeof CLAIM_CAUSES)[number]

/** Who may start the task, grant it away or settle it. */
export type Claim = Readonly<{
  /** How often the claim has changed: the fencing token of the task. */
  epoch: number
  holder: BootId
  /** Which run this is, from 1. */
  attempt: number
  /** Grants since the submission; bounded, so that a task cannot travel for ever. */
  hops: number
  /** Boots that were gone while they ran the task, in the order in which that was noticed. */
  lost: readonly BootId[]
  /** The attempt is not started before this time, in ms since 1970; null: at once. */
  notBefore: number | null
  cause: ClaimCause
}>

/** More of them are not remembered. */
export const LOST_MAX = 16

/** The holder of `epoch` called the handler. By whom says which, if two nodes claimed that epoch. */
export type Started = Readonly<{ epoch: number; by: BootId; at: Hlc }>

/** Somebody wants the task cancelled. Whoever holds it, then or later, does so. */
export type CancelRequest = Readonly<{ at: Hlc; by: BootId }>

export const OUTCOME_STATUSES = ['failed', 'cancelled', 'completed'] as const
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number]

export const SETTLED_REASONS = [
  'HandlerError',
  'NonRetryable',
  'Timeout',
  'DependencyFailed',
  'TooLarge',
  'DeadlineExceeded',
  'HolderLost',
  'CancelledByUser',
  'PayloadRejected',
  'PayloadLost'
] as const
/** Why a task failed or was cancelled. */
export type SettledReason = (typeof SETTLED_REASONS)[number]

export type TaskError = Readonly<{ name: string; message: string; stack: string | null }>

/** How a task ended; or, below the epoch of the claim, how its last attempt failed. */
export type Outcome = Readonly<{
  status: OutcomeStatus
  epoch: number
  by: BootId
  at: Hlc
  /** How long the handler ran, in ms; 0 if it was never called. */
  durationMs: number
  /** Of a completed task; a failed one may have something to say for itself, too. */
  result: Content | null
  error: TaskError | null
  reason: SettledReason | null
  /** The last lines that it logged or printed; null if there are none. */
  tail: string | null
}>

export type TaskRecord = Readonly<{
  spec: TaskSpec
  /** The writes that created it: one, or several if one key was submitted at several nodes. Sorted. */
  created: readonly Dot[]
  claim: Claim
  started: Started | null
  cancelRequest: CancelRequest | null
  outcome: Outcome | null
}>

/**
 * The least upper bound of two states of one task. Returns `x` itself if `y` adds nothing, so that a caller can tell
 * by identity whether anything changed.
 */
export function join(x: TaskRecord, y: TaskRecord): TaskRecord {
  if (x === y) return x
  const id = x.spec.id
  const spec = upper(x.spec, y.spec, (a, b) => compareSpecs(b, a))
  const created = joinDots(x.created, y.created)
  const claim = joinClaims(id, x.claim, y.claim)
  const started = upperOrNull(x.started, y.started, (a, b) => compareStarted(id, a, b))
  const cancelRequest = upperOrNull(x.cancelRequest, y.cancelRequest, compareCancelRequests)
  const outcome = upperOrNull(x.outcome, y.outcome, (a, b) => compareOutcomes(id, a, b))
  const same =
    spec === x.spec &&
    created === x.created &&
    claim === x.claim &&
    started === x.started &&
    cancelRequest === x.cancelRequest &&
    outcome === x.outcome
  return same ? x : { spec, created, claim, started, cancelRequest, outcome }
}

/** Whether the task is over. A failure counts only while nobody has claimed the task anew since. */
export function isSettled(record: Pick<TaskRecord, 'claim' | 'outcome'>): boolean {
  const { outcome, claim } = record
  return outcome !== null && (outcome.status !== 'failed' || outcome.epoch >= claim.epoch)
}

/** Whether the task is over for good. A failure may yet be undone, by a claim that nobody here has heard of. */
export function isFinal({ outcome }: TaskRecord): boolean {
  return outcome !== null && outcome.status !== 'failed'
}

/** Whether the holder has called the handler under the claim that stands. */
export function isStarted(record: TaskRecord): boolean {
  const { started, claim } = record
  return started !== null && started.epoch === claim.epoch && started.by === claim.holder
}

/** Whether two nodes hold the task by claims of one epoch. */
export function isConflict(x: Claim, y: Claim): boolean {
  return x.epoch === y.epoch && x.holder !== y.holder
}

/** Whether it is news that somebody has started what had completed at this boot. */
export function isRepeated(
  self: BootId,
  { outcome, started }: TaskRecord,
  news: TaskRecord
): boolean {
  if (outcome?.by !== self || outcome.status !== 'completed') return false
  return (news.started?.epoch ?? -1) > Math.max(outcome.epoch, started?.epoch ?? -1)
}

/** Whether the holder waits for everybody's word that they have heard of its claim. */
export function waitsForAll({ spec, claim }: TaskRecord): boolean {
  return claim.cause === 'reclaim' || (claim.cause === 'submit' && spec.idempotencyKey !== null)
}

/** Two submissions under one key keep the earlier; the rest of the comparison only breaks ties. */
function compareSpecs(x: TaskSpec, y: TaskSpec): number {
  return (
    x.submittedAt - y.submittedAt ||
    compareText(x.submittedBy, y.submittedBy) ||
    compareValues(x, y)
  )
}

function compareClaims(id: TaskId, x: Claim, y: Claim): number {
  return (
    x.epoch - y.epoch ||
    Number(x.cause !== 'reclaim') - Number(y.cause !== 'reclaim') ||
    weight(id, nodeOf(x.holder)) - weight(id, nodeOf(y.holder)) ||
    compareText(x.holder, y.holder) ||
    compareValues(x, y)
  )
}

/** In the order of claims, so that as a rule the start that prevails is the start of the claim that prevails. */
function compareStarted(id: TaskId, x: Started, y: Started): number {
  return (
    x.epoch - y.epoch ||
    weight(id, nodeOf(x.by)) - weight(id, nodeOf(y.by)) ||
    compareText(x.by, y.by) ||
    y.at - x.at
  )
}

/** The earlier one stands above the later. */
function compareCancelRequests(x: CancelRequest, y: CancelRequest): number {
  return y.at - x.at || compareText(y.by, x.by)
}

function compareOutcomes(id: TaskId, x: Outcome, y: Outcome): number {
  return (
    OUTCOME_STATUSES.indexOf(x.status) - OUTCOME_STATUSES.indexOf(y.status) ||
    x.epoch - y.epoch ||
    weight(id, nodeOf(x.by)) - weight(id, nodeOf(y.by)) ||
    compareText(x.by, y.by) ||
    compareValues(x, y)
  )
}

function joinDots(x: readonly Dot[], y: readonly Dot[]): readonly Dot[] {
  if (sameValues(x, y)) return x
  const known = new Set(x.map(dot => `${dot.origin} ${dot.seq}`))
  const added = y.filter(dot => !known.has(`${dot.origin} ${dot.seq}`))
  if (added.length === 0) return x
  return [...x, ...added].sort((a, b) => compareText(a.origin, b.origin) || a.seq - b.seq)
}

/** As `upper` would. What becomes of a task is told with the claim that stands, so this is asked most often. */
function joinClaims(id: TaskId, x: Claim, y: Claim): Claim {
  if (x.epoch !== y.epoch) return x.epoch > y.epoch ? x : y
  const same =
    x.holder === y.holder &&
    x.attempt === y.attempt &&
    x.hops === y.hops &&
    x.notBefore === y.notBefore &&
    x.cause === y.cause &&
    sameValues(x.lost, y.lost)
  return same || compareClaims(id, x, y) >= 0 ? x : y
}

function upper<T>(x: T, y: T, compare: (x: T, y: T) => number): T {
  // As a rule both are copies of one value, which is quicker to see than which of two is greater.
  return sameValues(x, y) || compare(x, y) >= 0 ? x : y
}

function upperOrNull<T>(x: T | null, y: T | null, compare: (x: T, y: T) => number): T | null {
  if (x === null || y === null) return x ?? y
  return upper(x, y, compare)
}
