/**
 * Silence is measured against what is known of everybody's lateness.
 *
 * On a busy computer a node takes seconds for what takes milliseconds. Its heartbeats say how late it was of late; so it may
 * be silent for as much longer before anything follows from that. And a node that is late itself hears the others late: it
 * gives them the time that it takes itself. Each of the two counts up to `lagMsMax`: beyond, slow is as good as gone.
 */
import type { Heartbeat } from '../message.ts'

/** Heartbeats of one member whose lag counts. Guess: two may be lost, and the lag that they tell of is of 15 s anyway. */
const WORDS_MAX = 4
/** Own words that are kept apart, when they were said and what they said. */
const SAID_MAX = 64

/** What a member said last of its own lateness, oldest first. */
export type Lags = { at: number; readonly ms: number[] }

/** A member has said something, or somebody passes it on. */
export function noteLag(lags: Lags, { at, loopLagMs }: Heartbeat): void {
  if (at <= lags.at) return
  lags.at = at
  lags.ms.push(loopLagMs)
  if (lags.ms.length > WORDS_MAX) lags.ms.shift()
}

/** Another boot of it speaks. */
export function forgetLags(lags: Lags): void {
  lags.at = Number.NEGATIVE_INFINITY
  lags.ms.length = 0
}

export class Lateness {
  readonly #lagMsMax: number
  #ownMs = 0
  /** What this node has said of itself, oldest first. */
  #said: { at: number; ms: number }[] = []

  /** @param lagMsMax no more than this is made up for, in ms */
  constructor(lagMsMax: number) {
    this.#lagMsMax = lagMsMax
  }

  /** How late this node was of late, in ms. */
  note(loopLagMs: number): void {
    this.#ownMs = Math.min(loopLagMs, this.#lagMsMax)
  }

  get ownMs(): number {
    return this.#ownMs
  }

  /** For how much longer a member may be silent than one that is on time, heard by one that is on time. */
  of({ lags }: Readonly<{ lags: Lags }>): number {
    return Math.min(Math.max(0, ...lags.ms), this.#lagMsMax) + this.#ownMs
  }

  /** This node has told the others how late it was. */
  said(now: number, loopLagMs: number): void {
    this.#said.push({ at: now, ms: loopLagMs })
    if (this.#said.length <= SAID_MAX) return
    const [first, second] = this.#said.splice(0, 2) as [
      { at: number; ms: number },
      { at: number; ms: number }
    ]
    this.#said.unshift({ at: second.at, ms: Math.min(first.ms, second.ms) })
  }

  /**
   * What others are sure to make up for, if they have heard any one word of this node since then: the least that it has
   * said. What it said when nobody could hear it any more makes that no more, but may make it less.
   */
  leastSaidMs(since: number): number {
    const said = this.#said.filter(({ at }) => at >= since).map(({ ms }) => ms)
    return said.length === 0 ? 0 : Math.min(...said, this.#lagMsMax)
  }
}
