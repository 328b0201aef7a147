/**
 * What this boot has counted of its own doing. Every node counts for itself; the sum over all nodes is the cluster's.
 * Nothing in the protocol depends on any of it.
 *
 * What a node writes into the log is counted where it is written (`wrote`), so that no way to start, settle or retry a
 * task can be forgotten.
 */
import { assert } from '../base/assert.ts'
import { shown } from '../base/shape.ts'
import type { LogCounters } from '../log/observers.ts'
import type { Patch } from '../task/patch.ts'
import { COUNTED_TYPES_MAX } from '../options.ts'
import type { OutcomeStatus, SettledReason, TaskRecord } from '../task/record.ts'
import type { TypeCounts } from '../message.ts'
import { Histogram } from './histogram.ts'
import { Tally } from './tally.ts'

/** Types beyond the bound are counted together. */
export const OTHER_TYPES = '(other)'

/**
 * Why the holder of a reclaimed task was gone; `taken`: it was ours, by an epoch that was not ours alone, or that left
 * a loss uncounted.
 */
const RECLAIM_CAUSES = ['left', 'crashed', 'unreachable', 'restarted', 'unknown', 'taken'] as const
export type ReclaimCause = (typeof RECLAIM_CAUSES)[number]

/** `holder`: what we were asked for, `thief`: what we asked for. `lost`: no answer came, which only a thief notices. */
const STEALS = [
  ['holder', 'granted'],
  ['holder', 'refused'],
  ['thief', 'granted'],
  ['thief', 'refused'],
  ['thief', 'lost']
] as const

type Counts = {
  -readonly [K in keyof Omit<TypeCounts, 'type' | 'runs'>]: number
} & { readonly runs: Histogram }

export class Counters implements LogCounters {
  submitted = 0
  /** Handlers called. */
  starts = 0
  /** Starts here of a task that another node has started, too, without having heard how they ended. */
  duplicateStarts = 0
  /** Claims of two holders for one epoch that met here. */
  claimConflicts = 0
  /** Tasks given to another node. */
  moves = 0
  /** News that could not be merged, because something before them was missing. */
  gossipGaps = 0
  /** Messages, or parts of them, that no node can have said in truth (membership/belief.ts). */
  disbelieved = 0
  /** Writes of others that could not be read, and were passed. */
  unreadable = 0
  readonly steals: Tally<(typeof STEALS)[number]> = new Tally(STEALS)
  readonly reclaims: Tally<readonly [cause: ReclaimCause]> = new Tally(
    RECLAIM_CAUSES.map(cause => [cause] as const)
  )
  /** `reason` is empty for completed tasks. */
  readonly settled: Tally<
    [type: string, status: OutcomeStatus, reason: SettledReason | 'other' | '']
  > = new Tally()
  /** From when a task was known to be ready until it was started here. */
  readonly queueTimes: Histogram = new Histogram()
  /** From the last sign of life of a node until it was found to be gone. */
  readonly detectionTimes: Histogram = new Histogram()
  readonly #types = new Map<string, Counts>()
  readonly #changed = new Set<string>()

  /** This node has written a change of a task into the log. */
  wrote(record: TaskRecord, { outcome, started, claim: claimed }: Patch): void {
    const { spec, claim } = record
    if (started !== undefined) this.starts++
    if (claimed?.cause === 'grant') this.moves++
    if (claimed !== undefined && claim.cause.startsWith('retry')) this.#of(spec.type).retried++
    // A failure that is written with a new claim is one that is tried again.
    if (outcome === undefined || claimed !== undefined) return
    this.#of(spec.type)[outcome.status]++
    this.settled.add(this.#nameOf(spec.type), outcome.status, shown(outcome.reason ?? ''))
  }

  conflicted(): void {
    this.claimConflicts++
  }

  repeated(): void {
    this.duplicateStarts++
  }

  unread(count: number): void {
    this.unreadable += count
  }

  /** The handler of a task has ended here, however. */
  ran(type: string, ms: number): void {
    this.#of(type).runs.add(ms)
  }

  /** The counts of all types of task, sorted by type. */
  types(): TypeCounts[] {
    return [...this.#types.keys()].sort().map(type => this.#countsOf(type))
  }

  /** Types whose counts have changed since the last call. */
  takeChanged(): TypeCounts[] {
    const changed = [...this.#changed].sort().map(type => this.#countsOf(type))
    this.#changed.clear()
    return changed
  }

  /** How long the runs of all types took. */
  runTimes(): Histogram {
    const all = new Histogram()
    for (const { runs } of this.#types.values()) all.merge(runs.values())
    return all
  }

  assertInvariants(): void {
    assert(this.#types.size <= COUNTED_TYPES_MAX, 'types that are counted have a bound')
    for (const type of this.#changed) {
      assert(this.#types.has(type), 'a type whose counts have changed is counted', type)
    }
  }

  #countsOf(type: string): TypeCounts {
    const { runs, ...counts } = this.#types.get(type)!
    return { type, ...counts, runs: runs.values() }
  }

  #nameOf(type: string): string {
    if (this.#types.has(type) || this.#types.size < COUNTED_TYPES_MAX - 1) return type
    return OTHER_TYPES
  }

  #of(type: string): Counts {
    const name = this.#nameOf(type)
    this.#changed.add(name)
    let counts = this.#types.get(name)
    if (counts === undefined) {
      counts = { completed: 0, failed: 0, cancelled: 0, retried: 0, runs: new Histogram() }
      this.#types.set(name, counts)
    }
    return counts
  }
}
