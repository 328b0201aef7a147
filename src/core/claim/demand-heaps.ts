/** Tasks in the order in which one node starts them, apart by what they ask of a pool: where one has no room, others do. */
import { Heap } from '../base/heap.ts'
import type { Entry } from '../log/entry.ts'
import { compareUrgency } from '../task/urgency.ts'
import { demandKey, demandOf, type Demand } from './capability.ts'

type Group = Readonly<{ demand: Demand; heap: Heap<Entry> }>

export class DemandHeaps {
  readonly #groups = new Map<string, Group>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(entry: Entry): void {
    const demand = demandOf(entry.record.spec)
    const key = demandKey(demand)
    let group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, (group = { demand, heap: byUrgency() }))
    group.heap.push(entry)
    this.#size++
  }

  /**
   * Takes out the most urgent of those whose demand is met, if there is one.
   *
   * @param isLeft whether a task is still to be had: those that are not go on the way
   */
  pop(isMet: (demand: Demand) => boolean, isLeft: (entry: Entry) => boolean): Entry | undefined {
    let first: Group | undefined
    for (const [key, group] of this.#groups) {
      if (!isMet(group.demand)) continue
      const next = this.#peek(group, isLeft)
      if (next === undefined) this.#groups.delete(key)
      else if (first === undefined || compare(next, first.heap.peek()!) < 0) first = group
    }
    const entry = first?.heap.pop()
    if (entry !== undefined) this.#size--
    return entry
  }

  *all(): Generator<Entry> {
    for (const { heap } of this.#groups.values()) yield* heap.all()
  }

  #peek({ heap }: Group, isLeft: (entry: Entry) => boolean): Entry | undefined {
    for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
      if (isLeft(entry)) return entry
      heap.pop()
      this.#size--
    }
    return undefined
  }
}

/** A heap of tasks in the order in which one node starts them. */
export function byUrgency(): Heap<Entry> {
  return new Heap(compare)
}

function compare(a: Entry, b: Entry): number {
  return compareUrgency(a.record.spec, b.record.spec)
}
