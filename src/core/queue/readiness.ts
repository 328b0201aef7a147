/**
 * What keeps a task from being started: decided here once, for the scheduler, which acts on it, and for `why`, which
 * shows it.
 *
 * Only what concerns this one task is decided here. A task whose holder has no slot, no handler or no disk is ready all
 * the same: that keeps back all of the holder's tasks alike, and a thief may run them.
 */
import { holds } from '../claim/claim.ts'
import type { Reclaim } from '../claim/reclaim.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled, isStarted, type TaskRecord } from '../task/record.ts'
import type { TaskState } from '../task/state.ts'
import { startTimeOf } from '../task/times.ts'
import type { Dependencies } from './dependencies.ts'

/** Why a task that has not settled, and does not run, may not be started: the names are what users are told. */
export type Blocked =
  | 'DependencyOpen'
  | 'NotBefore'
  | 'Backoff'
  | 'RetryAfter'
  | 'ClaimSettling'
  | 'StartUnconfirmed'
  | 'PayloadUnavailable'
  | 'SlotsBusy'

export type Readiness = 'Ready' | 'Running' | 'Settled' | Blocked

/** What the slots of this node know of a task. */
type Slots = Readonly<{
  /** Whether it has been started here, and its handler has not been called yet. */
  isUncalled(entry: Entry): boolean
  /** What it waits for in its slot, or for want of one when it was called; null if it has not come to that. */
  blockedBy(entry: Entry): Blocked | 'Running' | null
}>

export class ReadinessRules {
  readonly #context: Context
  readonly #dependencies: Dependencies
  readonly #reclaims: Pick<Reclaim, 'isUnconfirmed'>
  readonly #slots: Slots

  constructor(
    context: Context,
    dependencies: Dependencies,
    reclaims: Pick<Reclaim, 'isUnconfirmed'>,
    slots: Slots
  ) {
    this.#context = context
    this.#dependencies = dependencies
    this.#reclaims = reclaims
    this.#slots = slots
  }

  /**
   * `Ready` if the holder may start the task, or what keeps it from that. Of several things that do, the one that tends
   * to last longest is named.
   */
  readinessOf(entry: Entry): Readiness {
    const { record } = entry
    if (isSettled(record)) return 'Settled'
    if (this.#slots.isUncalled(entry)) return this.#blockedHere(entry) ?? 'Ready'
    if (isStarted(record)) return 'Running'
    if (this.#isWaiting(entry)) return 'DependencyOpen'
    return this.#blockedYet(entry) ?? 'Ready'
  }

  /**
   * Whether the task is worth asking its holder for: it is ready, or waits for nothing but dependencies that have not
   * been heard of here. Another node that holds it may have heard of them.
   */
  mayBeReady(entry: Entry, readiness: Readiness = this.readinessOf(entry)): boolean {
    if (readiness !== 'DependencyOpen') return readiness === 'Ready'
    if (holds(this.#context.self, entry.record)) return false
    return this.#dependencies.readyElsewhere(entry.id) && this.#blockedYet(entry) === null
  }

  #isWaiting({ id, record }: Entry): boolean {
    if (!this.#dependencies.ready(id)) return true
    // How a dependency ended that has been pruned here, only the holder has to know: it asks the others.
    return holds(this.#context.self, record) && this.#dependencies.missing(id) !== undefined
  }

  /** What keeps back a task whose dependencies have ended. */
  #blockedYet(entry: Entry): Blocked | 'Running' | null {
    const { record } = entry
    if (startTimeOf(record) > this.#context.wallMs) return delayOf(record)
    return this.#blockedHere(entry)
  }

  #blockedHere(entry: Entry): Blocked | 'Running' | null {
    // What another node holds waits for what that one has heard, whatever we had claimed of it.
    const isOurs = holds(this.#context.self, entry.record)
    if (isOurs && this.#reclaims.isUnconfirmed(entry)) return 'ClaimSettling'
    return this.#slots.blockedBy(entry)
  }
}

/** The reason for the time before which the task is not started. */
function delayOf(record: TaskRecord): Blocked {
  if (record.spec.notBefore === startTimeOf(record)) return 'NotBefore'
  return record.claim.cause === 'retry-after' ? 'RetryAfter' : 'Backoff'
}

/** The state of a task as users know it. */
export function stateOf({ outcome }: TaskRecord, readiness: Readiness): TaskState {
  switch (readiness) {
    case 'Settled':
      return outcome!.status
    case 'Running':
      return 'running'
    case 'DependencyOpen':
      return 'waiting'
    case 'NotBefore':
    case 'Backoff':
    case 'RetryAfter':
      return 'delayed'
    case 'Ready':
    case 'ClaimSettling':
    case 'StartUnconfirmed':
    case 'PayloadUnavailable':
    case 'SlotsBusy':
      return 'queued'
  }
}
