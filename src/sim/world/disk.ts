/**
 * A simulated disk: what was flushed and has landed. It outlives the node, unless it is lost.
 */
import type { Hlc } from '../../core/base/hlc.ts'
import type { BootId, TaskId } from '../../core/base/ids.ts'
import { nodeOf } from '../../core/base/ids.ts'
import { merge, succeededIn } from '../../core/base/version-vector.ts'
import type { Flush, MemberRecord, StoredTask, UnreadableSpan } from '../../core/effect.ts'
import type { Expected, Span } from '../../core/message.ts'
import type { BlobHash, BlobRef } from '../../core/task/content.ts'
import type { Replay } from '../../ports/ports.ts'

export class Disk {
  readonly tasks: Map<TaskId, StoredTask> = new Map()
  readonly vector: Map<BootId, number> = new Map()
  readonly forgotten: Map<BootId, readonly Span[]> = new Map()
  readonly unreadable: Map<BootId, readonly UnreadableSpan[]> = new Map()
  readonly members: Map<string, MemberRecord> = new Map()
  readonly roster: Map<string, Expected> = new Map()
  readonly spent: Map<TaskId, number> = new Map()
  /** Blobs, of which only the name matters here. */
  readonly blobs: Map<BlobHash, BlobRef> = new Map()
  /** The settled floor. */
  floor: Hlc = 0
  /** When the node was started last. */
  start: Hlc = 0
  /** It takes nothing. */
  isFull = false
  /** How many of the next flushes it does not take, full or not. */
  refusals = 0
  /** Entries of the vector that were removed after the last flush, which no sync has covered yet. */
  #removed = new Map<BootId, number>()
  readonly #damaged = new Set<TaskId>()

  /** What is on it now, as another disk. */
  copy(): Disk {
    const copy = new Disk()
    for (const [mine, its] of [
      [this.tasks, copy.tasks],
      [this.vector, copy.vector],
      [this.forgotten, copy.forgotten],
      [this.unreadable, copy.unreadable],
      [this.members, copy.members],
      [this.roster, copy.roster],
      [this.spent, copy.spent],
      [this.blobs, copy.blobs]
    ] as const) {
      for (const [key, value] of mine) (its as Map<unknown, unknown>).set(key, value)
    }
    copy.floor = this.floor
    copy.start = this.start
    return copy
  }

  /**
   * The start time of a new boot, as on a real disk: later than the last one, whatever the clock says. A full disk does
   * not have it until it takes a flush.
   */
  nextStart(now: Hlc): Hlc {
    const start = Math.max(now, this.start + 1)
    if (!this.isFull) this.begun(start)
    return start
  }

  /** It is known when the node was started. */
  begun(start: Hlc): void {
    this.start = Math.max(this.start, start)
  }

  /** Whether it takes the flush that comes now. */
  takes(): boolean {
    if (this.refusals === 0) return !this.isFull
    this.refusals--
    return false
  }

  /** What a process finds that starts on it. Damaged values are given up, and the vector with them. */
  replay(): Replay {
    const damaged = [...this.#damaged]
    for (const id of damaged) this.tasks.delete(id)
    this.#damaged.clear()
    if (damaged.length > 0) this.distrust()
    return {
      tasks: this.tasks.values(),
      vector: this.vector,
      forgotten: [...this.forgotten.values()].flat(),
      unreadable: [...this.unreadable.values()].flat(),
      members: [...this.members.values()],
      roster: [...this.roster.values()],
      spent: this.spent,
      floor: this.floor,
      damaged: damaged.length
    }
  }

  /** The stored state of a task is damaged. */
  spoil(id: TaskId): void {
    this.#damaged.add(id)
  }

  /** Something may be missing: nothing counts as merged, pruned or unreadable any more. */
  distrust(): void {
    this.vector.clear()
    this.forgotten.clear()
    this.unreadable.clear()
    this.#removed.clear()
  }

  /** What was removed after the last flush was not synced, and is back. */
  undoRemovals(): void {
    for (const [boot, upTo] of this.#removed) this.vector.set(boot, upTo)
    this.#removed.clear()
  }

  write(flush: Flush): void {
    this.#removed.clear()
    for (const task of flush.tasks) this.tasks.set(task.record.spec.id, task)
    for (const id of flush.removed) this.tasks.delete(id)
    for (const boot of succeededIn(this.vector, flush.vector)) {
      this.#removed.set(boot, this.vector.get(boot)!)
    }
    merge(this.vector, flush.vector)
    putSpans(this.forgotten, flush.forgotten)
    putSpans(this.unreadable, flush.unreadable ?? new Map())
    for (const [id, end] of flush.spent) {
      if (end === 0) this.spent.delete(id)
      else this.spent.set(id, end)
    }
    this.floor = flush.floor ?? this.floor
    for (const entry of flush.roster) this.roster.set(entry.name, entry)
    for (const member of flush.members) this.members.set(nodeOf(member.boot), member)
    for (const node of flush.dropped?.members ?? []) this.members.delete(node)
    for (const name of flush.dropped?.roster ?? []) this.roster.delete(name)
  }
}

/** What is said to be nothing is not kept. */
function putSpans<T>(
  kept: Map<BootId, readonly T[]>,
  said: ReadonlyMap<BootId, readonly T[]>
): void {
  for (const [boot, spans] of said) {
    if (spans.length === 0) kept.delete(boot)
    else kept.set(boot, spans)
  }
}
