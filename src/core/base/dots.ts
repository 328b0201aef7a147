/**
 * Sets of writes, as stretches of the notebooks that they stand in: writes of one kind lie together as a rule, and a
 * stretch costs the same whether it is of one write or of a thousand.
 */
import type { BootId } from './ids.ts'

/** The writes `after + 1 .. upTo` of a boot. */
export type Stretch = Readonly<{ origin: BootId; after: number; upTo: number }>

const NONE: readonly Stretch[] = []

export class Dots {
  /** In order, and neither touching nor overlapping. */
  readonly #stretches = new Map<BootId, readonly Stretch[]>()

  constructor(stretches: Iterable<Stretch> = NONE) {
    for (const stretch of stretches) this.add(stretch)
  }

  /** How many stretches there are. */
  get size(): number {
    let size = 0
    for (const list of this.#stretches.values()) size += list.length
    return size
  }

  get isEmpty(): boolean {
    return this.#stretches.size === 0
  }

  /** Boots of which there is any write. */
  origins(): IterableIterator<BootId> {
    return this.#stretches.keys()
  }

  /** The stretches of one boot, in order. */
  of(origin: BootId): readonly Stretch[] {
    return this.#stretches.get(origin) ?? NONE
  }

  all(): Stretch[] {
    return [...this.#stretches.values()].flat()
  }

  has({ origin, seq }: Readonly<{ origin: BootId; seq: number }>): boolean {
    return this.meets({ origin, after: seq - 1, upTo: seq })
  }

  /** Whether any write of the stretch is in the set. */
  meets({ origin, after, upTo }: Stretch): boolean {
    return this.of(origin).some(mine => mine.after < upTo && mine.upTo > after)
  }

  /** Whether all writes of a boot up to `upTo` that are in this set are in the other one, too. */
  isWithin(other: Dots, origin: BootId, upTo: number): boolean {
    return cut(this.of(origin), upTo).every(mine =>
      other.of(origin).some(({ after, upTo: end }) => after <= mine.after && mine.upTo <= end)
    )
  }

  add(stretch: Stretch): void {
    this.#put(stretch.origin, united([...this.of(stretch.origin), plain(stretch)]))
  }

  remove(stretch: Stretch): void {
    const list = this.of(stretch.origin)
    if (list.length > 0) this.#put(stretch.origin, without(list, stretch))
  }

  /** All of a boot. */
  drop(origin: BootId): void {
    this.#stretches.delete(origin)
  }

  clear(): void {
    this.#stretches.clear()
  }

  #put(origin: BootId, list: readonly Stretch[]): void {
    if (list.length === 0) this.#stretches.delete(origin)
    else this.#stretches.set(origin, list)
  }
}

/** What of the stretches lies up to a place. */
export function cut(list: readonly Stretch[], upTo: number): readonly Stretch[] {
  if (list.length === 0 || list.at(-1)!.upTo <= upTo) return list
  return list
    .filter(({ after }) => after < upTo)
    .map(each => (each.upTo > upTo ? { ...each, upTo } : each))
}

/** What is left of the stretches when one is taken out. */
export function without(list: readonly Stretch[], { after, upTo }: Stretch): readonly Stretch[] {
  return list.flatMap(each => {
    if (each.upTo <= after || upTo <= each.after) return [each]
    const left = { ...each, upTo: after }
    const right = { ...each, after: upTo }
    return [left, right].filter(part => part.after < part.upTo)
  })
}

/** The same writes, in order and in as few stretches as there can be. */
function united(list: Stretch[]): readonly Stretch[] {
  const whole: Stretch[] = []
  for (const each of list.sort((x, y) => x.after - y.after)) {
    const last = whole.at(-1)
    if (last === undefined || last.upTo < each.after) whole.push(each)
    else if (last.upTo < each.upTo) whole[whole.length - 1] = { ...last, upTo: each.upTo }
  }
  return whole
}

/** Without whatever else was said of it. */
function plain({ origin, after, upTo }: Stretch): Stretch {
  return { origin, after, upTo }
}
