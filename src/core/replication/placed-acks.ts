/**
 * Submissions whose task was placed with the flush that made it: the node that got the task keeps the copy that the
 * caller waits for.
 *
 * That node got the task outside the log, and writes it into its own notebook. So its first write about the task
 * acknowledges it, whatever the node has merged of our other writes; as a rule that write tells how the task has ended.
 * Should it say nothing for long, or be out of reach, our ack partner is asked for a copy.
 */
import { assert } from '../base/assert.ts'
import { nodeOf, type NodeId, type TaskId } from '../base/ids.ts'
import type { Entry } from '../log/entry.ts'
import type { Release, Waiting } from '../pending.ts'
import type { Dot } from '../task/record.ts'
import { judgementOf, type AwaitedAck, type CopiesView } from './ack-wait.ts'
import type { Disks } from './disks.ts'

/** A placement that has not been acknowledged for this long is late. Guess: twenty writes to a slow disk. */
export const PLACEMENT_ACK_MS_MAX = 500

type Placed = {
  readonly entry: Entry
  readonly ack: AwaitedAck
  readonly at: number
  /** Whether our ack partner has been asked for a copy. */
  asked: boolean
}

export type PlacedView = Omit<CopiesView, 'disks'> &
  Readonly<{
    /** Which of the others have one of these writes. */
    disks(writes: readonly Dot[]): Disks
    isLinked(node: NodeId): boolean
  }>

export class PlacedAcks {
  /** Few: no member is given more than it has slots for. */
  readonly #waiting = new Map<TaskId, Placed>()

  /** @param now since when the task is another node's */
  add(entry: Entry, ack: AwaitedAck, now: number): void {
    this.#waiting.set(entry.id, { entry, ack, at: now, asked: false })
  }

  has(id: TaskId): boolean {
    return this.#waiting.has(id)
  }

  get size(): number {
    return this.#waiting.size
  }

  /** The deadline of the one that has waited longest; infinite if nobody waits. */
  get firstDeadline(): number {
    let first = Infinity
    for (const { ack } of this.#waiting.values()) first = Math.min(first, ack.deadline)
    return first
  }

  /**
   * Releases everything that has its copies, or has waited long enough. Returns whether others are to be asked for
   * copies.
   */
  releaseDue(now: number, origin: Dot['origin'], view: PlacedView, release: Release): boolean {
    let isAsking = false
    for (const [id, placed] of this.#waiting) {
      const { entry, ack, at, asked } = placed
      if (ack.seq > view.durableUpTo) continue
      const disks = view.disks([{ origin, seq: ack.seq }, ...entry.lastWrites()])
      const { isEnough, short } = judgementOf(disks, ack.acks, view)
      if (isEnough || now >= ack.deadline) {
        this.#waiting.delete(id)
        release({ ...ack.pending, copies: disks.copies, short })
      } else if (!asked) {
        const isLost = !view.isLinked(nodeOf(entry.record.claim.holder))
        placed.asked = isLost || now - at >= PLACEMENT_ACK_MS_MAX
        isAsking ||= placed.asked
      }
    }
    return isAsking
  }

  assertInvariants(): void {
    for (const [id, { entry, ack }] of this.#waiting) {
      assert(entry.id === id, 'a wait is found by its task', id)
      assert(
        ack.acks === null || ack.acks === 1,
        'one copy is that of the node that has the task',
        id
      )
    }
  }

  /** What waits for copies of writes of this boot. */
  *pending(origin: Dot['origin']): Generator<Waiting> {
    for (const { ack } of this.#waiting.values()) {
      const { seq, acks, deadline, pending } = ack
      yield { pending, until: { on: 'copies', writes: [{ origin, seq }], acks, deadline } }
    }
  }
}
