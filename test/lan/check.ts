/**
 * How tests that share one cluster on a LAN are written: it is there before the first of them and gone after the last,
 * and if one fails, what all nodes have said is printed.
 */
import { afterAll, beforeAll, beforeEach, onTestFailed, test } from 'vitest'
import { ChaosCluster, type ChaosOptions } from '../chaos/cluster.ts'
import { Onlooker } from '../chaos/onlooker.ts'
import { Lan } from './lan.ts'

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

/** One cluster on one LAN, and who looks at it. */
export type OnLan = Readonly<{ lan: Lan; cluster: ChaosCluster; look: Onlooker }>

/**
 * The tests of this block share a cluster.
 *
 * @param use called when it is there
 */
export function sharedOnLan(use: (there: OnLan) => void, options: ChaosOptions = {}): void {
  let lan: Lan | undefined
  let cluster: ChaosCluster | undefined
  beforeAll(async () => {
    lan = await Lan.up()
    cluster = await ChaosCluster.start(lan, options)
    use({ lan, cluster, look: new Onlooker(cluster) })
  })
  afterAll(async () => {
    await cluster?.down()
    await lan?.down()
  })
}

/** Each test of this block begins with all nodes in one LAN: one that failed must not fail the others. */
export function healedOnLan(there: () => Pick<OnLan, 'lan' | 'cluster'>): void {
  beforeEach(async () => {
    const { lan, cluster } = there()
    await lan.heal()
    await cluster.startAll()
  })
}
