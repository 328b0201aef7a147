/**
 * The fuzzer for a number of minutes: seed after seed into simulated nodes, and after each dozen of them a stranger
 * that goes round the doors of real ones. Prints what a failure takes, and how to see it again.
 */
import { DOORS, fuzzDoors } from '../fuzz/doors/fuzzing-doors.ts'
import { fuzz } from '../fuzz/fuzzing.ts'
import { failureOf } from '../fuzz/reporting.ts'

export type FuzzTrial = Readonly<{
  minutes: number
  from: number
  /** Only this one. */
  seed: number | undefined
  /** Only there; `core`: straight into simulated nodes. */
  door: string | undefined
}>

/** What can be fuzzed. */
export const FUZZED: readonly string[] = ['core', ...DOORS]

const SEEDS_PER_ROUND = 12
const DOORS_MS = 30_000

/** Returns whether nothing went wrong. */
export async function fuzzing({ minutes, from, seed, door }: FuzzTrial): Promise<boolean> {
  const startedAt = performance.now()
  const isOver = (): boolean => performance.now() - startedAt >= minutes * 60_000
  let failures = 0
  let messages = 0
  let next = seed ?? from
  for (;;) {
    for (let n = 0; n < SEEDS_PER_ROUND && isInCore(door) && !isOver(); n++) {
      const report = fuzz(next)
      messages += report.injections.length
      if (!isGood(failureOf(report))) failures++
      if (seed !== undefined) break
      next++
    }
    if (door !== 'core') {
      const doors = door === undefined ? DOORS : [door]
      const { failure, visits } = await fuzzDoors({ seed: next, ms: DOORS_MS, doors })
      messages += [...visits.values()].reduce((sum, count) => sum + count, 0)
      if (!isGood(failure)) failures++
      next++
      console.log(`up to seed ${next - 1}: ${messages} messages and visits, ${failures} failures`)
    }
    if (seed !== undefined || isOver()) break
  }
  console.log(`${messages} messages and visits, ${failures} failures`)
  return failures === 0
}

function isInCore(door: string | undefined): boolean {
  return door === undefined || door === 'core'
}

function isGood(failure: string | null): boolean {
  if (failure !== null) console.log(failure)
  return failure === null
}
