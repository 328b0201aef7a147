/**
 * What keeps a task from being started: decided here once, for the scheduler, which acts on it, and for people who ask.
 *
 * Only what concerns the task at its holder is decided here. That the holder has no slot, no handler or no disk keeps
 * back all tasks alike, and leaves them ready.
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

/** What a task waits for that has got as far as a slot of this node. */
type Starting = Readonly<{
  /** Whether it has been started here, and its handler has not been called yet. */
  isUncalled(entry: Entry): boolean
  /** Null: it has no slot, and none was kept from it. */
  blockedBy(entry: Entry): Blocked | 'Running' | null
}>

export class ReadinessRules {
  readonly #context: Context
  readonly #dependencies: Dependencies
  readonly #reclaims: Pick<Reclaim, 'isUnconfirmed'>
  readonly #starting: Starting

  constructor(
    context: Context,
    dependencies: Dependencies,
    reclaims: Pick<Reclaim, 'isUnconfirmed'>,
    starting: Starting
  ) {
    this.#context = context
    this.#dependencies = dependencies
    this.#reclaims = reclaims
    this.#starting = starting
  }

  /** Whether its holder may start the task as soon as it can, or what keeps it from that: what lasts longest first. */
  readinessOf(entry: Entry): Readiness {
    const { record } = entry
    if (isSettled(record)) return 'Settled'
    if (this.#starting.isUncalled(entry)) return this.#blockedHere(entry) ?? 'Ready'
    if (isStarted(record)) return 'Running'
    if (this.#isWaiting(entry)) return 'DependencyOpen'
    return this.#blockedBesides(entry) ?? 'Ready'
  }

  /**
   * Whether the task is ready, or its holder, which is another node, may know better what has become of dependencies
   * that have not been heard of here. It is worth asking for.
   */
  mayBeReady(entry: Entry, readiness: Readiness = this.readinessOf(entry)): boolean {
    if (readiness !== 'DependencyOpen') return readiness === 'Ready'
    if (holds(this.#context.self, entry.record)) return false
    return this.#dependencies.readyElsewhere(entry.id) && this.#blockedBesides(entry) === null
  }

  #isWaiting({ id, record }: Entry): boolean {
    if (!this.#dependencies.ready(id)) return true
    // Only its holder asks the others how a dependency has ended that has been pruned here.
    return holds(this.#context.self, record) && this.#dependencies.missing(id) !== undefined
  }

  #blockedBesides(entry: Entry): Blocked | 'Running' | null {
    const { record } = entry
    if (startTimeOf(record) > this.#context.wallMs) return delayOf(record)
    return this.#blockedHere(entry)
  }

  #blockedHere(entry: Entry): Blocked | 'Running' | null {
    // What another node holds waits for what that one has heard, whatever we had claimed of it.
    const isOurs = holds(this.#context.self, entry.record)
    if (isOurs && this.#reclaims.isUnconfirmed(entry)) return 'ClaimSettling'
    return this.#starting.blockedBy(entry)
  }
}

/** What set the time before which the task is not started. */
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
