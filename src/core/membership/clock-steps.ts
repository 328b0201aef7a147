/**
 * The wall clock of this computer is set while the node runs: by its owner, by the network, or because the computer
 * comes back from somewhere where no clock ran.
 *
 * Nothing has lasted longer or shorter for that, so silences and timeouts go on by the monotonic clock. What is
 * stamped, scheduled and expires goes by the wall clock, and follows it; except where the others were gone by already,
 * or show that it was set wrong.
 */
import { SKEW_MAX_US } from '../base/hlc.ts'
import { wallMsAt, wholeMs, type Context } from '../context.ts'
import type { Input } from '../input.ts'
import { shiftClock } from './clock-offset.ts'

/** Reads the clocks at the beginning of a step. Returns by how much our wall clock has been set forward, in ms. */
export function readClocks(context: Context, now: number, input: Input): number {
  const stepMs = input.kind === 'clock' ? input.aheadMs - context.aheadMs : 0
  context.now = now
  if (stepMs !== 0) {
    context.aheadMs += stepMs
    // A node that goes by the others goes on by them: its own clock was off by that step more, or less.
    if (context.correctionMs !== 0) context.correctionMs -= stepMs
    for (const member of context.members.all()) shiftClock(member, stepMs)
  }
  context.wallMs = wholeMs(wallMsAt(now, context))
  // Less than that is what a hybrid clock is for: it goes on from its last stamp until the time has caught up with it.
  if (stepMs * 1000 < -SKEW_MAX_US) context.clock.setBack(context.wallMs)
  return stepMs
}
