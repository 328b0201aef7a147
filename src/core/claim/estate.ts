/**
 * What a gone boot left that never started, by whose turn it is to take it.
 *
 * The line of a task is looked up once, and anew when other nodes stand in it: a dead node may leave a hundred thousand
 * tasks, and nobody has the time to compute all their lines at every tick.
 */
import { assert } from '../base/assert.ts'
import type { Heap } from '../base/heap.ts'
import type { BootId, NodeId, TaskId } from '../base/ids.ts'
import { demandOf, type Demand } from './capability.ts'
import { byUrgency, DemandHeaps } from './demand-heaps.ts'
import { canRunIn } from './pools.ts'
import { firstOf, rankOf, type Candidate } from './reclaim-order.ts'
import type { Entry } from '../log/entry.ts'
import { EPOCH_MAX } from '../task/record.ts'

/** Who may take what was left: this node, and all others that live and are not leaving. */
export type LineUp = Readonly<{
  self: Candidate
  others: readonly Candidate[]
  /** The holder is proven to be gone. Otherwise it may run what may run at most once. */
  isProven: boolean
  /** Two with the same key are the same. */
  key: string
}>

/** A task that it is another node's turn to take. */
export type Left = Readonly<{ entry: Entry; rank: number; first: NodeId }>

export class Estate {
  /** Nodes that have taken something of it since this was looked at last. */
  readonly takers: Set<NodeId> = new Set()
  /** When each of them was last seen to. */
  readonly tookAt: Map<NodeId, number> = new Map()
  /** Since when there is room here for more than was left to this node; null: there is none, or more was left. */
  spareSince: number | null = null
  readonly #boot: BootId
  readonly #isReady: (id: TaskId) => boolean
  #fresh = byUrgency()
  #toRun = new DemandHeaps()
  #toKeep = byUrgency()
  #others: Left[] = []
  /** Tasks that no node may take as things are. */
  #aside: Entry[] = []
  #cursor = 0
  #key = ''

  /** @param isReady whether a task could be started, wherever it is */
  constructor(boot: BootId, entries: Iterable<Entry>, isReady: (id: TaskId) => boolean) {
    this.#boot = boot
    this.#isReady = isReady
    for (const entry of entries) this.add(entry)
  }

  add(entry: Entry): void {
    this.#fresh.push(entry)
  }

  /** Others stand in line than before: all is looked at anew. */
  lineUp({ key }: LineUp): void {
    if (key === this.#key) return
    this.#key = key
    const all = [...this.#toRun.all(), ...this.#toKeep.all(), ...this.#aside]
    for (const { entry } of this.#others) all.push(entry)
    this.#toRun = new DemandHeaps()
    this.#toKeep = byUrgency()
    this.#others = []
    this.#aside = []
    for (const entry of all) if (this.#isLeft(entry)) this.#fresh.push(entry)
  }

  /** Looks at one more task. Returns whether there was one. */
  look(lineUp: LineUp): boolean {
    const entry = this.#next(this.#fresh)
    if (entry === undefined) return false
    const { spec, claim } = entry.record
    // No node can claim it any more: one that tried would write the same again and again.
    const isOutOfReach = claim.epoch >= EPOCH_MAX
    // It may run behind a cut cable, and must not run twice.
    if (isOutOfReach || (!lineUp.isProven && spec.delivery === 'at-most-once')) {
      this.#aside.push(entry)
      return true
    }
    const demand = demandOf(spec)
    const { self, others } = lineUp
    const rank = rankOf(entry.id, demand, self, others)
    if (rank > 0) this.#others.push({ entry, rank, first: firstOf(entry.id, demand, others) })
    else (this.canStart(entry, self) ? this.#toRun : this.#toKeep).push(entry)
    return true
  }

  /** Whether it takes a slot here at once. */
  canStart({ id, record }: Entry, { pools }: Candidate): boolean {
    return canRunIn(pools, demandOf(record.spec)) && this.#isReady(id)
  }

  /**
   * The most urgent task that this node is first in line for, and could start at once.
   *
   * @param hasRoom whether there is room for what asks for this
   */
  nextToRun(hasRoom: (demand: Demand) => boolean): Entry | undefined {
    return this.#toRun.pop(hasRoom, entry => this.#isLeft(entry))
  }

  /** The most urgent task that this node is first in line for, and could not start: it waits, or no node can run it. */
  nextToKeep(): Entry | undefined {
    return this.#next(this.#toKeep)
  }

  /** Whether this node has taken all that it is first in line for and could start. */
  get isTaken(): boolean {
    return this.#fresh.size + this.#toRun.size === 0
  }

  get isEmpty(): boolean {
    return this.isTaken && this.#toKeep.size + this.#others.length === 0
  }

  /**
   * Tasks that it is others' turn to take, up to `count`, each in its turn.
   *
   * @param take returns whether it is taken here
   */
  overdue(count: number, take: (left: Left) => boolean): void {
    for (let n = Math.min(count, this.#others.length); n > 0; n--) {
      if (this.#cursor >= this.#others.length) this.#cursor = 0
      const left = this.#others[this.#cursor]!
      if (this.#isLeft(left.entry) && !take(left)) this.#cursor++
      else {
        const last = this.#others.pop()!
        if (last !== left) this.#others[this.#cursor] = last
      }
    }
  }

  /** @param waiting what the boot holds and never started */
  assertInvariants(waiting: Iterable<Entry>): void {
    const heaps = [this.#fresh, this.#toRun, this.#toKeep]
    const known = new Set([...heaps.flatMap(each => [...each.all()]), ...this.#aside])
    for (const { entry } of this.#others) known.add(entry)
    for (const entry of waiting) {
      assert(known.has(entry), 'what a boot left and never started can be taken', entry.id)
    }
  }

  #next(from: Heap<Entry>): Entry | undefined {
    for (let entry = from.pop(); entry !== undefined; entry = from.pop()) {
      if (this.#isLeft(entry)) return entry
    }
    return undefined
  }

  /** Whether the task is still left: it may have been taken, or have ended. */
  #isLeft({ heldBy }: Entry): boolean {
    return heldBy === this.#boot
  }
}
