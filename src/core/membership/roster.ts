/**
 * Which instances are expected, seen or not: a list that all members share.
 *
 * Per name the later word counts, so lists can be merged in any order. What a node is told of an instance at its start
 * (by its configuration, or by a program) is the earliest word of all: a forgotten instance does not come back because
 * another node with the old configuration starts. It comes back when it starts itself.
 */
import { assert } from '../base/assert.ts'
import type { Hlc } from '../base/hlc.ts'
import { placeOf } from '../base/order.ts'
import type { Expected } from '../message.ts'

/** Before every time that a node could stamp. */
const FROM_THE_BEGINNING: Hlc = 0

/**
 * Names that are kept, those that come first in their order: whatever is heard in whatever order, all keep the same
 * ones. Four heartbeats of them, as the largest configuration has one.
 */
export const ROSTER_MAX = 1024

export class Roster {
  readonly #entries = new Map<string, Expected>()
  readonly #dirty = new Set<string>()
  readonly #dropped = new Set<string>()
  /** All names, in their order. */
  readonly #names: string[] = []

  /** Expected instances, sorted. */
  get names(): string[] {
    return this.#names.filter(name => this.expects(name))
  }

  /** All that was ever said, sorted by name. */
  all(): readonly Expected[] {
    return this.#names.map(name => this.#entries.get(name)!)
  }

  expects(name: string): boolean {
    return this.#entries.get(name)?.expected ?? false
  }

  /** An instance is expected, unless it was forgotten. */
  expect(name: string): void {
    if (!this.#entries.has(name)) this.note({ name, at: FROM_THE_BEGINNING, expected: true })
  }

  /** A forgotten instance is here again. */
  returned(name: string, at: Hlc): void {
    if (this.#entries.get(name)?.expected === false) this.note({ name, at, expected: true })
  }

  /** An instance is not expected any more. */
  forget(name: string, at: Hlc): void {
    if (this.expects(name)) this.note({ name, at, expected: false })
  }

  /** Takes note of what a member said. */
  note(entry: Expected): void {
    const known = this.#entries.get(entry.name)
    if (known !== undefined && compare(known, entry) >= 0) return
    if (known === undefined && !this.#makeRoom(entry.name)) return
    if (known === undefined) this.#names.splice(placeOf(this.#names, entry.name), 0, entry.name)
    this.#entries.set(entry.name, entry)
    this.#dirty.add(entry.name)
  }

  /** Whether a name comes before the last one that is kept, which has to go then. */
  #makeRoom(name: string): boolean {
    if (this.#entries.size < ROSTER_MAX) return true
    const last = this.#names.at(-1)!
    if (name > last) return false
    this.#drop(last)
    return true
  }

  #drop(name: string): void {
    this.#names.splice(placeOf(this.#names, name), 1)
    this.#entries.delete(name)
    this.#dirty.delete(name)
    // What stays on a disk beyond these is dropped again when it is read.
    if (this.#dropped.size < 4 * ROSTER_MAX) this.#dropped.add(name)
  }

  /** Names that a disk need not keep any more. They then count as removed. */
  takeDropped(): readonly string[] {
    const dropped = [...this.#dropped].filter(name => !this.#entries.has(name))
    this.#dropped.clear()
    return dropped
  }

  /**
   * What came from disk with a time that lies too far ahead, as an earlier version believed it, counts as the first
   * word.
   */
  reconsider(horizon: Hlc): void {
    for (const { name, at, expected } of this.all()) {
      if (at <= horizon) continue
      this.#drop(name)
      if (expected) this.expect(name)
    }
  }

  assertInvariants(): void {
    assert(this.#entries.size <= ROSTER_MAX, 'instances that are kept have a bound')
    assert(this.#names.length === this.#entries.size, 'names in their order are all names')
    for (const [at, name] of this.#names.entries()) {
      const isNext = at === 0 || this.#names[at - 1]! < name
      assert(isNext, 'instances are in the order of their names', name)
      assert(this.#entries.get(name)?.name === name, 'an instance is kept under its name', name)
    }
    for (const name of this.#dirty) {
      assert(this.#entries.has(name), 'an instance that is to be written is known', name)
    }
  }

  /** What has changed since it was last written to disk. It then counts as written. */
  takeDirty(): Expected[] {
    const changed = [...this.#dirty].map(name => this.#entries.get(name)!)
    this.#dirty.clear()
    return changed
  }
}

function compare(x: Expected, y: Expected): number {
  return x.at - y.at || Number(y.expected) - Number(x.expected)
}
