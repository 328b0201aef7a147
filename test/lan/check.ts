/** How tests that share one cluster are written: if one fails, what all nodes have said is printed. */
import { onTestFailed, test } from 'vitest'
import type { ChaosCluster } from '../chaos/cluster.ts'

/** Of one test, in ms. */
export const TEST_MS_MAX = 120_000

/** @param cluster what there is of it when a test runs */
export function checkOf(
  cluster: () => ChaosCluster
): (rule: string, body: () => Promise<void>) => void {
  return (rule, body) => {
    test(
      rule,
      async () => {
        onTestFailed(() => console.error(cluster().stderr))
        await body()
      },
      TEST_MS_MAX
    )
  }
}
