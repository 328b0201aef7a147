/**
 * When it may be told how a task has ended: once that is on this disk and on another, of another computer if one is
 * linked.
 *
 * Our own outcome has to be acknowledged. One that came from elsewhere was on its maker's disk before it was sent, so
 * ours is the second; but if the maker shares our computer, a third has to be elsewhere. A caller does not wait until a
 * heartbeat says so: the outcome is written into our own notebook, with the flush that brings it to disk, and our ack
 * partner acknowledges that at once.
 *
 * A large result was on another disk before the outcome was written, unless no other node was there. One may have come
 * since, so the outcome is not told before that one has the result, too; nor, if one has come while that was waited for,
 * before it has the outcome.
 */
import { assert } from '../base/assert.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Flush } from '../effect.ts'
import type { Entry } from '../log/entry.ts'
import { judgementOf } from './ack-wait.ts'
import { canReachApart, disksWith } from './disks.ts'
import type { PendingOf } from '../pending.ts'
import { isBlob } from '../task/content.ts'
import { isSettled, type Dot, type Outcome } from '../task/record.ts'

/** An outcome that is not ours, and the last write of its maker that was known when it came in another's notebook. */
type Heard = Readonly<{ outcome: Outcome; before: number }>

type Report = PendingOf<'report'>

/** To be released when others have a write of a boot on disk. @param prompt whether a caller waits for that */
type OnceCopied = (write: Dot, report: Report, prompt: boolean) => void

export class OutcomeReports {
  readonly #context: Context
  readonly #onceCopied: OnceCopied
  readonly #urge: () => void
  /** Tasks whose outcome, made elsewhere, is in our own notebook; and where. */
  readonly #vouched = new Map<TaskId, number>()
  /** Tasks whose outcome, made elsewhere, has not been reported. */
  readonly #heard = new Map<TaskId, Heard>()

  /** @param urge what was written is waited for */
  constructor(context: Context, onceCopied: OnceCopied, urge: () => void) {
    this.#context = context
    this.#onceCopied = onceCopied
    this.#urge = urge
  }

  /** How a task has ended was taken in, and is not on disk yet. @param origin in whose notebook it stood */
  merged(entry: Entry, origin: BootId): void {
    if (entry.reported || !isSettled(entry.record)) return
    this.#note(entry, origin)
    if (entry.watched && !this.#isElsewhere(entry)) this.#vouch(entry)
  }

  /** A task has been taken in outside the log, and what was new has been written into our own notebook. */
  taken(entry: Entry): void {
    const { self, log } = this.#context
    const { seq } = lastOf(entry.writes, self)
    if (entry.reported || !isSettled(entry.record)) return
    this.#note(entry, null)
    if (seq > 0 && seq === log.nextSeq - 1) this.#vouched.set(entry.id, seq)
  }

  /** A caller begins to wait for an outcome that has not been told yet. */
  watched(entry: Entry): void {
    if (!entry.reportDue || entry.reported || !isSettled(entry.record)) return
    if (this.#isElsewhere(entry)) return
    const seq = this.#vouch(entry)
    if (seq !== null) this.#await(entry, { origin: this.#context.self, seq }, true)
  }

  /** These have come to disk. */
  landed({ tasks }: Flush, entries: readonly Entry[]): void {
    entries.forEach((entry, i) => {
      if (entry.removed) this.forget(entry.id)
      else if (!entry.reportDue && entry.record.outcome === tasks[i]!.record.outcome) {
        this.#settled(entry)
      }
    })
  }

  assertInvariants(): void {
    const { log } = this.#context
    for (const id of [...this.#vouched.keys(), ...this.#heard.keys()]) {
      const entry = log.get(id)
      assert(entry !== undefined, 'a task whose outcome is to be reported is here', id)
      assert(!entry.reported, 'what was reported is waited for no more', id)
    }
  }

  /** If it has settled, and that is on disk: reports it as soon as it is where it has to be. */
  #settled(entry: Entry): void {
    const { self } = this.#context
    const { record, writes, watched } = entry
    if (!isSettled(record)) return
    entry.reportDue = true
    const seq = this.#vouched.get(entry.id)
    this.#vouched.delete(entry.id)
    if (record.outcome!.by === self) return this.#await(entry, lastOf(writes, self), watched)
    if (this.#isElsewhere(entry)) return this.#report(entry)
    if (seq !== undefined) return this.#await(entry, { origin: self, seq }, watched)
    const made = this.#madeBy(entry)
    // A caller has begun to wait while it was on its way to disk; or it came in another's notebook only.
    if (watched || made.seq === 0) this.watched(entry)
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

  #await(entry: Entry, write: Dot, prompt: boolean, since: number = this.#context.now): void {
    const outcome = entry.record.outcome!
    const { result, by } = outcome
    const blob = by === this.#context.self && isBlob(result) ? result : null
    this.#onceCopied(write, { kind: 'report', taskId: entry.id, outcome, blob, since }, prompt)
  }

  /** An outcome is where it has to be, or was when its large result was not. */
  report({ taskId, outcome, since }: Report): void {
    const entry = this.#context.log.get(taskId)
    // Others may have forgotten it meanwhile, and this node with them.
    if (entry === undefined) return this.forget(taskId)
    if (!entry.reported && entry.record.outcome !== outcome) return this.#replaced(entry)
    if (entry.reported || !this.#isOvertaken(entry, outcome, since)) return this.#report(entry)
    this.#await(entry, lastOf(entry.writes, this.#context.self), entry.watched, since)
  }

  /** Whether a node has come while the large result was waited for that has to have the outcome as well. */
  #isOvertaken({ writes }: Entry, { by, result }: Outcome, since: number): boolean {
    const { self, members, computer, now, options } = this.#context
    if (by !== self || !isBlob(result) || now - since >= options.acksTimeoutMs) return false
    const apart = canReachApart(members, computer)
    const reachable = { others: members.linked().length, apart }
    const disks = disksWith(members, [lastOf(writes, self)], computer)
    return !judgementOf(disks, null, reachable).isEnough
  }

  /**
   * What was waited for is not how the task has ended any more: that is another one, which has to be elsewhere as well.
   */
  #replaced(entry: Entry): void {
    entry.reportDue = false
    if (entry.durable?.outcome === entry.record.outcome) this.#settled(entry)
  }

  #report(entry: Entry): void {
    if (entry.reported) return this.forget(entry.id)
    // It had failed, and a node has claimed it anew: it is told when it has settled again.
    if (!isSettled(entry.record)) return void (entry.reportDue = false)
    this.forget(entry.id)
    entry.reported = true
    this.#context.emit({ kind: 'settled', taskId: entry.id })
  }

  /** The task has been reported, or pruned. */
  forget(id: TaskId): void {
    this.#vouched.delete(id)
    this.#heard.delete(id)
  }

  /** @param origin in whose notebook the outcome stood, or null: in none */
  #note({ id, record, writes }: Entry, origin: BootId | null): void {
    const outcome = record.outcome!
    if (outcome.by === this.#context.self || this.#heard.get(id)?.outcome === outcome) return
    const before = origin === outcome.by ? 0 : lastOf(writes, outcome.by).seq
    this.#heard.set(id, { outcome, before })
  }

  /**
   * The write of its maker that holds an outcome; 0 if that is not known. What the maker wrote before, as that it had
   * begun, many have who do not know how it ended.
   */
  #madeBy({ id, record, writes }: Entry): Dot {
    const { by } = record.outcome!
    const heard = this.#heard.get(id)
    const made = lastOf(writes, by)
    const isKnown = heard?.outcome === record.outcome && made.seq > heard.before
    return isKnown ? made : { origin: by, seq: 0 }
  }

  /** Whether an outcome that was made elsewhere is where it has to be, but for our own disk. */
  #isElsewhere(entry: Entry): boolean {
    const { self, members, computer } = this.#context
    if (entry.record.outcome!.by === self) return false
    if (!canReachApart(members, computer)) return true
    return disksWith(members, [this.#madeBy(entry)], computer).isApart
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
