/**
 * The time for the shell: the wall clock as it stood at the start of the process, moved on by the monotonic clock. It
 * never steps back and never jumps, whatever is done to the computer's clock meanwhile.
 */
import { clockMs } from '../core/base/hlc.ts'
import type { Clock } from './ports.ts'

export const systemClock: Clock = {
  now: () => clockMs(performance.timeOrigin + performance.now()),
  every: (ms, callback) => {
    const timer = setInterval(callback, ms)
    return () => clearInterval(timer)
  }
}
