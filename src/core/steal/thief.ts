/**
 * The side of stealing that asks, for one pool: when, whom, and for how much.
 *
 * Every replica knows who holds what, so a thief does not ask around: it asks the holder with the longest queue of
 * tasks that it can run. One question at a time for each pool, so that none waits for the other. A holder that had nothing (its queue is on the way to another node) is
 * left alone for a moment, unless its queue is seen to grow; one that did not answer, however its queue grows: that of
 * a slow one does, and a thief that asked no other would idle beside all of them.
 */
import type { BootId } from '../base/ids.ts'
import { nodeOf } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import type { CoreOptions } from '../options.ts'

export type Queue = Readonly<{ holder: BootId; ready: number }>

type Asked = { count: number }

type Question = { request: number; holder: BootId; askedAt: number; ready: number }

/** Until an answer has come. Guess: two writes to a disk. */
const TRIP_MS = 10
/** Weight of the newest answer. Guess: forgets a change within about ten answers. */
const TRIP_WEIGHT = 0.2

export class Thief {
  readonly #self: BootId
  readonly #options: CoreOptions
  readonly #asked: Asked
  #open: Question | null = null
  /** How long an answer takes, as a moving average: a busy holder has its disk to wait for. */
  #tripMs = TRIP_MS
  /**
   * Holders that had nothing or did not answer, until when they are left alone, and how long their queue seemed then.
   */
  readonly #paused = new Map<BootId, { until: number; ready: number }>()

  /** @param asked how many questions there have been: those of other pools count as well, so that each has its number */
  constructor(self: BootId, options: CoreOptions, asked: Asked) {
    this.#asked = asked
    this.#self = self
    this.#options = options
  }

  /**
   * How many tasks to have at hand, running or ready, to be busy until more can arrive.
   *
   * @param expectedMs for how long one takes a slot, if known: without it, nothing is taken ahead
   */
  wanted(slots: number, expectedMs: number | undefined): number {
    if (expectedMs === undefined) return slots
    const ahead = Math.floor((slots * this.#aheadMs) / Math.max(expectedMs, 0.01))
    return Math.max(slots, Math.min(slots + ahead, this.#options.stealMax))
  }

  /** Whether no question is open. One without an answer is given up after a while. */
  mayAsk(now: number): boolean {
    return this.#open === null || now - this.#open.askedAt >= this.#options.stealTimeoutMs
  }

  /** Whether the last question has not been answered. */
  get isWaiting(): boolean {
    return this.#open !== null
  }

  /** Whom to ask now, if any. The question then counts as asked; one that is still open has been given up. */
  ask(now: number, queues: readonly Queue[]): { request: number; holder: BootId } | null {
    if (this.#open !== null) this.#pause(now, { ...this.#open, ready: Infinity })
    this.#open = null
    let best: Queue | null = null
    for (const queue of queues) {
      const pause = this.#paused.get(queue.holder)
      if (pause !== undefined) {
        if (now < pause.until && queue.ready <= pause.ready) continue
        this.#paused.delete(queue.holder)
      }
      if (best === null || this.#before(queue, best)) best = queue
    }
    if (best === null) return null
    const request = ++this.#asked.count
    this.#open = { request, holder: best.holder, askedAt: now, ready: best.ready }
    return { request, holder: best.holder }
  }

  /**
   * The answer to a question has come. An answer to an older one is no answer to the open one. Returns whether it was
   * one.
   */
  answered(now: number, holder: BootId, request: number, count: number): boolean {
    const question = this.#open
    if (question === null || question.holder !== holder || question.request !== request) {
      return false
    }
    this.#open = null
    this.#tripMs += TRIP_WEIGHT * (now - question.askedAt - this.#tripMs)
    if (count === 0) this.#pause(now, question)
    return true
  }

  /** Work to take beyond the free slots, in time of a slot. */
  get #aheadMs(): number {
    const { stealAheadTrips, stealAheadMsMin, stealAheadMsMax } = this.#options
    return Math.min(Math.max(stealAheadTrips * this.#tripMs, stealAheadMsMin), stealAheadMsMax)
  }

  #pause(now: number, { holder, ready }: Question): void {
    for (const [other, { until }] of this.#paused) if (until <= now) this.#paused.delete(other)
    this.#paused.set(holder, { until: now + this.#options.stealPauseMs, ready })
  }

  /** Longest queue first; equal ones in an order that differs from thief to thief, so that they spread. */
  #before(x: Queue, y: Queue): boolean {
    if (x.ready !== y.ready) return x.ready > y.ready
    return (
      rendezvousWeight(this.#self, nodeOf(x.holder)) >
      rendezvousWeight(this.#self, nodeOf(y.holder))
    )
  }
}
