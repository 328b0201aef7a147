/**
 * Why a task is not running: which condition fails, for the task and for each node that could run it.
 *
 * The first condition that fails is the one that is told: what holds everywhere comes before what holds for one node,
 * and what cannot change by itself before what only takes time.
 */
import { canRun, demandOf } from '../../core/claim/claim.ts'
import type { Capability } from '../../core/claim/capability.ts'
import type { Other } from '../../core/base/shape.ts'
import type { Pause } from '../../core/message.ts'
import type { Waiting } from '../../core/pending.ts'
import { unmet } from '../../core/task/labels.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { conditionText } from '../tasks/label-options.ts'

export type OpenReason =
  | 'DependencyOpen'
  | 'NotBefore'
  | 'Backoff'
  | 'RetryAfter'
  | 'NoHandler'
  | 'LabelsUnmatched'
  | 'SlotsBusy'
  | 'HolderDraining'
  | 'ClaimSettling'
  | 'NoQuorum'
  | 'StartUnconfirmed'
  | 'DiskFull'
  | 'Isolated'
  | 'PayloadUnavailable'

/** A condition that fails, as a code and in words. */
export type Why = Readonly<{ reason: OpenReason; words: string }>

/** What keeps a node from beginning anything. */
export type Busy = Readonly<{ draining: boolean; paused?: Pause | Other }>

/** What a node is known to be able to do, and how busy it is. */
export type Candidate = Capability & Busy

/** What this node knows of a task that has not settled and does not run. */
export type Situation = Readonly<{
  record: TaskRecord
  /** Dependencies that have not completed. */
  open: readonly string[]
  /** Whether the first of them is known here. */
  isOpenKnown: boolean
  wallMs: number
  /** What this node waits for on its account. */
  pending: readonly Waiting[]
  /** The members, if none of them is connected. */
  missing: readonly string[]
  holder: Readonly<{ name: string; isAlive: boolean } & Busy>
  seesMajority: boolean
  /** Nodes that are alive, this one included. */
  workers: readonly Candidate[]
}>

/** Why the task does not run. */
export function reasonOf(situation: Situation): Why {
  const { record, workers, holder } = situation
  const common = commonReason(situation)
  if (common !== null) return common
  if (holder.draining) return drainingReason(holder.name)
  const demand = demandOf(record.spec)
  const able = workers.filter(worker => !worker.draining && canRun(worker, demand))
  if (able.some(({ paused }) => paused === undefined)) {
    return { reason: 'SlotsBusy', words: 'all nodes that could run it are busy' }
  }
  const [paused] = able.flatMap(worker => worker.paused ?? [])
  if (paused !== undefined) return pauseReason(paused, 'all nodes that could run it begin nothing')
  if (workers.some(({ slots, handlers }) => slots > 0 && handlers.includes(demand.type))) {
    const wanted = demand.require.map(conditionText).join(', ')
    return { reason: 'LabelsUnmatched', words: `no node with a handler has the labels ${wanted}` }
  }
  return { reason: 'NoHandler', words: `no node has a handler for ${demand.type}` }
}

/** Why the task does not run on this node. */
export function reasonAt(
  situation: Situation,
  name: string,
  worker: Candidate & Readonly<{ running: number }>
): Why {
  const demand = demandOf(situation.record.spec)
  const { slots, handlers, labels, running } = worker
  if (slots === 0) return { reason: 'NoHandler', words: 'it runs no tasks' }
  if (!handlers.includes(demand.type)) {
    return { reason: 'NoHandler', words: `it has no handler for ${demand.type}` }
  }
  const condition = unmet(demand.require, labels)
  if (condition !== undefined) {
    const own = Object.hasOwn(labels, condition.label) ? labels[condition.label]! : 'not there'
    const words = `its label ${condition.label} is ${own}, and ${conditionText(condition)} is required`
    return { reason: 'LabelsUnmatched', words }
  }
  if (worker.draining) return drainingReason(name)
  const common = commonReason(situation)
  if (common !== null) return common
  if (worker.paused !== undefined) return pauseReason(worker.paused, 'it begins nothing')
  return { reason: 'SlotsBusy', words: `${running} of its ${slots} slots are taken` }
}

/** What keeps the task from running anywhere. */
function commonReason(situation: Situation): Why | null {
  const { record, open, wallMs, pending, holder, seesMajority } = situation
  const { spec, claim } = record
  const [first] = open
  if (first !== undefined) {
    const others = open.length > 1 ? ` and ${open.length - 1} more` : ''
    const unknown = situation.isOpenKnown ? '' : '; of the first, nothing is known here'
    return { reason: 'DependencyOpen', words: `it waits for ${first}${others}${unknown}` }
  }
  const start = Math.max(spec.notBefore ?? 0, claim.notBefore ?? 0)
  if (start > wallMs) return delayReason(record, start)
  if (!holder.isAlive && !seesMajority) {
    const words = `${holder.name} holds it and cannot be reached, and too few nodes are seen to take it over (--quorum)`
    return { reason: 'NoQuorum', words }
  }
  if (pending.some(isClaimUnconfirmed) || !holder.isAlive) {
    const words = 'the others have not all confirmed yet who is to run it'
    return { reason: 'ClaimSettling', words }
  }
  if (holder.paused !== undefined) {
    return pauseReason(
      holder.paused,
      `${holder.name} holds it, and neither starts nor hands on anything`
    )
  }
  if (pending.some(isStartUnconfirmed)) return unconfirmedReason(holder.name, situation.missing)
  const staging = pending.find(({ until }) => until.on === 'blobs')
  return staging === undefined ? null : unavailableReason(holder.name, staging)
}

/** Whether others have to confirm who is to run a task before it is run here. */
function isClaimUnconfirmed({ pending, until }: Waiting): boolean {
  return until.on === 'confirmation' && (pending.kind === 'claim' || pending.kind === 'start')
}

/** Whether another node has to know of a start here before the handler is called. */
export function isStartUnconfirmed({ pending, until }: Waiting): boolean {
  return pending.kind === 'start' && (until.on === 'copies' || until.on === 'member')
}

function unavailableReason(name: string, { until }: Waiting): Why {
  const isComing = until.on === 'blobs' && until.retryAt === null
  const words = isComing
    ? `what it reads is on its way to ${name}, which runs it then`
    : `${name} would run it, and nobody can send what it reads`
  return { reason: 'PayloadUnavailable', words }
}

function delayReason({ spec, claim }: TaskRecord, start: number): Why {
  const at = new Date(start).toISOString()
  if (spec.notBefore === start) {
    return { reason: 'NotBefore', words: `it is not to start before ${at}` }
  }
  if (claim.cause === 'retry-after') {
    return { reason: 'RetryAfter', words: `its handler asked to be called again at ${at}` }
  }
  return { reason: 'Backoff', words: `attempt ${claim.attempt} follows at ${at}` }
}

/** @param words who it is, and what that means */
function pauseReason(paused: Pause | Other, words: string): Why {
  if (paused === 'disk') {
    return { reason: 'DiskFull', words: `${words} before its disk can be written to again` }
  }
  if (paused === 'alone') {
    return { reason: 'Isolated', words: `${words} before it sees more of the others` }
  }
  if (paused === 'waking') {
    const why = 'has stood still, and first hears what has become of its tasks'
    return { reason: 'ClaimSettling', words: `${words} for a moment: it ${why}` }
  }
  return { reason: 'SlotsBusy', words: `${words} for now` }
}

function unconfirmedReason(name: string, missing: readonly string[]): Why {
  const first = `${name} calls its handler when another node knows of the start`
  const cure =
    missing.length === 0
      ? 'none has confirmed it yet'
      : `none is connected: ${missing.join(', ')}; one that will not come back is waited for no more after "hearsay forget"`
  return { reason: 'StartUnconfirmed', words: `${first}, and ${cure}` }
}

function drainingReason(name: string): Why {
  return { reason: 'HolderDraining', words: `${name} drains: it hands on what it holds` }
}
