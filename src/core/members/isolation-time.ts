/**
 * How long a node works on alone that is told to stop then (`stopAfterIsolatedMs`), and how long others wait until it has.
 *
 * Each side counts from the last word that it heard of the other. Nothing says that these were said at the same time: words
 * come every other second, and may be lost. So the others wait for longer, by the silence that makes a member suspect.
 */

/** Nobody is alone before it would be suspect: until then a word may have been lost. */
export function worksAloneMs(stopAfterIsolatedMs: number, suspectMs: number): number {
  return Math.max(stopAfterIsolatedMs, suspectMs)
}

export function awaitedMs(stopAfterIsolatedMs: number, suspectMs: number): number {
  return worksAloneMs(stopAfterIsolatedMs, suspectMs) + suspectMs
}
