/**
 * One task in this replica: its state, and which writes of which boots brought it there.
 */
import type { BootId, TaskId } from '../base/ids.ts'
import type { Change } from '../message.ts'
import {
  addedOf,
  isFinal,
  isSettled,
  type Claim,
  type Dot,
  type TaskRecord
} from '../task/record.ts'
import { Runs } from './runs.ts'

const NONE: readonly Dot[] = []

/**
 * More writes than this are kept as runs. Guess: some retries and moves make no more, and a list this short is copied
 * at once.
 */
const LISTED_MAX = 16

export class Entry {
  readonly id: TaskId
  record: TaskRecord
  /** The newest state that is on disk: the only one that other nodes are shown. */
  durable: TaskRecord | null = null
  /** A caller here waits for its outcome. */
  watched = false
  /** The task has been pruned here. */
  removed = false
  /** Its outcome is on this disk, and is reported as soon as it is on another's. */
  reportDue = false
  /** Its outcome has been reported. */
  reported = false
  /** The highest epoch at which this replica has seen the task reclaimed; -1 if it has not. */
  reclaimedAt = -1
  /** Another node has reclaimed it, or had pruned it and has created it anew, and is to be told that it is over. */
  untold = false
  /** Whose holding it is counted as (claim/holdings.ts); null if it has settled. */
  heldBy: BootId | null = null
  /** Since when it is known here to be ready to run, in ms; null while it is not. */
  readySince: number | null = null
  /** What observers were told last; null if nothing yet. */
  told: Readonly<{ claim: Claim; startEpoch: number }> | null = null
  /**
   * Writes that brought it there and that no vector here covers: that of a damaged journal was given up, and no peer
   * has told of them yet.
   */
  loose: readonly Dot[] = NONE
  /** Every write that changed the task, in the order of arrival, while they are few; until it is known to be over. */
  #writes: readonly Dot[] = NONE
  /** All of them, once they are many. */
  #runs: Runs | null = null

  constructor(record: TaskRecord) {
    this.id = record.spec.id
    this.record = record
    this.noteReclaim(record)
  }

  /**
   * The write has changed it. Writes are few, and a list that grows in its place makes room for sixteen more; so it is
   * made anew, by the one way that leaves no room and takes no time (`concat` takes ten times as long).
   */
  noteWrite(dot: Dot): void {
    const writes = this.#writes
    if (this.#runs !== null) this.#runs.add(dot)
    else if (writes.length === 0) this.#writes = [dot]
    else if (writes.length < LISTED_MAX) this.#writes = writes.toSpliced(writes.length, 0, dot)
    else {
      this.#runs = new Runs([...writes, dot])
      this.#writes = NONE
    }
  }

  /** Every write that changed the task, until it is known to be over. To be asked for once, where there are many. */
  get writes(): readonly Dot[] {
    return this.#runs === null ? this.#writes : [...this.#runs.all()]
  }

  /** What is kept of its writes on disk: those that are loose stay so until they are known, or written anew. */
  get stored(): readonly Dot[] {
    const { writes, loose } = this
    if (loose.length === 0) return writes
    const isKnown = ({ origin, seq }: Dot): boolean =>
      writes.some(dot => dot.origin === origin && dot.seq === seq)
    return [...writes, ...loose.filter(dot => !isKnown(dot))]
  }

  /** The last write of each boot that changed the task, and perhaps earlier ones. */
  lastWrites(): Iterable<Dot> {
    return this.#runs === null ? this.#writes : this.#runs.last()
  }

  /** Returns its writes, and lets go of them. */
  takeWrites(): Iterable<Dot> {
    const writes = this.#runs === null ? this.#writes : this.#runs.all()
    this.#writes = NONE
    this.#runs = null
    return writes
  }

  /** The state that it is said to have. */
  changedTo(change: Change): TaskRecord {
    const { spec, created } = this.record
    const { claim, started, cancelRequest, outcome } = change
    const known = { spec, created, claim, started, cancelRequest, outcome }
    return { ...known, ...addedOf(change) }
  }

  /** An earlier boot had its outcome on disk: the callers that waited have been told, or ask anew. */
  noteReported(): void {
    this.reportDue = true
    this.reported = true
  }

  /** A state of the task has been seen, whether or not it prevails. */
  noteReclaim({ claim: { cause, epoch } }: TaskRecord): void {
    if (cause === 'reclaim') this.reclaimedAt = Math.max(this.reclaimedAt, epoch)
  }

  /** Another replica's state is about to be merged. */
  noteOther(other: TaskRecord): void {
    this.noteReclaim(other)
    const { created, claim } = this.record
    // Its end was on its way here when we confirmed that it is taken over: whoever took it may start it any moment.
    if (isFinal(other) && !isSettled(this.record) && isReclaimAfter(claim, other))
      this.untold = true
    if (isSettled(other) || !isSettled(this.record)) return
    // What is known of its end may have come with earlier writes, and be in no vector.
    if (isReclaimAfter(other.claim, this.record)) this.untold = true
    if (other.spec.idempotencyKey === null) return
    const isKnown = ({ origin, seq }: Dot): boolean =>
      created.some(dot => dot.origin === origin && dot.seq === seq)
    if (!other.created.every(isKnown)) this.untold = true
  }
}

/** Whether a claim is a reclaim of which a state of the task does not know. */
function isReclaimAfter({ cause, epoch }: Claim, { claim }: TaskRecord): boolean {
  return cause === 'reclaim' && epoch > claim.epoch
}
