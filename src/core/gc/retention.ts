/**
 * Which settled tasks have been kept long enough.
 *
 * A task is due when its retention is over, or when it settled before the floor of room (settled-floor.ts). Due is not
 * pruned: that also takes everybody's knowledge (see pruning.ts), and a task that has to wait for it comes up again
 * later.
 */
import { assert } from '../base/assert.ts'
import { Heap } from '../base/heap.ts'
import { hlcMs, type Hlc } from '../base/hlc.ts'
import { compareText } from '../base/order.ts'
import type { CoreOptions } from '../options.ts'
import { isSettled, type Outcome, type TaskRecord } from '../task/record.ts'
import type { Entry } from '../log/entry.ts'

type Item = Readonly<{ entry: Entry; outcome: Outcome; at: number }>

type Options = Pick<CoreOptions, 'retainCompletedMs' | 'retainFailedMs'>

/** What is pruned leaves its items behind; more of them than this, and the heaps are made anew. */
const STALE_MAX = 1000

export class Retention {
  readonly #options: Options
  /** By the end of their retention, in ms. */
  #byEnd = heap()
  /** By when they settled, as a stamp. */
  #byAge = heap()
  readonly #kept = new Map<Entry, Outcome>()
  /** Tasks that are due. */
  readonly #due = new Set<Entry>()

  constructor(options: Options) {
    this.#options = options
  }

  /** How many settled tasks there are. */
  get size(): number {
    return this.#kept.size
  }

  /** As of when that was looked at last. */
  isDue(entry: Entry): boolean {
    return this.#due.has(entry)
  }

  /** A task has settled, or what settled it has changed. */
  settled(entry: Entry): void {
    const outcome = entry.record.outcome!
    if (this.#kept.get(entry) === outcome) return
    this.#kept.set(entry, outcome)
    this.#due.delete(entry)
    this.#note(entry, outcome)
    this.#tidy()
  }

  /** The task is gone, or has been claimed anew. */
  forget(entry: Entry): void {
    this.#due.delete(entry)
    if (this.#kept.delete(entry)) this.#tidy()
  }

  /**
   * Until when the task is kept if there is room.
   *
   * @param settledAt for one that has not settled as far as is known here
   */
  endOf({ spec, outcome }: TaskRecord, settledAt: number): number {
    const { retainCompletedMs, retainFailedMs } = this.#options
    const byStatus = outcome?.status === 'completed' ? retainCompletedMs : retainFailedMs
    return (outcome === null ? settledAt : hlcMs(outcome.at)) + (spec.retentionMs ?? byStatus)
  }

  /** Tasks whose time has come, or that settled before the floor. */
  due(now: number, floor: Hlc = 0): ReadonlySet<Entry> {
    this.#comeWhile(this.#byEnd, ({ at }) => at <= now)
    this.#comeWhile(this.#byAge, ({ at }) => at < floor)
    return this.#due
  }

  /** The task has to wait: those that have not been looked at come first. */
  postpone(entry: Entry): void {
    if (this.#due.delete(entry)) this.#due.add(entry)
  }

  /**
   * Where the floor has to be so that no more than `max` tasks stay that are not due: above the oldest ones, and above
   * what settled in the same microsecond as the last of them.
   *
   * @param latest it is raised no further than this
   * @param floor where it is now
   */
  floorFor(max: number, latest: Hlc, floor: Hlc): Hlc {
    let raised = floor
    this.#comeWhile(this.#byAge, item => {
      if (this.#kept.size - this.#due.size <= max || item.at >= latest) return false
      if (this.#isCurrent(item)) raised = Math.max(raised, item.at + 1)
      return true
    })
    return raised
  }

  /** @param all tasks that are known here */
  assertInvariants(all: Iterable<Entry>): void {
    let settled = 0
    for (const entry of all) {
      const outcome = isSettled(entry.record) ? entry.record.outcome : null
      assert((this.#kept.get(entry) ?? null) === outcome, 'a task is kept by its outcome', entry.id)
      if (outcome !== null) settled++
    }
    assert(this.#kept.size === settled, 'a task that is kept is here')
    for (const entry of this.#due) assert(this.#kept.has(entry), 'what is due is kept', entry.id)
    for (const items of [this.#byEnd, this.#byAge]) {
      const coming = new Set<Entry>()
      for (const item of items.all()) if (this.#isCurrent(item)) coming.add(item.entry)
      for (const entry of this.#kept.keys()) {
        const isFound = this.#due.has(entry) || coming.has(entry)
        assert(isFound, 'a task that is kept is due, or comes up', entry.id)
      }
    }
  }

  #comeWhile(items: Heap<Item>, isNext: (item: Item) => boolean): void {
    for (let next = items.peek(); next !== undefined && isNext(next); next = items.peek()) {
      items.pop()
      if (this.#isCurrent(next)) this.#due.add(next.entry)
    }
  }

  /** What was pruned may still stand in a heap, and so may what an outcome was before. */
  #isCurrent({ entry, outcome }: Item): boolean {
    return this.#kept.get(entry) === outcome
  }

  #note(entry: Entry, outcome: Outcome): void {
    this.#byAge.push({ entry, outcome, at: outcome.at })
    const end = this.endOf(entry.record, hlcMs(outcome.at))
    this.#byEnd.push({ entry, outcome, at: end })
  }

  /** A stale item would keep its task in memory until its turn comes: as the oldest of too many, perhaps never. */
  #tidy(): void {
    const sizeMax = 2 * this.#kept.size + STALE_MAX
    if (this.#byAge.size <= sizeMax && this.#byEnd.size <= sizeMax) return
    this.#byAge = heap()
    this.#byEnd = heap()
    for (const [entry, outcome] of this.#kept) this.#note(entry, outcome)
  }
}

function heap(): Heap<Item> {
  return new Heap((x, y) => x.at - y.at || compareText(x.entry.id, y.entry.id))
}
