/**
 * A binary heap: the smallest element by a fixed comparison comes out first, in O(log n).
 */
export class Heap<T> {
  readonly #compare: (x: T, y: T) => number
  readonly #items: T[] = []

  constructor(compare: (x: T, y: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  /** All items, in no order. */
  all(): readonly T[] {
    return this.#items
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#compare(items[parent]!, item) <= 0) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#compare(items[child + 1]!, items[child]!) < 0) child++
      if (this.#compare(last, items[child]!) <= 0) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
    return first
  }
}
