/**
 * What is due when: a binary heap by time, the earliest first. Times stand in a list of their own, because a heap of ten
 * thousand items compares many of them, and whatever has to be fetched for that is not at hand.
 */
export class Schedule<T> {
  readonly #times: number[] = []
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** When the earliest item is due; Infinity if there is none. */
  get next(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  add(at: number, item: T): void {
    const times = this.#times
    const items = this.#items
    let place = items.length
    times.push(at)
    items.push(item)
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (times[parent]! <= at) break
      times[place] = times[parent]!
      items[place] = items[parent]!
      place = parent
    }
    times[place] = at
    items[place] = item
  }

  /** Takes the earliest item out. */
  take(): T | undefined {
    const times = this.#times
    const items = this.#items
    const first = items[0]
    const at = times.pop()
    const last = items.pop()
    if (items.length === 0 || at === undefined) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= items.length) break
      if (child + 1 < items.length && times[child + 1]! < times[child]!) child++
      if (at <= times[child]!) break
      times[place] = times[child]!
      items[place] = items[child]!
      place = child
    }
    times[place] = at
    items[place] = last!
    return first
  }
}
