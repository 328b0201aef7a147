/**
 * Writes of one boot as stretches: in order, and neither touching nor overlapping.
 *
 * There may be hundreds of thousands, and they come one by one as well as all at once, and go from the front. So they
 * are kept in blocks, like the pages of a ring binder: to put one in between moves what is on its page, not all that
 * follows.
 */
import { assert } from '../base/assert.ts'
import type { Span } from '../message.ts'

/** Stretches in one block. Guess: as many as are moved in a microsecond. */
const BLOCK_MAX = 512

type Stretch = Omit<Span, 'origin'>

export class Spans {
  readonly #blocks: Stretch[][] = []
  #size = 0

  /** How many stretches there are. */
  get size(): number {
    return this.#size
  }

  has(seq: number): boolean {
    const block = this.#blocks[this.#blockOf(seq)]
    if (block === undefined) return false
    return block[placeIn(block, seq)]!.after < seq
  }

  add(stretch: Stretch): void {
    let { after, upTo } = stretch
    // What touches it becomes one with it.
    for (;;) {
      const at = this.#blockOf(after)
      const block = this.#blocks[at]
      if (block === undefined) break
      const from = placeIn(block, after)
      let to = from
      while (to < block.length && block[to]!.after <= upTo) {
        after = Math.min(after, block[to]!.after)
        upTo = Math.max(upTo, block[to]!.upTo)
        to++
      }
      if (to === from) break
      block.splice(from, to - from)
      this.#size -= to - from
      if (block.length === 0) this.#blocks.splice(at, 1)
    }
    this.#insert({ after, upTo })
  }

  /** Lets go of all up to this write. */
  cut(upTo: number): void {
    const whole = this.#blockOf(upTo + 1)
    for (const block of this.#blocks.splice(0, whole)) this.#size -= block.length
    const first = this.#blocks[0]
    if (first === undefined) return
    const gone = placeIn(first, upTo + 1)
    first.splice(0, gone)
    this.#size -= gone
    const next = first[0]!
    if (next.after < upTo) first[0] = { after: upTo, upTo: next.upTo }
  }

  /** Those beyond a write, the one that goes across it from there on. */
  *beyond(after: number): Generator<Stretch> {
    for (let at = this.#blockOf(after + 1); at < this.#blocks.length; at++) {
      for (const span of this.#blocks[at]!) {
        if (span.upTo > after) yield span.after < after ? { after, upTo: span.upTo } : span
      }
    }
  }

  assertInvariants(): void {
    let size = 0
    let end = -1
    for (const block of this.#blocks) {
      assert(block.length > 0 && block.length <= BLOCK_MAX, 'a block has stretches, within a bound')
      size += block.length
      for (const { after, upTo } of block) {
        const isNext = end < after && after < upTo
        assert(isNext, 'stretches are in order, and neither touch nor overlap', after)
        end = upTo
      }
    }
    assert(size === this.#size, 'the stretches of all blocks are counted')
  }

  /** The block in which the first stretch stands that ends at a write or beyond it. */
  #blockOf(seq: number): number {
    let from = 0
    let to = this.#blocks.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.#blocks[middle]!.at(-1)!.upTo < seq) from = middle + 1
      else to = middle
    }
    return from
  }

  #insert(span: Stretch): void {
    const at = Math.min(this.#blockOf(span.after), Math.max(0, this.#blocks.length - 1))
    const block = this.#blocks[at]
    this.#size++
    if (block === undefined) {
      this.#blocks.push([span])
      return
    }
    block.splice(placeIn(block, span.after), 0, span)
    if (block.length > BLOCK_MAX) this.#blocks.splice(at + 1, 0, block.splice(BLOCK_MAX / 2))
  }
}

/** Where the first stretch stands that ends at a write or beyond it. */
function placeIn(block: readonly Stretch[], seq: number): number {
  let from = 0
  let to = block.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (block[middle]!.upTo < seq) from = middle + 1
    else to = middle
  }
  return from
}
