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
import { placeOf, type Other } from '../base/shape.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { upperCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { Content } from './content.ts'
import type { TaskSpec } from './spec.ts'

/** One write of one boot: the `seq`th, counted from 1. */
export type Dot = Readonly<{ origin: BootId; seq: number }>

/** `retry` after a failed attempt, `retry-after` when the handler asked to be called again later. */
export const CLAIM_CAUSES = ['submit', 'grant', 'retry', 'retry-after', 'reclaim'] as const
export type ClaimCause = (typeof CLAIM_CAUSES)[number]

/** Why a task is granted to a node that has not asked for any: a slot is free there, or its holder drains. */
export const UNASKED_GRANTS = ['placed', 'handed-on'] as const
export type UnaskedGrant = (typeof UNASKED_GRANTS)[number]

/** The greatest epoch. At one a microsecond it takes an hour; honest tasks know tens. */
export const EPOCH_MAX: number = 2 ** 32 - 1

/** What a later version has added to a part of a record, a character for each byte that came. */
export type Extensible = Readonly<{ later?: string }>

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
  cause: ClaimCause | Other
  /** Of a grant that nobody has asked for. @default a thief had asked */
  unasked?: UnaskedGrant | Other
}> &
  Extensible

/** More of them are not remembered. */
export const LOST_MAX = 16

/** More grants are not counted. */
export const HOPS_MAX: number = 2 ** 32 - 1

/** The holder of `epoch` called the handler. By whom says which, if two nodes claimed that epoch. */
export type Started = Readonly<{
  epoch: number
  by: BootId
  at: Hlc
  /** In which pool it got a slot, and which one, counted from 0. @default in the default one */
  pool?: string
  slot?: number
}> &
  Extensible

/** A caller wants the task cancelled. Its holder, then or later, cancels it. */
export type CancelRequest = Readonly<{ at: Hlc; by: BootId }> & Extensible

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
  'PayloadLost',
  'ResultRejected'
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
  /** The result of a completed task; a failed one may have something to say for itself, too. */
  result: Content | null
  error: TaskError | null
  reason: SettledReason | Other | null
  /** The last lines that it logged or printed; null if there are none. */
  tail: string | null
}> &
  Extensible

/**
 * A component of a record that a later version has added: which one, where it stands in its order, and its bytes, a
 * character for each.
 */
export type Component = Readonly<{ number: number; epoch: number; sequence: number; bytes: string }>

/** Those of one record. */
export const COMPONENTS_MAX = 8
/** Size of one added component: room for the name of a blob, where what is larger belongs. */
export const COMPONENT_BYTES_MAX = 128

/** The writes that created a task, as far as they are remembered; so that any record fits into one gossip message. */
export const CREATED_MAX = 16

export type TaskRecord = Readonly<{
  spec: TaskSpec
  /**
   * The writes that created it: one, or several if one key was submitted at several nodes. The least of them, sorted:
   * of any two sets of them the least of both is the same, in whatever order they are joined.
   */
  created: readonly Dot[]
  claim: Claim
  started: Started | null
  cancelRequest: CancelRequest | null
  outcome: Outcome | null
  /** What its last attempt saved for the next one. @default nothing */
  checkpoint?: Checkpoint
  /** Sorted by number. @default none */
  components?: readonly Component[]
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
  const checkpoint = upperCheckpoint(x.checkpoint, y.checkpoint)
  const components = joinComponents(x.components, y.components)
  const same =
    spec === x.spec &&
    created === x.created &&
    claim === x.claim &&
    started === x.started &&
    cancelRequest === x.cancelRequest &&
    outcome === x.outcome &&
    checkpoint === x.checkpoint &&
    components === x.components
  if (same) return x
  const joined = { spec, created, claim, started, cancelRequest, outcome }
  return { ...joined, ...addedOf({ checkpoint, components }) }
}

/** What few records have: left out where it is not there. */
export function addedOf({
  checkpoint,
  components
}: {
  readonly [K in 'checkpoint' | 'components']?: TaskRecord[K] | undefined
}): Pick<TaskRecord, 'checkpoint' | 'components'> {
  return {
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(components === undefined ? {} : { components })
  }
}

/** What the next attempt is to go on from; undefined: nothing was saved, or there is no next attempt. */
export function checkpointIn(record: TaskRecord): Checkpoint | undefined {
  return isSettled(record) ? undefined : record.checkpoint
}

/** Whether the task is over. A failure counts only while the task has not been claimed anew since. */
export function isSettled(record: Pick<TaskRecord, 'claim' | 'outcome'>): boolean {
  const { outcome, claim } = record
  return outcome !== null && (outcome.status !== 'failed' || outcome.epoch >= claim.epoch)
}

/** Whether the task is over for good. A failure may yet be undone, by a claim that has not been heard of here. */
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

/** Whether it is news that a node has started what had completed at this boot. */
export function isRepeated(
  self: BootId,
  { outcome, started }: TaskRecord,
  news: TaskRecord
): boolean {
  if (outcome?.by !== self || outcome.status !== 'completed') return false
  return (news.started?.epoch ?? -1) > Math.max(outcome.epoch, started?.epoch ?? -1)
}

/** Whether the holder waits until all have said that they have heard of its claim. */
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
    rendezvousWeight(id, nodeOf(x.holder)) - rendezvousWeight(id, nodeOf(y.holder)) ||
    compareText(x.holder, y.holder) ||
    compareValues(rawClaim(x), rawClaim(y))
  )
}

/** In the order of claims, so that as a rule the start that prevails is the start of the claim that prevails. */
function compareStarted(id: TaskId, x: Started, y: Started): number {
  return (
    x.epoch - y.epoch ||
    rendezvousWeight(id, nodeOf(x.by)) - rendezvousWeight(id, nodeOf(y.by)) ||
    compareText(x.by, y.by) ||
    y.at - x.at ||
    compareValues(x, y)
  )
}

/** The earlier one stands above the later. */
function compareCancelRequests(x: CancelRequest, y: CancelRequest): number {
  return y.at - x.at || compareText(y.by, x.by) || compareValues(x, y)
}

function compareOutcomes(id: TaskId, x: Outcome, y: Outcome): number {
  return (
    OUTCOME_STATUSES.indexOf(x.status) - OUTCOME_STATUSES.indexOf(y.status) ||
    x.epoch - y.epoch ||
    rendezvousWeight(id, nodeOf(x.by)) - rendezvousWeight(id, nodeOf(y.by)) ||
    compareText(x.by, y.by) ||
    compareValues(rawOutcome(x), rawOutcome(y))
  )
}

function joinDots(x: readonly Dot[], y: readonly Dot[]): readonly Dot[] {
  if (sameValues(x, y)) return x
  const known = new Set(x.map(dot => `${dot.origin} ${dot.seq}`))
  const added = y.filter(dot => !known.has(`${dot.origin} ${dot.seq}`))
  if (added.length === 0) return x
  const joined = leastDots([...x, ...added])
  return sameValues(joined, x) ? x : joined
}

/** The dots that a record remembers of these: each once, in order, and no more than it may. */
export function leastDots(dots: readonly Dot[]): readonly Dot[] {
  return dots
    .toSorted((a, b) => compareText(a.origin, b.origin) || a.seq - b.seq)
    .filter(({ origin, seq }, i, all) => origin !== all[i - 1]?.origin || seq !== all[i - 1]?.seq)
    .slice(0, CREATED_MAX)
}

/** Of each component the one that stands above, by its own order; of more than there may be the first by number. */
function joinComponents(
  x: TaskRecord['components'],
  y: TaskRecord['components']
): TaskRecord['components'] {
  if (x === y || y === undefined) return x
  if (x === undefined) return y
  const joined = new Map(x.map(each => [each.number, each]))
  for (const each of y) {
    const known = joined.get(each.number)
    if (known === undefined || compareComponents(known, each) < 0) joined.set(each.number, each)
  }
  const sorted = [...joined.values()].sort((a, b) => a.number - b.number).slice(0, COMPONENTS_MAX)
  return sameValues(sorted, x) ? x : sorted
}

function compareComponents(x: Component, y: Component): number {
  return x.epoch - y.epoch || x.sequence - y.sequence || compareText(x.bytes, y.bytes)
}

/** A claim as versions that know different words compare it: by their places. */
function rawClaim(claim: Claim): unknown {
  const { cause, unasked } = claim
  const raw = { ...claim, cause: placeOf(CLAIM_CAUSES, cause) }
  return unasked === undefined ? raw : { ...raw, unasked: placeOf(UNASKED_GRANTS, unasked) }
}

function rawOutcome(outcome: Outcome): unknown {
  const { reason } = outcome
  return { ...outcome, reason: reason === null ? null : placeOf(SETTLED_REASONS, reason) }
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
    x.unasked === y.unasked &&
    x.later === y.later &&
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
