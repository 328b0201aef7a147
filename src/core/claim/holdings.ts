/**
 * Which tasks every boot holds: those that have not settled, whether they wait, are ready or run. What never started is
 * indexed apart from the first question on: of a gone boot it is taken in portions.
 */
import { assert } from '../base/assert.ts'
import { nodeOf, type BootId, type TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import { DEFAULT_POOL } from '../message.ts'
import { isSettled, isStarted } from '../task/record.ts'
import { Estate } from './estate.ts'

type Holding = {
  readonly all: Set<Entry>
  /** What runs, or has to be settled without a run, and in which pool. */
  readonly urgent: Map<Entry, string>
  /** Pool -> how much of that. */
  readonly urgentIn: Map<string, number>
  /** The others, if they have been asked for. */
  estate: Estate | null
}

export class Holdings {
  readonly #held = new Map<BootId, Holding>()

  /** The task has changed, or has come. @param isUrgent it runs, or has to be settled without a run */
  update(entry: Entry, isUrgent: boolean = false): void {
    const { record } = entry
    const holder = isSettled(record) ? null : record.claim.holder
    this.#move(entry, holder)
    if (holder === null) return
    const held = this.#held.get(holder)!
    if (isUrgent) {
      const pool = poolOf(entry)
      if (held.urgent.get(entry) === pool) return
      dropUrgent(held, entry)
      held.urgent.set(entry, pool)
      held.urgentIn.set(pool, (held.urgentIn.get(pool) ?? 0) + 1)
    } else if (dropUrgent(held, entry)) held.estate?.add(entry)
  }

  /** The task has been pruned. */
  remove(entry: Entry): void {
    this.#move(entry, null)
  }

  /** Boots that hold anything. */
  holders(): BootId[] {
    return [...this.#held.keys()]
  }

  of(boot: BootId): Entry[] {
    return [...(this.#held.get(boot)?.all ?? [])]
  }

  /** What a boot runs, or has to settle without a run. */
  urgentOf(boot: BootId): Iterable<Entry> {
    return this.#held.get(boot)?.urgent.keys() ?? []
  }

  /** How many tasks a boot runs in a pool, or has to settle without a run: those count for the default one. */
  urgentCount(boot: BootId, pool: string): number {
    return this.#held.get(boot)?.urgentIn.get(pool) ?? 0
  }

  /** What else it holds. @param isReady whether a task could be started */
  estateOf(boot: BootId, isReady: (id: TaskId) => boolean): Estate | null {
    const held = this.#held.get(boot)
    if (held === undefined) return null
    const { all, urgent } = held
    const waiting = (): Entry[] => [...all].filter(entry => !urgent.has(entry))
    return (held.estate ??= new Estate(boot, waiting(), isReady))
  }

  /** @param tasks that are known here */
  assertInvariants(tasks: Iterable<Entry>): void {
    let open = 0
    for (const { id, heldBy, record } of tasks) {
      const holder = isSettled(record) ? null : record.claim.holder
      assert(heldBy === holder, 'a task counts as held by the boot that its claim names', id)
      if (holder !== null) open++
    }
    for (const [boot, { all, urgent, urgentIn, estate }] of this.#held) {
      assert(all.size > 0, 'no holder is kept that holds nothing', boot)
      open -= all.size
      for (const { id, heldBy } of all) assert(heldBy === boot, 'a task is held by one boot', id)
      const counts = new Map<string, number>()
      for (const [entry, pool] of urgent) {
        assert(all.has(entry), 'what is urgent is held', entry.id)
        counts.set(pool, (counts.get(pool) ?? 0) + 1)
      }
      const isCounted = [...counts].every(([pool, count]) => urgentIn.get(pool) === count)
      assert(isCounted && counts.size === urgentIn.size, 'what runs in a pool is counted', boot)
      estate?.assertInvariants([...all].filter(entry => !urgent.has(entry)))
    }
    assert(open === 0, 'each task that has not settled is held, and no other')
  }

  #move(entry: Entry, holder: BootId | null): void {
    const before = entry.heldBy
    if (before === holder) return
    entry.heldBy = holder
    if (before !== null) this.#leave(before, entry, holder)
    if (holder === null) return
    const held = this.#held.get(holder)
    held?.all.add(entry)
    held?.estate?.add(entry)
    if (held === undefined) {
      const urgentIn = new Map<string, number>()
      this.#held.set(holder, { all: new Set([entry]), urgent: new Map(), urgentIn, estate: null })
    }
  }

  #leave(boot: BootId, entry: Entry, to: BootId | null): void {
    const held = this.#held.get(boot)!
    held.all.delete(entry)
    dropUrgent(held, entry)
    if (to !== null) held.estate?.takers.add(nodeOf(to))
    if (held.all.size === 0) this.#held.delete(boot)
  }
}

/** Where a task runs. */
function poolOf({ record }: Entry): string {
  return (isStarted(record) ? record.started!.pool : undefined) ?? DEFAULT_POOL
}

/** Returns whether the task was among what is urgent. */
function dropUrgent({ urgent, urgentIn }: Holding, entry: Entry): boolean {
  const pool = urgent.get(entry)
  if (pool === undefined) return false
  urgent.delete(entry)
  const count = urgentIn.get(pool)! - 1
  if (count > 0) urgentIn.set(pool, count)
  else urgentIn.delete(pool)
  return true
}
