/**
 * The slots of this node: which task has which, pool by pool.
 *
 * A task goes to the first pool, by name, that can run it and has a slot free. A pool may go while tasks have slots in
 * it: these stay theirs until they end, and count if a pool of that name comes back. A task may give up its slot and have
 * another later, so for how long it had one is added up.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import { canRun, inOrder } from '../claim/claim.ts'
import type { Demand } from '../claim/capability.ts'
import type { Pool } from '../claim/pools.ts'

/** A slot of a pool, counted from 0. `isExternal`: what has it is run outside this process. */
export type Seat = Readonly<{ pool: string; slot: number; isExternal: boolean }>

type Taken = Readonly<{ seat: Seat; since: number }>

export class Seats {
  #pools: readonly Pool[] = []
  readonly #seats = new Map<TaskId, Taken>()
  /** Pool -> its slots that are taken. */
  readonly #taken = new Map<string, Set<number>>()
  /** Task that has given up its slot and may have another -> for how long it had one, in ms. */
  readonly #hadMs = new Map<TaskId, number>()
  readonly #clock: Readonly<{ now: number }>

  constructor(clock: Readonly<{ now: number }>) {
    this.#clock = clock
  }

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
    return this.#seats.get(id)?.seat
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
    this.#seats.set(id, { seat, since: this.#clock.now })
    return seat
  }

  /** The slot of a task, if it has one, is free again. */
  release(id: TaskId): void {
    const held = this.#seats.get(id)
    if (held === undefined) return
    const { seat, since } = held
    this.#seats.delete(id)
    const taken = this.#taken.get(seat.pool)!
    taken.delete(seat.slot)
    if (taken.size === 0) this.#taken.delete(seat.pool)
    this.#hadMs.set(id, (this.#hadMs.get(id) ?? 0) + this.#clock.now - since)
  }

  /** The task needs no slot any more. Returns for how long it has had one, in ms. */
  end(id: TaskId): number {
    this.release(id)
    const ms = this.#hadMs.get(id) ?? 0
    this.#hadMs.delete(id)
    return ms
  }

  /**
   * @param holds whether a task that has a slot runs, or is about to
   * @param mayHold whether a task that has given up its slot may have another
   */
  assertInvariants(holds: (id: TaskId) => boolean, mayHold: (id: TaskId) => boolean): void {
    let count = 0
    for (const taken of this.#taken.values()) count += taken.size
    assert(count === this.#seats.size, 'each slot that is taken is of one task')
    for (const [id, { seat }] of this.#seats) {
      const { pool, slot } = seat
      assert(this.#taken.get(pool)?.has(slot) === true, 'the slot of a task is taken', id)
      assert(holds(id), 'what has a slot runs, or is about to', id)
    }
    for (const id of this.#hadMs.keys()) {
      assert(mayHold(id), 'of a task that is over here no time is kept', id)
    }
  }
}
