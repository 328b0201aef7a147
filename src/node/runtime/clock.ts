/**
 * The time for the shell, by two clocks: one for how long things last, and the computer's own for what time it is.
 *
 * The first begins with the time at the start of the process and moves on by the monotonic clock, so that it never
 * steps back and does not jump when the other one is set. On Linux the monotonic clock stands still while the computer
 * sleeps; what it missed is made up for by the time since the computer was switched on, so that a node which slept
 * knows that.
 */
import { uptime } from 'node:os'
import { clockMs } from '../../core/base/hlc.ts'
import type { Clock } from '../../ports/ports.ts'

/** Where the time comes from, in ms. */
export type Sources = Readonly<{
  /** Since 1970, as it stood at the start of the process; not set since. */
  monotonic: () => number
  /** Since 1970, as the computer's clock shows it. */
  wall: () => number
  /** Since the computer was switched on, its sleep included. */
  up: () => number
}>

/**
 * Less is no step. Two clocks are never read at the same moment: a thread that has used up its share of a core waits
 * for up to 100 ms between the two (the period of the kernel's bandwidth control).
 */
const STEP_MS = 100
/** A shorter sleep is nothing to make up for. The time since the start comes in whole seconds on some systems. */
const SLEEP_MS = 2000

const SYSTEM: Sources = {
  monotonic: () => performance.timeOrigin + performance.now(),
  wall: () => Date.now(),
  up: () => uptime() * 1000
}

export function clockOf({ monotonic, wall, up }: Sources): Pick<Clock, 'now' | 'aheadMs'> {
  const upBefore = up() - monotonic()
  let sleptMs = 0
  let aheadMs = 0
  const now = (): number => clockMs(monotonic() + sleptMs)
  /** Too much if the thread had to wait between the two, and never too little. */
  const stepMs = (): number => -now() + clockMs(wall()) - aheadMs
  const look = (): void => {
    if (Math.abs(stepMs()) < STEP_MS) return
    const asleepMs = up() - monotonic() - upBefore - sleptMs
    if (asleepMs >= SLEEP_MS) sleptMs += asleepMs
    const ms = Math.min(stepMs(), stepMs())
    if (Math.abs(ms) >= STEP_MS) aheadMs += ms
  }
  return {
    now() {
      look()
      return now()
    },
    aheadMs() {
      look()
      return aheadMs
    }
  }
}

export const systemClock: Clock = {
  ...clockOf(SYSTEM),
  every: (ms, callback) => {
    const timer = setInterval(callback, ms)
    return () => clearInterval(timer)
  }
}

/** What the computer's clock shows, in ms since 1970: for what people read. */
export function wallMsOf(clock: Pick<Clock, 'now' | 'aheadMs'>): number {
  return clock.now() + clock.aheadMs()
}
