/**
 * Which instances are expected, seen or not: a list that all members share.
 *
 * Per name the later word counts, so lists can be merged in any order. Whoever is told of an instance at its start
 * (by its configuration, or by a program) has the earliest word of all: a forgotten instance does not come back because
 * another node with the old configuration starts. It comes back when it starts itself.
 */
import type { Hlc } from '../base/hlc.ts'
import { compareText } from '../base/order.ts'
import type { Expected } from '../message.ts'

/** Before every time that anybody could stamp. */
const FROM_THE_BEGINNING: Hlc = 0

/** Heartbeats carry them all: no more are taken in. */
const NAMES_MAX = 256

export class Roster {
  readonly #entries = new Map<string, Expected>()
  readonly #dirty = new Set<string>()

  /** Expected instances, sorted. */
  get names(): string[] {
    return this.all()
      .filter(({ expected }) => expected)
      .map(({ name }) => name)
  }

  /** All that was ever said, sorted by name. */
  all(): Expected[] {
    return [...this.#entries.values()].sort((x, y) => compareText(x.name, y.name))
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

  /** Takes note of what somebody said. */
  note(entry: Expected): void {
    const known = this.#entries.get(entry.name)
    if (known === undefined && this.#entries.size >= NAMES_MAX) return
    if (known !== undefined && compare(known, entry) >= 0) return
    this.#entries.set(entry.name, entry)
    this.#dirty.add(entry.name)
  }

  /** What came from disk with a time that lies too far ahead, as an earlier version believed it, counts as the first word. */
  reconsider(horizon: Hlc): void {
    for (const entry of this.all()) {
      if (entry.at <= horizon) continue
      this.#entries.delete(entry.name)
      this.#dirty.delete(entry.name)
      if (entry.expected) this.expect(entry.name)
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
