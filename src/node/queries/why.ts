/**
 * Why a task is not running, in words: which condition fails, for the task and for each node that could run it.
 *
 * Whether the task is ready, and what keeps it from that, the core says (core/queue/readiness.ts). What is ready waits
 * for its holder or for a slot. What holds everywhere is told before what holds for one node, and what cannot change by
 * itself before what only takes time.
 */
import { canRun, demandOf, lackOf } from '../../core/claim/claim.ts'
import type { Capability, Demand } from '../../core/claim/capability.ts'
import type { BusyPool } from '../../core/claim/pools.ts'
import type { Other } from '../../core/base/shape.ts'
import type { Pause } from '../../core/message.ts'
import type { Waiting } from '../../core/pending.ts'
import type { Blocked } from '../../core/queue/readiness.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { startTimeOf } from '../../core/task/times.ts'
import { isOwn } from '../own-labels.ts'
import { conditionText } from '../tasks/label-options.ts'

export type OpenReason =
  | Blocked
  | 'NoHandler'
  | 'LabelsUnmatched'
  | 'HolderDraining'
  | 'NoQuorum'
  | 'DiskFull'
  | 'Isolated'

/** A condition that fails, as a code and in words. */
export type Why = Readonly<{ reason: OpenReason; words: string }>

/** What keeps a node from beginning anything. */
export type Busy = Readonly<{ draining: boolean; paused?: Pause | Other }>

/** What a pool of a node is known to be able to do, and what keeps that node from beginning anything. */
export type Candidate = Capability & Busy

/** A node with all its pools. */
export type Worker = Busy & Readonly<{ pools: readonly BusyPool[] }>

/** What this node knows of a task that has not settled and does not run. */
export type Situation = Readonly<{
  record: TaskRecord
  readiness: 'Ready' | Blocked
  /** Dependencies that have not settled. */
  open: readonly string[]
  /** Whether the first of them is known here. */
  isOpenKnown: boolean
  /** A dependency that did not complete, if that ends the task. */
  broken: string | undefined
  /** What this node waits for on its account, if what it reads is not there. */
  pending: readonly Waiting[]
  /** If it waits for others to know of its start: the members, if none of them is connected. */
  missing: readonly string[]
  holder: Readonly<{ name: string; isAlive: boolean } & Busy>
  seesMajority: boolean
  /** The pools of nodes that are alive, those of this one included. */
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
  if (workers.some(worker => lackOf(worker, demand) !== 'NoHandler')) {
    const wanted = demand.require.map(conditionText).join(', ')
    return { reason: 'LabelsUnmatched', words: `no node with a handler has the labels ${wanted}` }
  }
  return { reason: 'NoHandler', words: `no node has a handler for ${demand.type}` }
}

/** Why the task does not run on this node. */
export function reasonAt(situation: Situation, name: string, worker: Worker): Why {
  const demand = demandOf(situation.record.spec)
  const able = worker.pools.filter(pool => canRun(pool, demand))
  if (able.length === 0) return lackAt(worker, demand)
  if (worker.draining) return drainingReason(name)
  const common = commonReason(situation)
  if (common !== null) return common
  if (worker.paused !== undefined) return pauseReason(worker.paused, 'it begins nothing')
  const isOnly = worker.pools.length === 1
  const taken = able.map(pool =>
    isOnly
      ? `${pool.running} of its ${pool.slots} slots are taken`
      : `${pool.running} of the ${pool.slots} slots of its pool ${pool.name} are taken`
  )
  return { reason: 'SlotsBusy', words: taken.join(', and ') }
}

/** What none of the pools of a node has: the label that keeps one with a handler from running it, or a handler. */
function lackAt({ pools }: Worker, demand: Demand): Why {
  for (const pool of pools) {
    const lack = lackOf(pool, demand)
    if (lack === 'NoHandler' || lack === null) continue
    if (isOwn(lack)) {
      const words = 'it does not know what this command asks for: it is of an earlier version'
      return { reason: 'LabelsUnmatched', words }
    }
    const own = Object.hasOwn(pool.labels, lack.label) ? pool.labels[lack.label]! : 'not there'
    const where = pools.length === 1 ? 'its label' : `in its pool ${pool.name}, the label`
    const words = `${where} ${lack.label} is ${own}, and ${conditionText(lack)} is required`
    return { reason: 'LabelsUnmatched', words }
  }
  const isIdle = pools.every(({ slots }) => slots === 0)
  const words = isIdle ? 'it runs no tasks' : `it has no handler for ${demand.type}`
  return { reason: 'NoHandler', words }
}

/** What keeps the task from running anywhere. */
function commonReason(situation: Situation): Why | null {
  const { record, readiness, holder } = situation
  switch (readiness) {
    case 'DependencyOpen':
      return { reason: readiness, words: waitingWords(situation) }
    case 'NotBefore':
    case 'Backoff':
    case 'RetryAfter':
      return { reason: readiness, words: delayWords(readiness, record) }
    case 'ClaimSettling':
      return { reason: readiness, words: UNCONFIRMED }
    case 'StartUnconfirmed':
      return { reason: readiness, words: unconfirmedWords(holder.name, situation.missing) }
    case 'PayloadUnavailable':
      return { reason: readiness, words: unavailableWords(situation) }
    case 'SlotsBusy':
      return { reason: readiness, words: `${holder.name} calls its handler in its next free slot` }
    case 'Ready':
      return holderReason(situation)
  }
}

/** What keeps its holder from starting the task, or from handing it on. */
function holderReason({ holder, seesMajority }: Situation): Why | null {
  const { name, isAlive, paused } = holder
  if (!isAlive && !seesMajority) {
    const words = `${name} holds it and cannot be reached, and too few nodes are seen to take it over (--quorum)`
    return { reason: 'NoQuorum', words }
  }
  if (!isAlive) return { reason: 'ClaimSettling', words: UNCONFIRMED }
  if (paused === undefined) return null
  return pauseReason(paused, `${name} holds it, and neither starts nor hands on anything`)
}

const UNCONFIRMED = 'the others have not all confirmed yet who is to run it'

function waitingWords({ open, isOpenKnown, broken, holder }: Situation): string {
  const [first] = open
  if (first === undefined) {
    return `the task it depends on, ${broken}, did not complete, and ${holder.name} is yet to say what follows`
  }
  const others = open.length > 1 ? ` and ${open.length - 1} more` : ''
  const unknown = isOpenKnown ? '' : '; of the first, nothing is known here'
  return `it waits for ${first}${others}${unknown}`
}

function unavailableWords({ holder: { name }, pending }: Situation): string {
  const isComing = pending.some(({ until }) => until.on === 'blobs' && until.retryAt === null)
  return isComing
    ? `what it reads is on its way to ${name}, which runs it then`
    : `${name} would run it, and nobody can send what it reads`
}

function delayWords(reason: 'NotBefore' | 'Backoff' | 'RetryAfter', record: TaskRecord): string {
  const at = new Date(startTimeOf(record)).toISOString()
  if (reason === 'NotBefore') return `it is not to start before ${at}`
  if (reason === 'RetryAfter') return `its handler asked to be called again at ${at}`
  return `attempt ${record.claim.attempt} follows at ${at}`
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

function unconfirmedWords(name: string, missing: readonly string[]): string {
  const first = `${name} calls its handler when another node knows of the start`
  const cure =
    missing.length === 0
      ? 'none has confirmed it yet'
      : `none is connected: ${missing.join(', ')}; one that will not come back is waited for no more after "hearsay forget"`
  return `${first}, and ${cure}`
}

function drainingReason(name: string): Why {
  return { reason: 'HolderDraining', words: `${name} drains: it hands on what it holds` }
}
