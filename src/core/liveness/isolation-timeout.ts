/**
 * How long a node works on alone that is told to stop then (`stopAfterIsolatedMs`), and how long others wait until it
 * has.
 *
 * Each side counts from the last word that it heard of the other. Nothing says that these were said at the same time:
 * words come every other second, and may be lost. So the others wait for longer, by the silence that makes a member
 * suspect.
 *
 * A cut may also shift: those who have not heard a member for long meet others who have, and are a majority with them.
 * So a member that is met is told at once of all that are waited for, and waits for them as if it had heard them just
 * then.
 */
import type { Heartbeat } from '../message.ts'
import type { CoreOptions } from '../options.ts'

/** Nobody is alone before it would be suspect: until then a word may have been lost. */
export function worksAloneMs(stopAfterIsolatedMs: number, suspectMs: number): number {
  return Math.max(stopAfterIsolatedMs, suspectMs)
}

/** For how long a silent member may work on. @param lateMs by how much its silence may be longer (lateness.ts) */
export function awaitedMs(
  { stopAfterIsolatedMs: alone }: Pick<Heartbeat, 'stopAfterIsolatedMs'>,
  { suspectMs, unreachableMs }: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>,
  lateMs: number
): number {
  if (alone === null) return unreachableMs + lateMs
  return Math.max(unreachableMs, worksAloneMs(alone, suspectMs) + suspectMs) + lateMs
}
