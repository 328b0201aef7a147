/**
 * Which settled tasks have been kept long enough.
 *
 * A task is due when its retention is over, or when more settled tasks are kept than there is room for, oldest first. Due
 * is not pruned: that also takes everybody's knowledge (see pruning.ts), and a task that has to wait for it comes up
 * again later.
 */
import { Heap } from '../base/heap.ts'
import { hlcMs } from '../base/hlc.ts'
import type { CoreOptions } from '../options.ts'
import type { Outcome, TaskRecord } from '../task/record.ts'
import type { Entry } from './entry.ts'

type Item = Readonly<{ entry: Entry; at: number }>

/** What is forgotten leaves its items behind; more of them than this, and the heaps are made anew. */
const STALE_MAX = 1000

export class Retention {
  readonly #options: Pick<CoreOptions, 'retainCompletedMs' | 'retainFailedMs' | 'settledMax'>
  /** By the end of their retention. */
  #byEnd = heap()
  /** By when they settled. */
  #byAge = heap()
  readonly #kept = new Map<Entry, Outcome>()
  /** Tasks that are due. */
  readonly #due = new Set<Entry>()

  constructor(options: Pick<CoreOptions, 'retainCompletedMs' | 'retainFailedMs' | 'settledMax'>) {
    this.#options = options
  }

  /** A task has settled, or what settled it has changed. */
  settled(entry: Entry): void {
    const outcome = entry.record.outcome!
    if (this.#kept.get(entry) === outcome) return
    this.#kept.set(entry, outcome)
    this.#note(entry)
    this.#tidy()
  }

  /** The task is gone, or has been claimed anew. */
  forget(entry: Entry): void {
    this.#due.delete(entry)
    if (this.#kept.delete(entry)) this.#tidy()
  }

  /** Until when the task is kept if there is room. @param settledAt for one that has not settled as far as is known here */
  endOf({ spec, outcome }: TaskRecord, settledAt: number): number {
    const { retainCompletedMs, retainFailedMs } = this.#options
    const byStatus = outcome?.status === 'completed' ? retainCompletedMs : retainFailedMs
    return (outcome === null ? settledAt : hlcMs(outcome.at)) + (spec.retentionMs ?? byStatus)
  }

  /** Tasks whose time has come. */
  due(now: number): ReadonlySet<Entry> {
    for (let next = this.#byEnd.peek(); next !== undefined && next.at <= now;) {
      this.#come(this.#byEnd.pop()!.entry)
      next = this.#byEnd.peek()
    }
    while (this.#kept.size - this.#due.size > this.#options.settledMax) {
      const oldest = this.#byAge.pop()
      if (oldest === undefined) break
      this.#come(oldest.entry)
    }
    return this.#due
  }

  #note(entry: Entry): void {
    const at = hlcMs(entry.record.outcome!.at)
    this.#byAge.push({ entry, at })
    this.#byEnd.push({ entry, at: this.endOf(entry.record, at) })
  }

  /** Its time has come. What was forgotten may still stand in a heap. */
  #come(entry: Entry): void {
    if (this.#kept.has(entry)) this.#due.add(entry)
  }

  /** A stale item would keep its task in memory until its turn comes: as the oldest of too many, perhaps never. */
  #tidy(): void {
    const sizeMax = 2 * this.#kept.size + STALE_MAX
    if (this.#byAge.size <= sizeMax && this.#byEnd.size <= sizeMax) return
    this.#byAge = heap()
    this.#byEnd = heap()
    for (const entry of this.#kept.keys()) this.#note(entry)
  }
}

function heap(): Heap<Item> {
  return new Heap((x, y) => x.at - y.at)
}
