/**
 * What the two halves of the core share: who we are, what time it is, the replica, the members, and where effects go.
 */
import type { UnknownOrigins } from './membership/unknown-origins.ts'
import { CLOCK_MS_MAX, type HybridClock } from './base/hlc.ts'
import type { Counters } from './telemetry/counters.ts'
import type { BootId, NodeId, TaskId } from './base/ids.ts'
import type { Effect } from './effect.ts'
import type { Log } from './log/log.ts'
import type { Carried } from './queue/carried-outcomes.ts'
import type { KeyTombstones } from './gc/key-tombstones.ts'
import type { Labels } from './task/labels.ts'
import type { Members } from './membership/members.ts'
import type { CoreOptions } from './options.ts'
import type { Release } from './pending.ts'

/** What a node says about itself for as long as it lives. */
export type Identity = Readonly<{
  boot: BootId
  /** `computer/instance`. */
  name: string
  version: string
  /** The labels that it had at its start. */
  labels: Labels
}>

export type Context = {
  readonly self: BootId
  readonly node: NodeId
  /** `computer/instance`. */
  readonly name: string
  /** The one that this node is on; null: not said. */
  readonly computer: string | null
  readonly options: CoreOptions
  readonly clock: HybridClock
  readonly log: Log
  readonly keyTombstones: KeyTombstones
  /** Outcomes that came with a task which depends on them, and that are pruned here. */
  readonly carried: Carried
  readonly members: Members
  /** Boots of which nothing is known but what they wrote. */
  readonly unknownOrigins: UnknownOrigins
  readonly counters: Counters
  /** What this node says of itself for tasks to choose by; may change while it lives. */
  labels: Labels
  /** This node has been up for so short a time that it may not have met all others. */
  isNew: boolean
  /** The disk has writes that no vector carries yet (replication/loose-writes.ts). */
  isLoose: boolean
  /** The time of the step under way, in ms, by a clock that nobody sets: for how long something has lasted. */
  now: number
  /** How far our own wall clock is ahead of that, in ms. */
  aheadMs: number
  /** By how much our own wall clock is to be corrected, in ms (membership/clock-offset.ts). */
  correctionMs: number
  /** What time it is, in whole ms: what is stamped, scheduled and expires goes by this. */
  wallMs: number
  readonly emit: (effect: Effect) => void
  /** Carries out what was waited for. */
  readonly release: Release
}

export const BEFORE_THE_FIRST_STEP = {
  now: 0,
  aheadMs: 0,
  correctionMs: 0,
  wallMs: 0,
  isNew: true,
  isLoose: false
} as const

/** What our own wall clock shows, in ms. */
export function ownMs({ now, aheadMs }: Pick<Context, 'now' | 'aheadMs'>): number {
  return now + aheadMs
}

/** What time it is for tasks when our monotonic clock shows `now`, in ms. */
export function wallMsAt(now: number, { aheadMs, correctionMs }: Context): number {
  return now + aheadMs + correctionMs
}

/** Whole: what is made of it is kept and told, where times are whole numbers. */
export function wholeMs(ms: number): number {
  return Math.floor(Math.min(Math.max(0, ms), CLOCK_MS_MAX))
}

/** Whether a task is absent because it has settled and been pruned, as far as can be told here. */
export function isPruned({ log, keyTombstones, wallMs }: Context, id: TaskId): boolean {
  return log.isForgotten(id) || (log.get(id) === undefined && keyTombstones.has(id, wallMs))
}
