/**
 * When to look at a task again although nothing has happened to it: its start time comes, its deadline passes.
 *
 * Every replica notes the times of every task, because any of them may become its holder, and because a thief has to know
 * which tasks of others are ready.
 */
import { Schedule } from '../base/schedule.ts'
import type { Entry } from '../log/entry.ts'
import { isSettled, type TaskRecord } from '../task/record.ts'
import { deadlineOf, startTimeOf } from '../task/times.ts'

/** Times that are over with leave their items behind; more of them than this, and the heap is made anew. */
const STALE_MAX = 1000

export class Timers {
  readonly #times = new Map<Entry, number>()
  #schedule = new Schedule<Entry>()

  /** The task has changed, or has come. */
  update(entry: Entry, now: number): void {
    const at = isSettled(entry.record) ? Infinity : nextTime(entry.record, now)
    if ((this.#times.get(entry) ?? Infinity) === at) return
    if (at === Infinity) return this.forget(entry)
    this.#times.set(entry, at)
    this.#schedule.add(at, entry)
    this.#tidy()
  }

  /** The task is over, or is no more. */
  forget(entry: Entry): void {
    if (this.#times.delete(entry)) this.#tidy()
  }

  /** Tasks whose time has come, once each. */
  due(now: number): Entry[] {
    const due: Entry[] = []
    for (let at = this.#schedule.next; at <= now; at = this.#schedule.next) {
      const entry = this.#schedule.take()!
      if (this.#times.get(entry) !== at) continue
      this.#times.delete(entry)
      due.push(entry)
    }
    return due
  }

  /** A stale item would keep its task in memory until its time comes, which may be in a year. */
  #tidy(): void {
    if (this.#schedule.size <= 2 * this.#times.size + STALE_MAX) return
    this.#schedule = new Schedule()
    for (const [entry, at] of this.#times) this.#schedule.add(at, entry)
  }
}

function nextTime(record: TaskRecord, now: number): number {
  const startAt = startTimeOf(record)
  const deadline = deadlineOf(record)
  return Math.min(startAt > now ? startAt : Infinity, deadline > now ? deadline : Infinity)
}
