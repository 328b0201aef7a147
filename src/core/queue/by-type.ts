/**
 * Something about each of many demands, found by the types that a node can run: what nobody asks for is not looked at,
 * however much there is of it.
 */
import type { Demand } from '../claim/capability.ts'

export class ByType<K extends Readonly<{ demand: Demand }>, V> {
  readonly #types = new Map<string, Map<K, V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    return this.#types.get(key.demand.type)?.get(key)
  }

  set(key: K, value: V): void {
    const { type } = key.demand
    let ofType = this.#types.get(type)
    if (ofType === undefined) this.#types.set(type, (ofType = new Map()))
    if (!ofType.has(key)) this.#size++
    ofType.set(key, value)
  }

  delete(key: K): void {
    const { type } = key.demand
    const ofType = this.#types.get(type)
    if (ofType?.delete(key) !== true) return
    this.#size--
    if (ofType.size === 0) this.#types.delete(type)
  }

  /** Those of these types. Costs as much as there are types here or there, whichever are fewer, and what is found. */
  *of(types: ReadonlySet<string>): Generator<readonly [K, V]> {
    if (types.size < this.#types.size) {
      for (const type of types) yield* this.#types.get(type) ?? []
    } else {
      for (const [type, ofType] of this.#types) if (types.has(type)) yield* ofType
    }
  }
}
