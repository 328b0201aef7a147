/**
 * Sets of writes, as stretches of the logs of origins that they stand in: writes of one kind lie together as a rule,
 * and a stretch costs the same whether it is of one write or of a thousand.
 */
import { assert } from './assert.ts'
import type { BootId } from './ids.ts'

/** The writes `after + 1 .. upTo` of a boot. */
export type Stretch = Readonly<{ origin: BootId; after: number; upTo: number }>

const NONE: readonly Stretch[] = []

export class Dots {
  /**
   * In order, and neither touching nor overlapping. A list is made anew when it changes: one that was handed out stays
   * as it is.
   */
  readonly #stretches = new Map<BootId, readonly Stretch[]>()
  #size = 0

  constructor(stretches: Iterable<Stretch> = NONE) {
    for (const stretch of stretches) this.add(stretch)
  }

  /** How many stretches there are. */
  get size(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#size === 0
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
    const list = this.of(origin)
    return (list[endingFrom(list, after + 1)]?.after ?? upTo) < upTo
  }

  /** Whether all writes of a boot up to `upTo` that are in this set are in the other one, too. */
  isWithin(other: Dots, origin: BootId, upTo: number): boolean {
    const theirs = other.of(origin)
    return cut(this.of(origin), upTo).every(mine => {
      const same = theirs[endingFrom(theirs, mine.upTo)]
      return same !== undefined && same.after <= mine.after
    })
  }

  add(stretch: Stretch): void {
    const { origin } = stretch
    const list = this.of(origin)
    // What touches it becomes one with it.
    const from = endingFrom(list, stretch.after)
    let to = from
    let { after, upTo } = stretch
    for (; to < list.length && list[to]!.after <= stretch.upTo; to++) {
      after = Math.min(after, list[to]!.after)
      upTo = Math.max(upTo, list[to]!.upTo)
    }
    this.set(origin, list.toSpliced(from, to - from, { origin, after, upTo }))
  }

  remove(stretch: Stretch): void {
    const list = this.of(stretch.origin)
    const { from, to, parts } = cutOut(list, stretch)
    if (to > from) this.set(stretch.origin, list.toSpliced(from, to - from, ...parts))
  }

  /** Whether there would be one stretch more without these writes: they lie within one. */
  isSplitBy(stretch: Stretch): boolean {
    const { from, to, parts } = cutOut(this.of(stretch.origin), stretch)
    return parts.length > to - from
  }

  /** All of a boot. */
  drop(origin: BootId): void {
    this.set(origin, NONE)
  }

  clear(): void {
    this.#stretches.clear()
    this.#size = 0
  }

  /** All of a boot is these from now on. @param list in order, and neither touching nor overlapping */
  set(origin: BootId, list: readonly Stretch[]): void {
    this.#size += list.length - this.of(origin).length
    if (list.length === 0) this.#stretches.delete(origin)
    else this.#stretches.set(origin, list)
  }

  assertInvariants(): void {
    let size = 0
    for (const [origin, list] of this.#stretches) {
      assert(list.length > 0, 'no boot is kept of which there is no stretch', origin)
      size += list.length
      let end = -1
      for (const each of list) {
        const isNext = end < each.after && each.after < each.upTo
        assert(isNext, 'stretches are in order, and neither touch nor overlap', origin)
        assert(each.origin === origin, 'a stretch is kept with its boot', origin)
        end = each.upTo
      }
    }
    assert(size === this.#size, 'the stretches of all boots are counted')
  }
}

/** Where the first stretch stands that ends at a write or beyond it. */
function endingFrom(list: readonly Stretch[], seq: number): number {
  let from = 0
  let to = list.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (list[middle]!.upTo < seq) from = middle + 1
    else to = middle
  }
  return from
}

/** Which stretches have any of these writes, and what of them is beside. */
function cutOut(
  list: readonly Stretch[],
  { origin, after, upTo }: Stretch
): { from: number; to: number; parts: Stretch[] } {
  const from = endingFrom(list, after + 1)
  let to = from
  while (to < list.length && list[to]!.after < upTo) to++
  const parts: Stretch[] = []
  if (to > from) {
    const [first, last] = [list[from]!, list[to - 1]!]
    if (first.after < after) parts.push({ origin, after: first.after, upTo: after })
    if (upTo < last.upTo) parts.push({ origin, after: upTo, upTo: last.upTo })
  }
  return { from, to, parts }
}

/** The stretches that both lists have, up to a place. */
export function common(
  x: readonly Stretch[],
  y: readonly Stretch[],
  end: number
): readonly Stretch[] {
  const both: Stretch[] = []
  for (let i = 0, j = 0; i < x.length && j < y.length;) {
    const [a, b] = [x[i]!, y[j]!]
    const after = Math.max(a.after, b.after)
    const upTo = Math.min(a.upTo, b.upTo, end)
    if (after < upTo) both.push({ origin: a.origin, after, upTo })
    if (a.upTo < b.upTo) i++
    else j++
  }
  return both
}

/** What of the stretches lies beyond a place. */
export function beyond(list: readonly Stretch[], place: number): readonly Stretch[] {
  return list
    .slice(endingFrom(list, place + 1))
    .map(each => (each.after < place ? { ...each, after: place } : each))
}

/** What of the stretches lies up to a place. */
export function cut(list: readonly Stretch[], upTo: number): readonly Stretch[] {
  if (list.length === 0 || list.at(-1)!.upTo <= upTo) return list
  return list
    .filter(({ after }) => after < upTo)
    .map(each => (each.upTo > upTo ? { ...each, upTo } : each))
}

/** What of a stretch is not in a list. */
export function outside(stretch: Stretch, list: readonly Stretch[]): Stretch[] {
  const { origin, upTo } = stretch
  const left: Stretch[] = []
  let { after } = stretch
  for (let at = endingFrom(list, after + 1); at < list.length && list[at]!.after < upTo; at++) {
    if (after < list[at]!.after) left.push({ origin, after, upTo: list[at]!.after })
    after = list[at]!.upTo
  }
  if (after < upTo) left.push({ origin, after, upTo })
  return left
}
