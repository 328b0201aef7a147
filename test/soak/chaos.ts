/** Storms over six real nodes on a LAN (test/chaos/storm.test.ts), one seed after the other, each over a cluster of its own. */
import { lanUnavailable } from '../lan/lan.ts'
import { runTests } from './tests.ts'

const STORM = 'test/chaos/storm.test.ts'

export async function chaos(minutes: number, from: number): Promise<boolean> {
  const unavailable = lanUnavailable()
  if (unavailable !== null) {
    console.error(unavailable)
    return false
  }
  const endAt = performance.now() + minutes * 60_000
  const failed: number[] = []
  let seed = from
  for (; performance.now() < endAt; seed++) {
    if (!(await runTests([STORM], { SEED: String(seed) }))) failed.push(seed)
  }
  console.log(`${seed - from} storms, seeds ${from} to ${seed - 1}: ${failed.length} failed`)
  for (const bad of failed) console.log(`again: SEED=${bad} npm test -- ${STORM}`)
  return failed.length === 0
}
