/**
 * Sorts what comes one by one, a run at a time, so that no turn of the event loop has all of it to sort: runs are
 * merged as the result is read.
 */
import { Heap } from '../../core/base/heap.ts'

/** Sorted in about a millisecond. */
const RUN_LENGTH = 4096

type Cursor<T> = { run: readonly T[]; at: number }

export class SortedRuns<T> {
  readonly #compare: (x: T, y: T) => number
  readonly #countMax: number
  readonly #runs: (readonly T[])[] = []
  #open: T[] = []

  /** @param countMax how many of the first are wanted at most */
  constructor(compare: (x: T, y: T) => number, countMax: number) {
    this.#compare = compare
    this.#countMax = countMax
  }

  add(item: T): void {
    this.#open.push(item)
    if (this.#open.length === RUN_LENGTH) this.#close()
  }

  /** The first ones, in order. Nothing may be added any more. */
  *first(): Generator<T, void, undefined> {
    this.#close()
    const heap = new Heap<Cursor<T>>((x, y) => this.#compare(x.run[x.at]!, y.run[y.at]!))
    for (const run of this.#runs) if (run.length > 0) heap.push({ run, at: 0 })
    for (let count = 0; count < this.#countMax; count++) {
      const cursor = heap.pop()
      if (cursor === undefined) return
      yield cursor.run[cursor.at]!
      if (++cursor.at < cursor.run.length) heap.push(cursor)
    }
  }

  #close(): void {
    this.#runs.push(this.#open.sort(this.#compare).slice(0, this.#countMax))
    this.#open = []
  }
}
