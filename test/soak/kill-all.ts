/** The rounds of test/chaos/kill-all.test.ts, as many as are asked for. */
import { runTests } from './tests.ts'

export function killAll(rounds: number): Promise<boolean> {
  const only = ['test/chaos/kill-all.test.ts', '-t', 'all six killed']
  return runTests(only, { CHAOS_ROUNDS: String(rounds) })
}
