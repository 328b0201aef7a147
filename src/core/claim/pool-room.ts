/** For how many more tasks there is room, pool by pool: what is left in one takes no task that only another runs. */
import { canRun, type Capability, type Demand } from './capability.ts'

type Free = { readonly pool: Capability; free: number }

export class PoolRoom {
  readonly #pools: readonly Free[]

  /** @param pools in their order, each with how many more tasks it has room for */
  constructor(pools: readonly Readonly<Free>[]) {
    this.#pools = pools.map(({ pool, free }) => ({ pool, free }))
  }

  get isEmpty(): boolean {
    return this.#pools.every(({ free }) => free <= 0)
  }

  has(demand: Demand): boolean {
    return this.#first(demand) !== undefined
  }

  /**
   * Takes the room of some tasks of one demand, of the first pools that have any. What finds no room is missing in the
   * first pool that could run it. Returns how many found room.
   */
  take(demand: Demand, count: number = 1): number {
    let left = count
    for (let pool = this.#first(demand); pool !== undefined && left > 0;) {
      const some = Math.min(left, pool.free)
      pool.free -= some
      left -= some
      pool = this.#first(demand)
    }
    if (left > 0) {
      const able = this.#pools.find(({ pool }) => canRun(pool, demand))
      if (able !== undefined) able.free -= left
    }
    return count - left
  }

  /** How many more tasks of one demand there is room for. */
  for(demand: Demand): number {
    return this.#pools.reduce(
      (sum, { pool, free }) => (free > 0 && canRun(pool, demand) ? sum + free : sum),
      0
    )
  }

  #first(demand: Demand): Free | undefined {
    return this.#pools.find(({ pool, free }) => free > 0 && canRun(pool, demand))
  }
}
