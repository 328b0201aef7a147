/**
 * Waits until others have a write of one boot on disk.
 *
 * A submission is acknowledged, and a result reported, when the write that made it is on our disk and on those of as
 * many others as `acks` says, one of them on another computer if one is linked. Writes are numbered and acknowledged in
 * order, so those that ask for the same number of copies form a queue, of which only the head is ever looked at.
 */
import { assert } from '../base/assert.ts'
import type { BootId } from '../base/ids.ts'
import type { OnceCopied, Release, Waiting } from '../pending.ts'
import type { Disks } from './disks.ts'

export type AwaitedAck = Readonly<{
  /** The write of the boot that has to be elsewhere. */
  seq: number
  /** How many others must have it. Null: one, if there is any other member. */
  acks: number | null
  /** Whether a caller would notice if it took a moment longer. */
  prompt: boolean
  /** When to stop waiting. Later waits end later. */
  deadline: number
  /** What is due then. */
  pending: OnceCopied
}>

type Reachable = Readonly<{
  /** How many other members can be reached. */
  others: number
  /** Whether one of them is on another computer. */
  apart: boolean
}>

export type CopiesView = Reachable &
  Readonly<{
    /** Up to which write of the boot our own disk has all. */
    durableUpTo: number
    /** Which of the others have the write. */
    disks(seq: number): Disks
  }>

/**
 * Whether these disks are as many as the caller asked for, one of them on another computer if one is linked; and
 * whether fewer than that are worth a word, where they are not waited for any more.
 */
export function judgementOf(
  { copies, isApart }: Disks,
  acks: number | null,
  { others, apart }: Reachable
): Readonly<{ isEnough: boolean; short: boolean }> {
  const wanted = acks ?? Math.min(1, others)
  const isTogether = wanted > 0 && apart && !isApart
  return {
    isEnough: copies >= wanted && !isTogether,
    short: isTogether || copies < (acks ?? 1)
  }
}

/** How much waits for the disk and for copies: where it is much, callers with more to write are asked to wait. */
export type Backlog = Readonly<{
  /** Writes of this boot that are not on its disk yet. */
  unflushed: number
  /** Submissions and results that wait for a copy elsewhere, where there is a member to make one. */
  awaited: number
  /** How long the first of those submissions and results has waited, in ms. */
  awaitedMs: number
}>

export class AckWait {
  readonly #queues = new Map<number | null, AwaitedAck[]>()
  #prompt = 0

  add(waiting: AwaitedAck): void {
    if (waiting.prompt) this.#prompt++
    const queue = this.#queues.get(waiting.acks)
    if (queue === undefined) this.#queues.set(waiting.acks, [waiting])
    else queue.push(waiting)
  }

  /** Takes back one that has just been added, if it asks for one copy: another place is found for that. */
  withdraw(seq: number): AwaitedAck | undefined {
    for (const [acks, queue] of this.#queues) {
      if (acks !== null && acks !== 1) continue
      const at = queue.findLastIndex(waiting => waiting.seq === seq)
      if (at < 0) continue
      const [waiting] = queue.splice(at, 1)
      if (queue.length === 0) this.#queues.delete(acks)
      if (waiting!.prompt) this.#prompt--
      return waiting
    }
    return undefined
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0
  }

  /** Whether a caller waits for a copy. */
  get areAwaited(): boolean {
    return this.#prompt > 0
  }

  /** How many of the waits a caller would notice. */
  get awaited(): number {
    return this.#prompt
  }

  /** The deadline of the one that has waited longest; null if nobody waits. */
  get firstDeadline(): number | null {
    const first = Math.min(...[...this.#queues.values()].map(([head]) => head!.deadline))
    return Number.isFinite(first) ? first : null
  }

  assertInvariants(): void {
    let prompt = 0
    for (const [acks, queue] of this.#queues) {
      assert(queue.length > 0, 'no queue is kept in which nothing waits', acks)
      let last = Number.NEGATIVE_INFINITY
      for (const waiting of queue) {
        assert(waiting.acks === acks, 'a wait is in the queue for as many copies', waiting.seq)
        assert(last <= waiting.deadline, 'later waits end later', waiting.seq)
        last = waiting.deadline
        if (waiting.prompt) prompt++
      }
    }
    assert(prompt === this.#prompt, 'waits that a caller would notice are counted')
  }

  /** Releases everything that has its copies, or has waited long enough. */
  releaseDue(now: number, view: CopiesView, release: Release): void {
    for (const [acks, queue] of this.#queues) {
      let released = 0
      for (const waiting of queue) {
        if (waiting.seq > view.durableUpTo) break
        const disks = view.disks(waiting.seq)
        const { isEnough, short } = judgementOf(disks, acks, view)
        if (!isEnough && now < waiting.deadline) break
        released++
        if (waiting.prompt) this.#prompt--
        release({ ...waiting.pending, copies: disks.copies, short })
      }
      queue.splice(0, released)
      if (queue.length === 0) this.#queues.delete(acks)
    }
  }

  /** What waits for copies of writes of this boot. */
  *pending(origin: BootId): Generator<Waiting> {
    for (const { seq, acks, deadline, pending } of [...this.#queues.values()].flat()) {
      yield { pending, until: { on: 'copies', writes: [{ origin, seq }], acks, deadline } }
    }
  }
}
