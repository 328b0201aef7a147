/**
 * The writes of one boot as this replica knows them: which task the first write changed, which the second, and so on,
 * without a gap. Write `seq` stands at place `seq - 1`; a place is empty once its task has been pruned.
 *
 * The order of writes is the same in every replica. So any stretch of it can be cut out and sent to a replica that
 * stands at the cut, and the tasks named in the stretch are exactly those that it lacks.
 *
 * Places are kept in blocks, and a block that is full and empty of tasks is given up: what has been pruned costs a
 * thousandth of a place, also where a task that has not settled sits among it.
 */
import { assert } from '../base/assert.ts'
import type { BootId } from '../base/ids.ts'
import type { Entry } from './entry.ts'

const BLOCK = 1024

type Block = { readonly places: (Entry | null)[]; tasks: number }

export class OriginLog {
  /** Null: all its places are empty. */
  readonly #blocks: (Block | null)[] = []
  #upTo = 0
  /** Up to which write all is on disk. */
  durableUpTo = 0

  get upTo(): number {
    return this.#upTo
  }

  append(entry: Entry | null): void {
    if (this.#upTo % BLOCK === 0) this.#blocks.push({ places: [], tasks: 0 })
    const block = this.#blocks.at(-1)!
    block.places.push(entry)
    if (entry !== null) block.tasks++
    this.#upTo++
    if (this.#upTo % BLOCK === 0 && block.tasks === 0) this.#blocks[this.#blocks.length - 1] = null
  }

  /** The task that write `seq` changed, or null if it has been pruned. */
  at(seq: number): Entry | null {
    assert(seq >= 1 && seq <= this.#upTo, 'only writes that were merged are asked for')
    const block = this.#blocks[Math.floor((seq - 1) / BLOCK)]
    return block?.places[(seq - 1) % BLOCK] ?? null
  }

  /** The task of this write has been pruned. */
  clear(seq: number): void {
    const at = Math.floor((seq - 1) / BLOCK)
    const block = this.#blocks[at]
    const place = (seq - 1) % BLOCK
    if (block === null || block === undefined || (block.places[place] ?? null) === null) return
    block.places[place] = null
    block.tasks--
    if (block.tasks === 0 && block.places.length === BLOCK) this.#blocks[at] = null
  }

  /** The stretches of writes beyond `after` whose tasks have been pruned. */
  *holes(after: number): Generator<{ after: number; upTo: number }> {
    let start: number | null = null
    for (let seq = after + 1; seq <= this.#upTo; seq++) {
      if (this.at(seq) === null) {
        start ??= seq - 1
        const block = Math.floor((seq - 1) / BLOCK)
        if (this.#blocks[block] === null) seq = Math.min((block + 1) * BLOCK, this.#upTo)
      } else if (start !== null) {
        yield { after: start, upTo: seq - 1 }
        start = null
      }
    }
    if (start !== null) yield { after: start, upTo: this.#upTo }
  }

  /** Whether every task that this boot has changed has been pruned. */
  get isEmpty(): boolean {
    return this.#blocks.every(block => block === null || block.tasks === 0)
  }

  /** @param origin whose log it is */
  assertInvariants(origin: BootId): void {
    const blocks = Math.ceil(this.#upTo / BLOCK)
    assert(this.#blocks.length === blocks, 'there are places up to the last write', origin)
    assert(this.durableUpTo <= this.#upTo, 'what is on disk has been merged', origin)
    for (const [at, block] of this.#blocks.entries()) {
      const length = Math.min(BLOCK, this.#upTo - at * BLOCK)
      assert(block !== null || length === BLOCK, 'only a full block is given up', origin)
      if (block === null) continue
      const tasks = block.places.filter(entry => entry !== null).length
      assert(block.places.length === length, 'each write has a place', origin)
      assert(block.tasks === tasks, 'the tasks of a block are counted', origin)
      assert(tasks > 0 || length < BLOCK, 'a full block without tasks is given up', origin)
    }
  }

  /** How many writes changed a task that has not been pruned. */
  get tasks(): number {
    return this.#blocks.reduce((sum, block) => sum + (block?.tasks ?? 0), 0)
  }

  /** Puts back what was read from disk. Places in between stay empty. */
  restore(seq: number, entry: Entry | null): void {
    while (this.#upTo < seq) this.append(null)
    if (entry === null) return
    const at = Math.floor((seq - 1) / BLOCK)
    const block = (this.#blocks[at] ??= emptyBlock())
    if (block.places[(seq - 1) % BLOCK] === null) block.tasks++
    block.places[(seq - 1) % BLOCK] = entry
  }
}

/** A block that was given up, for a task that comes back from disk later than its neighbours. */
function emptyBlock(): Block {
  return { places: Array.from({ length: BLOCK }, () => null), tasks: 0 }
}
