/**
 * Silence is measured against what is known of each member's lateness.
 *
 * On a busy computer a node takes seconds for what takes milliseconds. Its heartbeats say how late it was of late; so
 * it may be silent for as much longer before anything follows from that. And a node that is late itself hears the
 * others late: it gives them the time that it takes itself. Each of the two counts up to 30 s: beyond, slow is as good
 * as gone.
 */
import { LAG_MS_MAX } from '../options.ts'

/**
 * Heartbeats of one member whose lag counts. Guess: two may be lost, and the lag that they tell of is of 15 s anyway.
 */
const WORDS_MAX = 4
/** Own words that are kept apart, when they were said and what they said. */
const SAID_MAX = 64

/** A member has said how late it was, or another passes it on. */
export function noteLag(lagsMs: number[], loopLagMs: number): void {
  lagsMs.push(loopLagMs)
  if (lagsMs.length > WORDS_MAX) lagsMs.shift()
}

type Said = Readonly<{ at: number; ms: number }>

export class Lateness {
  #ownMs = 0
  /** What this node has said of itself, oldest first. */
  readonly #said: Said[] = []

  /** How late this node was of late, in ms. */
  note(loopLagMs: number): void {
    this.#ownMs = Math.min(loopLagMs, LAG_MS_MAX)
  }

  get ownMs(): number {
    return this.#ownMs
  }

  /** For how much longer a member may be silent than one that is on time, heard by one that is on time. */
  of({ lagsMs }: Readonly<{ lagsMs: readonly number[] }>): number {
    return Math.min(Math.max(0, ...lagsMs), LAG_MS_MAX) + this.#ownMs
  }

  /** This node has told the others how late it was. */
  said(now: number, loopLagMs: number): void {
    this.#said.push({ at: now, ms: loopLagMs })
    if (this.#said.length <= SAID_MAX) return
    const [first, second] = this.#said.splice(0, 2) as [Said, Said]
    this.#said.unshift({ at: second.at, ms: Math.min(first.ms, second.ms) })
  }

  /**
   * What others are sure to make up for, if they have heard any one word of this node since then: the least that it has
   * said. What it said when nobody could hear it any more makes that no more, but may make it less.
   */
  leastSaidMs(since: number): number {
    const said = this.#said.filter(({ at }) => at >= since).map(({ ms }) => ms)
    return said.length === 0 ? 0 : Math.min(...said, LAG_MS_MAX)
  }
}
