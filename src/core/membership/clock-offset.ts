/**
 * Whose clock is wrong.
 *
 * Every heartbeat says what its sender's clock shows, and it is late by as long as it travelled and waited: never
 * early. So of the last few, the one that makes the sender's clock look furthest ahead is nearest to the truth. No
 * clock is right by itself; the middle one of all is taken for it, so that the node that is off is named, and not those
 * that notice. A node that is off itself goes by the middle one, so that what it stamps and when it starts things is
 * right for the others. Of two clocks either may be the wrong one: that takes three.
 */
import { CLOCK_MS_MAX, SKEW_MAX_US } from '../base/hlc.ts'
import type { Heartbeat } from '../message.ts'
import type { Member } from './member.ts'

/** Guess: ten seconds of heartbeats. A node that stood still hears as many late ones at once, and recovers as soon. */
const SAMPLES = 5
/** From here on its stamps are not adopted any more. */
export const SKEW_MS_MAX: number = SKEW_MAX_US / 1000

/** The middle wavers with every heartbeat; time that jumps to and fro would be worse than time that is a little off. */
const WAVER_MS = 1000
/** Clocks that it takes to tell which one is wrong. */
const CLOCKS_MIN = 3

/** A member has spoken itself. @param ownMs what our own wall clock shows */
export function noteClock(member: Member, { clockMs }: Heartbeat, ownMs: number): void {
  const offsets = member.clockOffsetsMs
  offsets.push(clockMs - Math.floor(ownMs))
  if (offsets.length > SAMPLES) offsets.shift()
}

/** Our own wall clock has been set forward: all others are as much less ahead of it. */
export function shiftClock({ clockOffsetsMs }: Readonly<Member>, stepMs: number): void {
  for (const [i, offsetMs] of clockOffsetsMs.entries()) {
    clockOffsetsMs[i] = offsetMs - Math.round(stepMs)
  }
}

/** How far a member's clock is ahead of ours, in ms; null if it has not spoken itself yet. */
export function clockOffsetOf({ clockOffsetsMs }: Readonly<Member>): number | null {
  return clockOffsetsMs.length === 0 ? null : Math.max(...clockOffsetsMs)
}

/** Members whose clocks are too far from the middle one, ours included, for their stamps to be adopted. */
export function skewed(members: readonly Member[]): Member[] {
  const offsets = members.map(clockOffsetOf)
  const middle = median([0, ...offsets.filter(offset => offset !== null)])
  return members.filter((_, i) => Math.abs((offsets[i] ?? middle) - middle) > SKEW_MS_MAX)
}

/** What a node knows of its own time when it looks at all clocks. Times are in ms. */
export type OwnTime = Readonly<{
  /** What its wall clock shows. */
  ownMs: number
  /** By how much that is corrected. */
  currentMs: number
  /** By how much it would have to be corrected for the time to go on as before. @default as much as it is */
  steadyMs?: number
  /** For how long what was heard last may have waited here: all clocks may seem to be behind by that. @default not at all */
  lateMs?: number
}>

/**
 * By how much our own clock has to be corrected, in ms: not at all, unless it is too far from the middle one. It may be
 * by decades, where a clock has lost its battery; but not to a time that no clock can show. Where half of the clocks
 * show one time and half another, it goes on as before.
 */
export function correctionOf(
  members: readonly Member[],
  { ownMs, currentMs, steadyMs = currentMs, lateMs = 0 }: OwnTime
): number {
  const offsets = [0, ...members.map(clockOffsetOf).filter(offset => offset !== null)]
  // A node that hears too few goes on as before.
  if (offsets.length < CLOCKS_MIN) return currentMs
  const [lower, upper] = middleOf(offsets)
  const heardMs = upper - lower > SKEW_MS_MAX ? steadyMs : (lower + upper) / 2
  const behindMs = steadyMs - heardMs
  const goesOn = behindMs >= -WAVER_MS && behindMs <= lateMs + WAVER_MS
  const middle = goesOn ? steadyMs : heardMs
  if (Math.abs(middle) <= SKEW_MS_MAX) return 0
  return Math.min(Math.max(middle, -ownMs), CLOCK_MS_MAX - ownMs)
}

/** Of an even number, halfway between the two in the middle: of two clocks, either may be the wrong one. */
function median(values: readonly number[]): number {
  const [lower, upper] = middleOf(values)
  return (lower + upper) / 2
}

/** The two in the middle: of an odd number, the same one twice. */
function middleOf(values: readonly number[]): readonly [lower: number, upper: number] {
  const sorted = values.toSorted((x, y) => x - y)
  const half = sorted.length / 2
  return [sorted[Math.ceil(half) - 1]!, sorted[Math.floor(half)]!]
}
