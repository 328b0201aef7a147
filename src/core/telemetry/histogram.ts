/**
 * How long things took, in a fixed number of buckets, so that what many nodes have measured can be added up.
 *
 * Bucket 0 holds what took up to a millisecond; every further one reaches a fourth root of two (19 %) higher than the
 * one before it, up to 24.8 days, the longest timeout that a task may have. A quantile is told as the geometric middle
 * of the bucket that it lies in. So it is off by at most half a bucket: by less than 9.1 % above a millisecond, and by
 * half a millisecond below. Count and mean are exact.
 */

import { HISTOGRAM_BUCKETS, type Durations } from '../message.ts'

/** Upper bounds of the buckets in ms. */
const BOUNDS_MS: readonly number[] = Array.from(
  { length: HISTOGRAM_BUCKETS },
  (_, place) => 2 ** (place / 4)
)

/** The most that a quantile is off, as a share of it, above a millisecond: 2^(1/8) - 1, rounded up. */
export const QUANTILE_ERROR = 0.0906

export class Histogram {
  #sumMs = 0
  readonly #counts: number[] = []

  add(ms: number): void {
    this.#sumMs += ms
    this.#fill(bucketOf(ms), 1)
  }

  /** Adds what was measured elsewhere. */
  merge({ sumMs, counts }: Durations): void {
    this.#sumMs += sumMs
    counts.forEach((count, place) => this.#fill(place, count))
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** Null if nothing was measured. */
  get meanMs(): number | null {
    const { count } = this
    return count === 0 ? null : this.#sumMs / count
  }

  /** The value below which a share of `q` lies; null if nothing was measured. */
  quantileMs(q: number): number | null {
    const rank = Math.max(1, Math.ceil(q * this.count))
    let below = 0
    for (const [place, count] of this.#counts.entries()) {
      below += count
      if (below >= rank) return place === 0 ? 0.5 : BOUNDS_MS[place]! / 2 ** (1 / 8)
    }
    return null
  }

  /** How many values are within the bound of each of these buckets, in ascending order. */
  upTo(places: readonly number[]): { boundMs: number; count: number }[] {
    let next = 0
    let count = 0
    return places.map(place => {
      for (; next <= place; next++) count += this.#counts[next] ?? 0
      return { boundMs: BOUNDS_MS[place]!, count }
    })
  }

  values(): Durations {
    return { sumMs: this.#sumMs, counts: [...this.#counts] }
  }

  #fill(place: number, count: number): void {
    while (this.#counts.length <= place) this.#counts.push(0)
    this.#counts[place]! += count
  }
}

/** The first bucket whose bound is not below. The last one also holds whatever is longer. */
function bucketOf(ms: number): number {
  let low = 0
  let high = BOUNDS_MS.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (BOUNDS_MS[middle]! < ms) low = middle + 1
    else high = middle
  }
  return low
}
