/**
 * The slots of this node: which task has which, pool by pool.
 *
 * A task goes to the first pool, by name, that can run it and has a slot free. A pool may go while tasks have slots in
 * it: these stay theirs until they end, and count if a pool of that name comes back.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import { canRun, inOrder } from '../claim/claim.ts'
import type { Demand } from '../claim/capability.ts'
import type { Pool } from '../claim/pools.ts'

/** A slot of a pool, counted from 0. `isExternal`: what has it is run outside this process. */
export type Seat = Readonly<{ pool: string; slot: number; isExternal: boolean }>

export class Seats {
  #pools: readonly Pool[] = []
  readonly #seats = new Map<TaskId, Seat>()
  /** Pool -> its slots that are taken. */
  readonly #taken = new Map<string, Set<number>>()

  /** The pools from now on, in their order. */
  get pools(): readonly Pool[] {
    return this.#pools
  }

  equip(pools: readonly Pool[]): void {
    this.#pools = inOrder(pools)
  }

  /** How many slots are taken: of one pool, or of all. */
  used(pool?: string): number {
    return pool === undefined ? this.#seats.size : (this.#taken.get(pool)?.size ?? 0)
  }

  hasRoom({ name, slots }: Pool): boolean {
    return this.used(name) < slots
  }

  /** The pool that a task of this demand would go to now, if there is one. */
  poolFor(demand: Demand): Pool | undefined {
    for (const pool of this.#pools) if (this.hasRoom(pool) && canRun(pool, demand)) return pool
    return undefined
  }

  /** Where a task has a slot. */
  of(id: TaskId): Seat | undefined {
    return this.#seats.get(id)
  }

  /** Gives the task the first free slot of a pool. */
  take(id: TaskId, pool: Pool): Seat {
    assert(!this.#seats.has(id), 'a task has one slot', id)
    assert(this.hasRoom(pool), 'no more tasks than slots are in a pool', pool.name)
    let taken = this.#taken.get(pool.name)
    if (taken === undefined) this.#taken.set(pool.name, (taken = new Set()))
    let slot = 0
    while (taken.has(slot)) slot++
    taken.add(slot)
    const seat = { pool: pool.name, slot, isExternal: pool.external }
    this.#seats.set(id, seat)
    return seat
  }

  /** The slot of a task, if it has one, is free again. */
  release(id: TaskId): void {
    const seat = this.#seats.get(id)
    if (seat === undefined) return
    this.#seats.delete(id)
    const taken = this.#taken.get(seat.pool)!
    taken.delete(seat.slot)
    if (taken.size === 0) this.#taken.delete(seat.pool)
  }

  /** @param holds whether a task that has a slot runs, or is about to */
  assertInvariants(holds: (id: TaskId) => boolean): void {
    let count = 0
    for (const taken of this.#taken.values()) count += taken.size
    assert(count === this.#seats.size, 'each slot that is taken is of one task')
    for (const [id, { pool, slot }] of this.#seats) {
      assert(this.#taken.get(pool)?.has(slot) === true, 'the slot of a task is taken', id)
      assert(holds(id), 'what has a slot runs, or is about to', id)
    }
  }
}
