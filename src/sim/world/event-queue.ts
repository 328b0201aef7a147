/**
 * Virtual time: what is due next, in order. Things due at the same moment happen in the order in which they were
 * planned, so a seed always replays the same way.
 */
import { Heap } from '../../core/base/heap.ts'

type Item = Readonly<{ at: number; order: number; run: () => void }>

export class EventQueue {
  /** Virtual milliseconds. */
  now = 0
  #order = 0
  readonly #items = new Heap<Item>((x, y) => x.at - y.at || x.order - y.order)

  after(ms: number, run: () => void): void {
    this.#items.push({ at: this.now + ms, order: this.#order++, run })
  }

  /** Does what is due next, unless it is due after `until`. Returns whether there was anything. */
  runNext(until: number): boolean {
    const item = this.#items.peek()
    if (item === undefined || item.at > until) return false
    this.#items.pop()
    this.now = item.at
    item.run()
    return true
  }
}
