/**
 * Whose clock is wrong.
 *
 * Every heartbeat says what its sender's clock shows, and it is late by as long as it travelled and waited: never early.
 * So of the last few, the one that makes the sender's clock look furthest ahead is nearest to the truth. No clock is right
 * by itself; the middle one of all is taken for it, so that whoever is off is named, and not those who notice.
 */
import { SKEW_MAX_US } from '../base/hlc.ts'
import type { Heartbeat } from '../message.ts'
import type { Member } from './member.ts'

/** Guess: ten seconds of heartbeats. A node that stood still hears as many late ones at once, and recovers as soon. */
const SAMPLES = 5
/** From here on its stamps are not adopted any more. */
const SKEW_MS_MAX = SKEW_MAX_US / 1000

/** A member has spoken itself. */
export function noteClock(member: Member, { clockMs }: Heartbeat, now: number): void {
  const offsets = member.clockOffsetsMs
  offsets.push(clockMs - Math.floor(now))
  if (offsets.length > SAMPLES) offsets.shift()
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

/** Of an even number, halfway between the two in the middle: of two clocks, either may be the wrong one. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y)
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
}
