/**
 * When it may be told how a task has ended: once that is on this disk and on another, of another computer if one is linked.
 *
 * Our own outcome has to be acknowledged. One that came from elsewhere was on its maker's disk before it was sent, so ours
 * is the second; but if the maker shares our computer, a third has to be elsewhere. Whoever waits for it does not wait until
 * a heartbeat says so: the outcome is written into our own notebook, with the flush that brings it to disk, and whoever
 * keeps copies of that acknowledges it at once.
 */
import type { BootId, TaskId } from './base/ids.ts'
import type { Context } from './context.ts'
import type { Flush } from './effect.ts'
import type { Entry } from './log/entry.ts'
import { canReachApart, disksWith } from './members/disks.ts'
import { isSettled, type Dot } from './task/record.ts'

/** Calls back when others have a write of a boot on disk. @param prompt whether somebody waits for that */
export type OnceCopied = (write: Dot, prompt: boolean, done: () => void) => void

export class Reporting {
  readonly #context: Context
  readonly #onceCopied: OnceCopied
  readonly #urge: () => void
  /** Tasks whose outcome, made elsewhere, is in our own notebook; and where. */
  readonly #vouched = new Map<TaskId, number>()

  /** @param urge what was written is waited for */
  constructor(context: Context, onceCopied: OnceCopied, urge: () => void) {
    this.#context = context
    this.#onceCopied = onceCopied
    this.#urge = urge
  }

  /** How a task has ended was taken in, and is not on disk yet. */
  merged(entry: Entry): void {
    if (entry.watched && !entry.reported && isSettled(entry.record) && !this.#isElsewhere(entry))
      this.#vouch(entry)
  }

  /** A task has been taken in outside the log, and what was new has been written into our own notebook. */
  taken(entry: Entry): void {
    const { self, log } = this.#context
    const { seq } = lastOf(entry.writes, self)
    if (isSettled(entry.record) && seq > 0 && seq === log.nextSeq - 1)
      this.#vouched.set(entry.id, seq)
  }

  /** Somebody begins to wait for an outcome that has not been told yet. */
  watched(entry: Entry): void {
    if (!entry.reportDue || entry.reported || this.#isElsewhere(entry)) return
    const seq = this.#vouch(entry)
    if (seq !== null) this.#await(entry, { origin: this.#context.self, seq }, true)
  }

  /** These have come to disk. */
  landed({ tasks }: Flush, entries: readonly Entry[]): void {
    entries.forEach((entry, i) => {
      const { record, writes } = tasks[i]!
      if (entry.removed) this.#vouched.delete(entry.id)
      if (entry.removed || entry.reportDue || !isSettled(record)) return
      entry.reportDue = true
      this.#settled(entry, record.outcome!.by, writes)
    })
  }

  #settled(entry: Entry, by: BootId, writes: readonly Dot[]): void {
    const { self } = this.#context
    const seq = this.#vouched.get(entry.id)
    this.#vouched.delete(entry.id)
    if (by === self) return this.#await(entry, lastOf(writes, self), entry.watched)
    if (this.#isElsewhere(entry)) return this.#report(entry)
    if (seq !== undefined) return this.#await(entry, { origin: self, seq }, entry.watched)
    const made = lastOf(writes, by)
    // Somebody has begun to wait while it was on its way to disk; or it came in somebody else's notebook only.
    if (entry.watched || made.seq === 0) this.watched(entry)
    else this.#await(entry, made, false)
  }

  /** Writes into our own notebook how a task has ended. Returns where; null if it is ours and stands there. */
  #vouch(entry: Entry): number | null {
    const { self, log } = this.#context
    if (entry.record.outcome!.by === self) return null
    const seq = log.nextSeq
    log.write(entry, {}, false)
    this.#urge()
    this.#vouched.set(entry.id, seq)
    return seq
  }

  #await(entry: Entry, write: Dot, prompt: boolean): void {
    this.#onceCopied(write, prompt, () => this.#report(entry))
  }

  #report(entry: Entry): void {
    this.#vouched.delete(entry.id)
    // Others may have forgotten it meanwhile, and this node with them.
    if (entry.removed || entry.reported) return
    entry.reported = true
    this.#context.emit({ kind: 'settled', taskId: entry.id })
  }

  /** Whether an outcome that was made elsewhere is where it has to be, but for our own disk. */
  #isElsewhere({ record, writes }: Entry): boolean {
    const { self, members, computer } = this.#context
    const { by } = record.outcome!
    if (by === self) return false
    if (!canReachApart(members, computer)) return true
    return disksWith(members, [lastOf(writes, by)], computer).isApart
  }
}

/** The last write of a boot among these. */
function lastOf(writes: readonly Dot[], origin: BootId): Dot {
  const seq = writes.reduce(
    (last, dot) => (dot.origin === origin ? Math.max(last, dot.seq) : last),
    0
  )
  return { origin, seq }
}
