/**
 * Real processes on two computers, as far as their names say: both nodes of one are killed, and their folders deleted, right
 * after one of them has acknowledged a task, or reported a result. Nothing of that is missing, large payloads and results
 * included.
 */
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { ChaosCluster } from './cluster.ts'

const [FIRST, SECOND, OTHER] = [0, 1, 2] as const
const LARGE = 'x'.repeat(20_000)
const TEST_MS_MAX = 150_000
const SETTLE_MS_MAX = 60_000

let cluster: ChaosCluster

beforeAll(async () => {
  cluster = await ChaosCluster.start(null, { places: ['a', 'a', 'b', 'b'], named: true })
}, TEST_MS_MAX)
afterAll(() => cluster?.down())

/** The power of one computer fails, and its disks are gone. */
async function loseComputer(): Promise<void> {
  await cluster.kill(FIRST, SECOND)
  for (const place of [FIRST, SECOND]) await cluster.loseDisk(place)
}

describe('a computer that is lost right after one of its nodes', () => {
  test(
    'has accepted tasks: they are there, and complete',
    async () => {
      onTestFailed(() => console.error(cluster.stderr))
      const client = await cluster.client(FIRST)
      const submitted = [LARGE, 'small'].map(text => client.submit('echo', { text, ms: 500 }))
      const accepted = await Promise.all(submitted)
      await loseComputer()
      expect(accepted.map(({ acks, warnings }) => [acks > 0, warnings])).toEqual([
        [true, []],
        [true, []]
      ])
      const other = await cluster.client(OTHER)
      for (const { id } of accepted) {
        expect(await other.wait(id, SETTLE_MS_MAX)).toMatchObject({ state: 'completed' })
      }
      await cluster.startAll()
    },
    TEST_MS_MAX
  )

  test.each([1, 2, 3])(
    'has reported results: they are there, and no task is run again (round %i)',
    async () => {
      onTestFailed(() => console.error(cluster.stderr))
      const client = await cluster.client(FIRST)
      const submit = async (text: string) => client.submit('echo', { text, ms: 20 })
      const ids = (await Promise.all([LARGE, 'small', LARGE].map(submit))).map(({ id }) => id)
      const told = await Promise.all(ids.map(id => client.wait(id, SETTLE_MS_MAX)))
      await loseComputer()
      const other = await cluster.client(OTHER)
      for (const { id, settledAt, durationMs, resultBlob, result } of told) {
        // The other node of the other computer may be the one that has it: then it is told in a moment.
        const view = await other.wait(id, SETTLE_MS_MAX)
        // Who had not heard of it yet may have taken it over; but the end that was told stands.
        expect(view).toMatchObject({ state: 'completed', settledAt, durationMs })
        if (resultBlob === null) expect(view.result).toEqual(result)
        else expect(JSON.parse(await other.blob(view.resultBlob!))).toBe(LARGE)
      }
      await cluster.startAll()
    },
    TEST_MS_MAX
  )
})
