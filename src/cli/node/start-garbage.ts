/**
 * What a start leaves behind: a dozen MiB that are of no use to a node any more.
 *
 * V8 gives memory back by itself when little is allocated for a while. It measures that between two collections, and a
 * node that has nothing to do has none: V8 goes on believing in the rate of the start for minutes (measured). A
 * collection of the young objects alone, 2 ms, shows it the rate of now. What follows is V8's own, in small steps beside
 * the work.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** By then what comes with a start is over: others have been met. Before V8 looks for the first time, which takes 8 s. */
const AFTER_MS = 1000

/** Has the memory of the start given back, in a while. */
export function giveBackSoon(): void {
  setTimeout(collectYoung, AFTER_MS).unref()
}

function collectYoung(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
  // A thread made from here on would find it among its globals.
  setFlagsFromString('--no-expose-gc')
  collect({ type: 'minor' })
}
