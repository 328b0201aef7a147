/**
 * Tasks that are ready to run and not started, by holder and by what they ask of a node (type and labels).
 *
 * For this node's own tasks the order matters: priority, then age. For those of other holders only the number counts:
 * it tells a thief where to ask. A task stands in at most one place; when it moves, its old place in a heap goes stale
 * and is dropped when it comes up.
 */
import { assert } from '../base/assert.ts'
import { Heap } from '../base/heap.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import { canRunIn, demandKey, demandOf, typesOf } from '../claim/claim.ts'
import type { Capability, Demand } from '../claim/capability.ts'
import type { Entry } from '../log/entry.ts'
import type { TaskSpec } from '../task/spec.ts'
import { compareUrgency } from '../task/urgency.ts'
import { ByType } from './by-type.ts'

/** What a node can run. */
export type Can = Readonly<{
  /** All others are not looked at. */
  types: ReadonlySet<string>
  /** Whether it can run what asks for this, which is of one of its types. */
  run: (demand: Demand) => boolean
}>

/** What any of these pools can run. */
export function canIn(pools: readonly Capability[]): Can {
  return { types: typesOf(pools), run: demand => canRunIn(pools, demand) }
}

/** The ready tasks of a holder. */
type Count = { readonly groups: ByType<Group, number>; total: number }

type Place = Readonly<{ entry: Entry; holder: BootId; spec: TaskSpec; group: Group }>

/** All ready tasks that ask for the same. */
type Group = { readonly key: string; readonly demand: Demand; size: number }

export class ReadyQueue {
  readonly #self: BootId
  readonly #places = new Map<TaskId, Place>()
  readonly #groups = new Map<string, Group>()
  readonly #counts = new Map<BootId, Count>()
  readonly #own = new ByType<Group, Heap<Place>>()
  /** This node's tasks that would rather run on nodes with certain labels, wherever they are. */
  readonly #preferring = new Set<Place>()
  /** This node's tasks that have become ready since they were last asked for. */
  #arrived: Entry[] = []

  constructor(self: BootId) {
    this.#self = self
  }

  /** The task is ready and belongs to its holder's queue; or, with `ready` false, to nobody's. */
  update(entry: Entry, ready: boolean): void {
    const { spec, claim } = entry.record
    const place = this.#places.get(entry.id)
    const holder = ready ? claim.holder : undefined
    if (place?.holder === holder && (place === undefined || place.spec === spec)) return
    if (place !== undefined) {
      this.#places.delete(entry.id)
      this.#preferring.delete(place)
      this.#count(place, -1)
    }
    if (holder === undefined) return
    const next = { entry, holder, spec, group: this.#group(spec) }
    this.#places.set(entry.id, next)
    this.#count(next, 1)
    if (holder !== this.#self) return
    this.#heap(next.group).push(next)
    this.#arrived.push(entry)
    if (spec.labels.prefer.length > 0) this.#preferring.add(next)
  }

  /** Whether the task is ready, wherever. */
  has(id: TaskId): boolean {
    return this.#places.has(id)
  }

  /** This node's tasks that have become ready since the last call, and may have been started or given away since. */
  takeArrived(): readonly Entry[] {
    if (this.#arrived.length === 0) return []
    const arrived = this.#arrived
    this.#arrived = []
    return arrived
  }

  /** How many of its ready tasks a holder could have run by a node of this capability. */
  count(holder: BootId, can: Can): number {
    let sum = 0
    for (const [, count] of this.waiting(holder, can)) sum += count
    return sum
  }

  /** Whether any other holder has a ready task. */
  get isElsewhere(): boolean {
    return this.#counts.size > (this.#counts.has(this.#self) ? 1 : 0)
  }

  /** How many tasks of any kind a holder has ready. */
  total(holder: BootId): number {
    return this.#counts.get(holder)?.total ?? 0
  }

  /** What those of a holder's ready tasks ask for that a node could run, and how many ask for the same. */
  *waiting(holder: BootId, can: Can): Generator<readonly [Demand, number]> {
    for (const [{ demand }, count] of this.#counts.get(holder)?.groups.of(can.types) ?? []) {
      if (can.run(demand)) yield [demand, count]
    }
  }

  /** What those of a holder's ready tasks ask for that a node could run. */
  *demands(holder: BootId, can: Can): Generator<Demand> {
    for (const [demand] of this.waiting(holder, can)) yield demand
  }

  /** This node's next task that a node of this capability could run, if there is one. It stays in the queue. */
  peek(can: Can): Entry | undefined {
    let first: Place | undefined
    for (const [group, heap] of this.#own.of(can.types)) {
      if (!can.run(group.demand)) continue
      const place = this.#peekHeap(heap)
      if (place !== undefined && (first === undefined || compareReady(place, first) < 0))
        first = place
    }
    return first?.entry
  }

  /**
   * This node's tasks that would rather be elsewhere, in the order in which they are due.
   *
   * @param hasPreferred whether this node has the labels that a task prefers
   */
  preferringOthers(hasPreferred: (spec: TaskSpec) => boolean): Entry[] {
    if (this.#preferring.size === 0) return []
    return [...this.#preferring]
      .filter(({ spec }) => !hasPreferred(spec))
      .sort(compareReady)
      .map(({ entry }) => entry)
  }

  assertInvariants(): void {
    const counts = new Map<BootId, Map<Group, number>>()
    const sizes = new Map<Group, number>()
    const preferring = new Set<Place>()
    for (const [id, place] of this.#places) {
      const { entry, holder, spec, group } = place
      const { record } = entry
      assert(entry.id === id && !entry.removed, 'a ready task is here, under its id', id)
      assert(holder === record.claim.holder, 'a ready task is in the queue of its holder', id)
      assert(spec === record.spec, 'a ready task stands where its spec says', id)
      assert(this.#groups.get(group.key) === group, 'a ready task is in a group that is known', id)
      let ofHolder = counts.get(holder)
      if (ofHolder === undefined) counts.set(holder, (ofHolder = new Map()))
      ofHolder.set(group, (ofHolder.get(group) ?? 0) + 1)
      sizes.set(group, (sizes.get(group) ?? 0) + 1)
      if (holder === this.#self && spec.labels.prefer.length > 0) preferring.add(place)
    }
    for (const group of this.#groups.values()) {
      assert(group.size === sizes.get(group), 'the ready tasks of a group are counted', group.key)
    }
    for (const [holder, ofHolder] of counts) {
      const counted = this.#counts.get(holder)
      assert(counted?.groups.size === ofHolder.size, 'the groups of a holder are known', holder)
      let total = 0
      for (const [group, count] of ofHolder) {
        total += count
        const isCounted = counted.groups.get(group) === count
        assert(isCounted, 'the ready tasks of a holder are counted', holder)
      }
      assert(counted.total === total, 'all ready tasks of a holder are counted', holder)
    }
    assert(this.#counts.size === counts.size, 'no holder is kept without ready tasks')
    this.#assertOwn(counts.get(this.#self) ?? new Map(), preferring)
  }

  /** What can be started or placed here is found. */
  #assertOwn(counts: ReadonlyMap<Group, number>, preferring: ReadonlySet<Place>): void {
    assert(this.#own.size === counts.size, 'there is a heap for each group of own tasks')
    for (const [group, count] of counts) {
      const places = new Set(this.#own.get(group)?.all())
      const current = [...places].filter(place => this.#places.get(place.entry.id) === place)
      assert(
        current.length === count,
        'each own ready task stands in the heap of its group',
        group.key
      )
    }
    assert(this.#preferring.size === preferring.size, 'no task is to be placed that is not ready')
    for (const place of preferring) {
      const isKnown = this.#preferring.has(place)
      assert(isKnown, 'an own ready task that prefers labels is to be placed', place.entry.id)
    }
  }

  #peekHeap(heap: Heap<Place>): Place | undefined {
    for (;;) {
      const place = heap.peek()
      if (place === undefined || this.#places.get(place.entry.id) === place) return place
      heap.pop()
    }
  }

  #group(spec: TaskSpec): Group {
    const demand = demandOf(spec)
    const key = demandKey(demand)
    let group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, (group = { key, demand, size: 0 }))
    return group
  }

  #heap(group: Group): Heap<Place> {
    let heap = this.#own.get(group)
    if (heap === undefined) this.#own.set(group, (heap = new Heap(compareReady)))
    return heap
  }

  #count({ holder, group }: Place, by: number): void {
    let counts = this.#counts.get(holder)
    if (counts === undefined)
      this.#counts.set(holder, (counts = { groups: new ByType(), total: 0 }))
    const count = (counts.groups.get(group) ?? 0) + by
    if (count > 0) counts.groups.set(group, count)
    else counts.groups.delete(group)
    counts.total += by
    if (counts.total === 0) this.#counts.delete(holder)
    if (count === 0 && holder === this.#self) this.#own.delete(group)
    group.size += by
    if (group.size === 0) this.#groups.delete(group.key)
  }
}

function compareReady(a: Place, b: Place): number {
  return compareUrgency(a.spec, b.spec)
}
