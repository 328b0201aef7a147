/**
 * Tasks that are ready to run and not started, by holder and type.
 *
 * For this node's own tasks the order matters: priority, then age. For those of other holders only the number counts:
 * it tells a thief where to ask. A task stands in at most one place; when it moves, its old place in a heap goes stale
 * and is dropped when it comes up.
 */
import { Heap } from '../base/heap.ts'
import { compareText } from '../base/order.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'

type Place = Readonly<{ holder: BootId; type: string }>

export class ReadyQueue {
  readonly #self: BootId
  readonly #places = new Map<TaskId, Place>()
  readonly #counts = new Map<BootId, Map<string, number>>()
  readonly #own = new Map<string, Heap<Entry>>()

  constructor(self: BootId) {
    this.#self = self
  }

  /** The task is ready and belongs to its holder's queue; or, with `ready` false, to nobody's. */
  update(entry: Entry, ready: boolean): void {
    const place = this.#places.get(entry.id)
    const holder = ready ? entry.record.claim.holder : undefined
    if (place?.holder === holder) return
    if (place !== undefined) {
      this.#places.delete(entry.id)
      this.#count(place, -1)
    }
    if (holder === undefined) return
    const next = { holder, type: entry.record.spec.type }
    this.#places.set(entry.id, next)
    this.#count(next, 1)
    if (holder === this.#self) this.#heap(next.type).push(entry)
  }

  /** Whether the task is ready, wherever. */
  has(id: TaskId): boolean {
    return this.#places.has(id)
  }

  /** How many tasks of these types a holder has ready. */
  count(holder: BootId, types: Iterable<string>): number {
    const counts = this.#counts.get(holder)
    let sum = 0
    if (counts !== undefined) for (const type of types) sum += counts.get(type) ?? 0
    return sum
  }

  /** How many tasks of any type a holder has ready. */
  total(holder: BootId): number {
    let sum = 0
    for (const count of this.#counts.get(holder)?.values() ?? []) sum += count
    return sum
  }

  /** Holders that have anything ready. */
  holders(): Iterable<BootId> {
    return this.#counts.keys()
  }

  /** This node's next task of these types, if there is one. It stays in the queue. */
  peek(types: Iterable<string>): Entry | undefined {
    let first: Entry | undefined
    for (const type of types) {
      const entry = this.#peekType(type)
      if (entry !== undefined && (first === undefined || compareReady(entry, first) < 0))
        first = entry
    }
    return first
  }

  /** Types of the tasks that this node holds ready. */
  ownTypes(): string[] {
    return [...(this.#counts.get(this.#self)?.keys() ?? [])]
  }

  #peekType(type: string): Entry | undefined {
    const heap = this.#own.get(type)
    for (;;) {
      const entry = heap?.peek()
      if (entry === undefined) return undefined
      if (this.#places.get(entry.id)?.holder === this.#self) return entry
      heap!.pop()
    }
  }

  #heap(type: string): Heap<Entry> {
    let heap = this.#own.get(type)
    if (heap === undefined) this.#own.set(type, (heap = new Heap(compareReady)))
    return heap
  }

  #count({ holder, type }: Place, by: number): void {
    let counts = this.#counts.get(holder)
    if (counts === undefined) this.#counts.set(holder, (counts = new Map()))
    const count = (counts.get(type) ?? 0) + by
    if (count > 0) counts.set(type, count)
    else counts.delete(type)
    if (counts.size === 0) this.#counts.delete(holder)
  }
}

/** The order in which one node starts tasks: priority 10 first, then the oldest, then by id. */
export function compareReady(x: Entry, y: Entry): number {
  const a = x.record.spec
  const b = y.record.spec
  return b.priority - a.priority || a.submittedAt - b.submittedAt || compareText(a.id, b.id)
}
