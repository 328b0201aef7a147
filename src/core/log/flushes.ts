/**
 * What of this replica is not on disk yet, and the flush that is on its way there: one at a time, and what changes
 * meanwhile is in the next one.
 */
import { assert } from '../base/assert.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { Flush } from '../effect.ts'
import { besideLog, NOTHING_BESIDE, type Beside } from './beside.ts'
import type { Entry } from './entry.ts'
import type { Origins } from './origins.ts'

/** A flush, and which tasks are in it, in the same order. */
type InFlight = Readonly<{ flush: Flush; entries: readonly Entry[] }>

export class Flushes {
  readonly #origins: Origins
  readonly #dirty = new Set<Entry>()
  readonly #removed = new Set<TaskId>()
  readonly #moved = new Set<BootId>()
  /** How many were begun. */
  #count = 0
  #inFlight: InFlight | null = null

  constructor(origins: Origins) {
    this.#origins = origins
  }

  /** A task has come. */
  came(entry: Entry): void {
    // A key may be used again just after its task has been pruned.
    this.#removed.delete(entry.id)
    this.#dirty.add(entry)
  }

  /** A task has changed. */
  changed(entry: Entry): void {
    this.#dirty.add(entry)
  }

  /** A task has been pruned. */
  removed(entry: Entry): void {
    this.#dirty.delete(entry)
    this.#removed.add(entry.id)
  }

  /** More is merged of a boot than before, or it is retired. */
  moved(origin: BootId): void {
    this.#moved.add(origin)
  }

  /** All tasks came from the disk. */
  restored(): void {
    this.#dirty.clear()
  }

  /** The number of the flush with which all that is known now is on disk; of one under way, if that holds it all. */
  get last(): number {
    return this.#isClean ? this.#count : this.#count + 1
  }

  get isUnderWay(): boolean {
    return this.#inFlight !== null
  }

  /** All that is known is on disk. */
  get isDurable(): boolean {
    return this.#inFlight === null && this.#isClean
  }

  /** Everything that has changed since the last flush, or null if there is nothing or a flush is still under way. */
  begin(beside: Beside): Flush | null {
    const also = besideLog(beside)
    if (this.#inFlight !== null || (this.#isClean && also === null)) return null
    const { dotCloud, unreadable } = this.#origins
    const entries = [...this.#dirty]
    const tasks = entries.map(({ record, stored }) => ({ record, writes: stored }))
    const vector = new Map(
      Array.from(this.#moved, origin => [origin, this.#origins.merged(origin)])
    )
    const log = {
      tasks,
      removed: [...this.#removed],
      vector,
      forgotten: dotCloud.takeChanged(),
      unreadable: unreadable.takeChanged()
    }
    const flush = { flush: ++this.#count, ...log, ...(also ?? NOTHING_BESIDE) }
    this.#inFlight = { flush, entries }
    this.#dirty.clear()
    this.#removed.clear()
    this.#moved.clear()
    return flush
  }

  /** The flush under way is on disk. */
  end(number: number): InFlight {
    const inFlight = this.#inFlight
    assert(inFlight !== null && inFlight.flush.flush === number, 'flushes end one by one, in order')
    this.#inFlight = null
    const { flush, entries } = inFlight
    entries.forEach((entry, i) => {
      // It may have been pruned while it was on its way to disk; then its removal follows.
      if (!entry.removed) entry.durable = flush.tasks[i]!.record
    })
    for (const [origin, upTo] of flush.vector) this.#origins.noteDurable(origin, upTo)
    this.#origins.unreadable.landed(flush.unreadable ?? new Map())
    return inFlight
  }

  /** @param known the tasks that are here */
  assertInvariants(known: ReadonlyMap<TaskId, Entry>): void {
    const written = new Set(this.#inFlight?.flush.tasks.map(({ record }) => record))
    for (const entry of this.#dirty) {
      assert(known.get(entry.id) === entry, 'a task that is to be written is here', entry.id)
    }
    for (const id of this.#removed) assert(!known.has(id), 'a task that is removed is gone', id)
    for (const [id, entry] of known) {
      const { record, durable } = entry
      const isKept = durable === record || this.#dirty.has(entry) || written.has(record)
      assert(isKept, 'the state of a task is on disk, or is to be written', id)
    }
    const vector = this.#inFlight?.flush.vector
    for (const [origin, upTo] of this.#origins.vector()) {
      const isKept = (this.#origins.durable.get(origin) ?? 0) === upTo
      const isComing = this.#moved.has(origin) || vector?.get(origin) === upTo
      assert(isKept || isComing, 'what is merged of a boot is on disk, or is to be written', origin)
    }
  }

  get #isClean(): boolean {
    const changed = this.#dirty.size + this.#removed.size + this.#moved.size
    return changed === 0 && this.#origins.dotCloud.isClean && this.#origins.unreadable.isClean
  }
}
