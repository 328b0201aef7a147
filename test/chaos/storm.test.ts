/**
 * A storm of random mishaps over six real nodes on a LAN of three computers, and what was promised through it.
 *
 * `SEED=7` chooses the storm. `npm run soak -- chaos` raises one after the other.
 */
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { Lan, lanUnavailable } from '../lan/lan.ts'
import { ChaosCluster } from './cluster.ts'
import { broken } from './history.ts'
import { Storm } from './storm.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`storms over a LAN are skipped: ${unavailable}`)

const seed = Number(process.env['SEED'] ?? 1)
const STORM_MS = 25_000
const TEST_MS_MAX = 300_000

describe.skipIf(unavailable !== null)('six nodes in a storm', () => {
  let lan: Lan
  let cluster: ChaosCluster

  beforeAll(async () => {
    lan = await Lan.up()
    cluster = await ChaosCluster.start(lan)
  })
  afterAll(async () => {
    await cluster?.down()
    await lan?.down()
  })

  test(
    'lose nothing that was accepted, name one outcome, and run a task twice only where they could not hear each other',
    async () => {
      const storm = new Storm(cluster, lan, seed)
      onTestFailed(() => console.error(`SEED=${seed}\n${storm.log.join('\n')}\n${cluster.stderr}`))
      const history = await storm.rage(STORM_MS)
      expect(broken(history)).toEqual([])
      expect(history.accepted.size).toBeGreaterThan(100)
      console.log(`${history.accepted.size} tasks, ${history.runs.length} runs: ${summary(storm)}`)
    },
    TEST_MS_MAX
  )
})

function summary({ log }: Storm): string {
  const kinds = Map.groupBy(log, line => line.split(' ')[1])
  return [...kinds].map(([kind, lines]) => `${lines.length} ${kind}`).join(', ')
}
