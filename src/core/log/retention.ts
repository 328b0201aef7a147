/**
 * Which settled tasks have been kept long enough.
 *
 * A task is due when its retention is over, or when more settled tasks are kept than there is room for, oldest first. Due
 * is not pruned: that also takes everybody's knowledge (see pruning.ts), and a task that has to wait for it comes up
 * again later.
 */
import { Heap } from '../base/heap.ts'
import { hlcMs } from '../base/hlc.ts'
import type { TaskId } from '../base/ids.ts'
import type { CoreOptions } from '../options.ts'
import type { Outcome, TaskRecord } from '../task/record.ts'
import type { Entry } from './entry.ts'

type Item = Readonly<{ entry: Entry; at: number }>

export class Retention {
  readonly #options: Pick<CoreOptions, 'retainCompletedMs' | 'retainFailedMs' | 'settledMax'>
  /** By the end of their retention. */
  readonly #byEnd = new Heap<Item>((x, y) => x.at - y.at)
  /** By when they settled. */
  readonly #byAge = new Heap<Item>((x, y) => x.at - y.at)
  readonly #kept = new Map<TaskId, Outcome>()
  /** Tasks that are due. */
  readonly #due = new Set<Entry>()

  constructor(options: Pick<CoreOptions, 'retainCompletedMs' | 'retainFailedMs' | 'settledMax'>) {
    this.#options = options
  }

  /** A task has settled, or what settled it has changed. */
  settled(entry: Entry): void {
    const outcome = entry.record.outcome!
    if (this.#kept.get(entry.id) === outcome) return
    const at = hlcMs(outcome.at)
    this.#kept.set(entry.id, outcome)
    this.#byAge.push({ entry, at })
    this.#byEnd.push({ entry, at: at + this.#retentionMs(entry.record) })
  }

  /** The task is gone, or has been claimed anew. */
  forget(entry: Entry): void {
    this.#kept.delete(entry.id)
    this.#due.delete(entry)
  }

  /** Tasks whose time has come. */
  due(now: number): ReadonlySet<Entry> {
    for (let next = this.#byEnd.peek(); next !== undefined && next.at <= now;) {
      this.#note(this.#byEnd.pop()!.entry)
      next = this.#byEnd.peek()
    }
    while (this.#kept.size - this.#due.size > this.#options.settledMax) {
      const oldest = this.#byAge.pop()
      if (oldest === undefined) break
      this.#note(oldest.entry)
    }
    return this.#due
  }

  /** What was forgotten may still stand in a heap. */
  #note(entry: Entry): void {
    if (this.#kept.has(entry.id)) this.#due.add(entry)
  }

  #retentionMs({ spec, outcome }: TaskRecord): number {
    const { retainCompletedMs, retainFailedMs } = this.#options
    if (spec.retentionMs !== null) return spec.retentionMs
    return outcome!.status === 'completed' ? retainCompletedMs : retainFailedMs
  }
}
