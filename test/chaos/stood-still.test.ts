/**
 * One of three real processes stands still (SIGSTOP), like a computer whose lid is closed, with tasks that it runs and tasks
 * that wait for it. The others complete them, and when it goes on it starts nothing which has completed meanwhile.
 */
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { ChaosCluster } from './cluster.ts'
import { Onlooker } from './onlooker.ts'
import { runsOf } from './history.ts'
import { until } from '../support/until.ts'

const OTHERS = [0, 1]
const STOPPED = 2
const SLOTS = 4
/** At least as many as this wait at the node that is stopped: what the three can run, and as much again. */
const COUNT = 24
/** Long enough for them to be there when it is stopped; two rounds of all of it do not last as long as it stands still. */
const WORK_MS = 2000
const TEST_MS_MAX = 120_000
const FIND_MS_MAX = 30_000

let cluster: ChaosCluster
let look: Onlooker

/** How many of these it runs, and how many wait for it, as it sees them itself. */
async function heldByStopped(ids: readonly string[]): Promise<{ running: number; queued: number }> {
  const held = (await look.held(STOPPED, ids)).filter(task => look.isOn(task, [STOPPED]))
  const count = (wanted: string): number => held.filter(({ state }) => state === wanted).length
  return { running: count('running'), queued: count('queued') }
}

describe('three nodes, one of which stands still with what it holds', () => {
  beforeAll(async () => {
    cluster = await ChaosCluster.start(null, { places: ['a', 'b', 'c'], named: true })
    look = new Onlooker(cluster)
  })
  afterAll(() => cluster?.down())

  test(
    'the others complete it, and it starts nothing of that when it goes on',
    async () => {
      onTestFailed(() => console.error(cluster.stderr))
      const client = await cluster.client(STOPPED)
      const pid = cluster.pid(STOPPED)
      const submissions = Array.from({ length: COUNT }, () =>
        client.submit('work', { ms: WORK_MS })
      )
      // Ready while it stands still.
      submissions.push(client.submit('work', { ms: 10 }, { delay: 2 * WORK_MS }))
      const ids = (await Promise.all(submissions)).map(({ id }) => id)
      await until(async () => {
        const { running, queued } = await heldByStopped(ids)
        // A task counts as running before its thread has called the handler.
        const begun = runsOf(await cluster.history()).filter(
          run => run.pid === pid && run.endedAt === null
        )
        return running === SLOTS && queued > SLOTS && begun.length === SLOTS
      }, 'it to run as much as it can, and to have more')
      cluster.signal(STOPPED, 'SIGSTOP')
      await look.seenAs('unreachable', OTHERS, STOPPED)
      await until(
        async () => (await look.held(0, ids)).every(task => task?.state === 'completed'),
        'the others to complete all of it',
        FIND_MS_MAX
      )
      const resumedAt = Date.now()
      cluster.signal(STOPPED, 'SIGCONT')
      await look.seenAs('alive', OTHERS, STOPPED)
      const tasks = await look.agreeOn(ids)
      await look.expectCompleted(tasks)
      expect(tasks.filter(({ lost }) => lost.length > 0).length).toBeGreaterThan(0)

      // Something new, which it has a slot for: what it was going to start it would have started before.
      await look.expectCompleted(await look.agreeOn(await look.busy(500)))
      const runs = runsOf(await cluster.history()).filter(({ task }) => ids.includes(task))
      expect(runs.filter(({ startedAt }) => startedAt >= resumedAt)).toEqual([])
      // Only what it ran when it was stopped was run once more, elsewhere.
      const byStopped = runs.filter(run => run.pid === pid).map(({ task }) => task)
      const byOthers = runs.filter(run => run.pid !== pid).map(({ task }) => task)
      expect(new Set(byStopped).size).toBe(byStopped.length)
      expect(new Set(byOthers).size).toBe(byOthers.length)
      expect(byStopped.filter(id => byOthers.includes(id)).length).toBeGreaterThan(0)
    },
    TEST_MS_MAX
  )
})
