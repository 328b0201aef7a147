/**
 * When to look at a task again although nothing has happened to it: its start time comes, its deadline passes.
 *
 * Every replica notes the times of every task, because any of them may become its holder, and because a thief has to
 * know which tasks of others are ready.
 */
import { assert } from '../base/assert.ts'
import { Heap } from '../base/heap.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled, type TaskRecord } from '../task/record.ts'
import { deadlineOf, startTimeOf } from '../task/times.ts'

type Item = Readonly<{ entry: Entry; at: number }>

/** Times that are over with leave their items behind; more of them than this, and the heap is made anew. */
const STALE_MAX = 1000

export class Timers {
  readonly #times = new Map<Entry, number>()
  #heap = new Heap<Item>((x, y) => x.at - y.at)

  /** The task has changed, or has come. */
  update(entry: Entry, now: number): void {
    const at = isSettled(entry.record) ? Infinity : nextTime(entry.record, now)
    if ((this.#times.get(entry) ?? Infinity) === at) return
    if (at === Infinity) return this.forget(entry)
    this.#times.set(entry, at)
    this.#heap.push({ entry, at })
    this.#tidy()
  }

  /** The task is over, or is no more. */
  forget(entry: Entry): void {
    if (this.#times.delete(entry)) this.#tidy()
  }

  /** Tasks whose time has come, once each. */
  due(now: number): Entry[] {
    const due: Entry[] = []
    for (let next = this.#heap.peek(); next !== undefined && next.at <= now;) {
      this.#heap.pop()
      if (this.#times.get(next.entry) === next.at) {
        this.#times.delete(next.entry)
        due.push(next.entry)
      }
      next = this.#heap.peek()
    }
    return due
  }

  /** @param isHere whether a task is here, and has not settled */
  assertInvariants(isHere: (entry: Entry) => boolean): void {
    const items = new Map<Entry, Set<number>>()
    for (const { entry, at } of this.#heap.all()) {
      const times = items.get(entry)
      if (times === undefined) items.set(entry, new Set([at]))
      else times.add(at)
    }
    for (const [entry, at] of this.#times) {
      assert(isHere(entry), 'a task that is to be looked at is here, and has not settled', entry.id)
      const isFound = items.get(entry)?.has(at) ?? false
      assert(isFound, 'a task comes up when its time has come', entry.id)
    }
  }

  /** A stale item would keep its task in memory until its time comes, which may be in a year. */
  #tidy(): void {
    if (this.#heap.size <= 2 * this.#times.size + STALE_MAX) return
    this.#heap = new Heap((x, y) => x.at - y.at)
    for (const [entry, at] of this.#times) this.#heap.push({ entry, at })
  }
}

function nextTime(record: TaskRecord, now: number): number {
  const startAt = startTimeOf(record)
  const deadline = deadlineOf(record)
  return Math.min(startAt > now ? startAt : Infinity, deadline > now ? deadline : Infinity)
}
