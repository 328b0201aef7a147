/**
 * Members that crash, are cut off, stand still, drain and come back: six real nodes on a LAN of three computers, and what
 * becomes of their work. One cluster for all of it, so each test begins with all six and leaves all six.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished } from 'vitest'
import type { ChaosCluster } from '../chaos/cluster.ts'
import type { Onlooker } from '../chaos/onlooker.ts'
import type { TaskView } from '../../src/node/api/node-api.ts'
import { until } from '../support/until.ts'
import { checkOf, healedOnLan, sharedOnLan, TEST_MS_MAX } from './check.ts'
import { lanUnavailable, type Lan } from './lan.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`members that are gone are skipped: ${unavailable}`)

const ALL = [0, 1, 2, 3, 4, 5]
const CUT_OFF = [4, 5]
const FIND_MS_MAX = 30_000
/** Less than half of what it takes to be given up. */
const MOMENT_MS = 3000
/** Far longer than it takes to be given up. */
const STOOD_STILL_MS = 20_000

let lan: Lan
let cluster: ChaosCluster
let look: Onlooker

const check = checkOf(() => cluster)

describe.skipIf(unavailable !== null)('six nodes on a LAN', () => {
  sharedOnLan(there => ({ lan, cluster, look } = there))
  healedOnLan(() => ({ lan, cluster }))

  check(
    'what two crashed nodes of one computer held runs elsewhere, and none of it twice',
    async () => {
      const ids = await look.busy(5000)
      const victims = (await look.held(0, ids)).filter(task => look.isOn(task, CUT_OFF))
      await cluster.kill(...CUT_OFF)
      await look.expectCompleted(await look.agreeOn(ids))
      const done = (await look.runsThatWere('done')).map(({ task }) => task)
      expect(done.toSorted()).toEqual([...new Set(done)].toSorted())
      const [task] = await look.held(0, [victims[0]!.id])
      expect(task!.lost.length).toBeGreaterThan(0)
      await cluster.startAll()
    }
  )

  check(
    'four that are cut off from two take over; the two go on with their own and take nothing',
    async () => {
      const ids = await look.busy(15_000)
      await lan.cut('c')
      const foreign = (await look.held(4, ids)).filter(task => !look.isOn(task, CUT_OFF))
      await look.taken(0, ids, CUT_OFF)
      const few = await cluster.client(4)
      await look.seenAs('unreachable', [4], 3)
      // The others fall silent to it one by one.
      await look.quorum(4, false)
      expect((await (await cluster.client(0)).status()).quorum).toBe(true)
      const { id, acks } = await few.submit('work', { ms: 10 })
      expect(acks).toBe(1)
      expect(await few.wait(id, FIND_MS_MAX)).toMatchObject({ state: 'completed' })
      const pids = CUT_OFF.map(place => cluster.pid(place))
      const runs = (await look.runsThatWere('started')).filter(({ pid }) => pids.includes(pid))
      expect(foreign.filter(task => runs.some(run => run.task === task.id))).toEqual([])
      for (const place of CUT_OFF) {
        expect(await (await cluster.client(place)).metrics()).not.toMatch(
          /hearsay_reclaims_total\{[^}]*cause="unreachable"[^}]*\} [1-9]/
        )
      }
      await lan.heal()
      await look.seenAs('alive', ALL.slice(0, 4), 4)
      await look.expectCompleted(await look.agreeOn([...ids, id]))
      let twice = 0
      for (const place of CUT_OFF) {
        const text = await (await cluster.client(place)).metrics()
        twice += Number(/^hearsay_task_duplicate_starts_total (\d+)$/m.exec(text)?.[1])
      }
      expect(twice).toBeGreaterThan(0)
    }
  )

  check(
    'what a computer without power held is taken over, though nothing there refuses',
    async () => {
      const ids = await look.busy(5000)
      await lan.unplug('c')
      await cluster.kill(...CUT_OFF)
      await look.seenAs('unreachable', [0, 3], 4)
      await look.taken(0, ids, CUT_OFF)
      await look.expectCompleted(await look.agreeOn(ids))
      await lan.heal()
      await cluster.startAll()
    }
  )

  check(
    'what is cancelled while its holder is cut off is over at once where a majority is, and aborted there when it is back',
    async () => {
      const ids = await look.busy(30_000)
      const tasks = await look.held(0, ids)
      const [task] = tasks.filter(({ state }) => state === 'running').filter(t => look.isOn(t, [4]))
      const pid = cluster.pid(4)
      await lan.cut('c')
      const client = await cluster.client(0)
      const { status } = await client.cancel(task!.id)
      expect(['requested', 'cancelled']).toContain(status)
      const settled = await client.wait(task!.id, FIND_MS_MAX)
      expect(settled).toMatchObject({ state: 'cancelled', reason: 'CancelledByUser' })
      await lan.heal()
      await until(
        async () =>
          (await look.runsThatWere('aborted')).some(
            run => run.pid === pid && run.task === task!.id
          ),
        'its run to be aborted',
        FIND_MS_MAX
      )
      for (const id of ids) await client.cancel(id)
      const [end] = await look.agreeOn([task!.id])
      expect(end!.state).toBe('cancelled')
      const done = await look.runsThatWere('done')
      expect(done.filter(run => run.task === task!.id)).toEqual([])
    }
  )

  check('a node that stood still for a moment keeps what it runs, and says so', async () => {
    const end = new AbortController()
    onTestFinished(() => end.abort())
    const heard = await look.listen(5, end.signal)
    const ids = await look.busy(5000)
    const pid = cluster.pid(5)
    const aborted = async (): Promise<number> =>
      (await look.runsThatWere('aborted')).filter(line => line.pid === pid).length
    const before = await aborted()
    cluster.signal(5, 'SIGSTOP')
    await sleep(MOMENT_MS)
    cluster.signal(5, 'SIGCONT')
    const tasks = await look.agreeOn(ids)
    await look.expectCompleted(tasks)
    expect(tasks.filter(task => look.isOn(task, [5])).length).toBeGreaterThan(0)
    expect(tasks.filter(({ lost }) => lost.length > 0)).toEqual([])
    expect(await aborted()).toBe(before)
    await until(() => heard.includes('node:starved'), 'it to say that it stood still')
    expect(heard).not.toContain('node:suspect')
  })

  check('a node that stood still for long aborts what it has lost, and stays', async () => {
    const ids = await look.busy(STOOD_STILL_MS + 2000)
    const pid = cluster.pid(5)
    cluster.signal(5, 'SIGSTOP')
    const stoppedAt = performance.now()
    await look.seenAs('unreachable', [0, 4], 5)
    await look.taken(0, ids, [5])
    await sleep(Math.max(0, stoppedAt + STOOD_STILL_MS - performance.now()))
    cluster.signal(5, 'SIGCONT')
    await look.seenAs('alive', [0, 4], 5)
    await until(
      async () => (await look.runsThatWere('aborted')).some(line => line.pid === pid),
      'it to abort what it has lost'
    )
    await look.expectCompleted(await look.agreeOn(ids))
    expect((await look.nodeSeen(5, 0))?.status).toBe('alive')
  })

  check(
    'a poisonous task takes down no more nodes than it may, and one, and fails with their names',
    async () => {
      const client = await cluster.client(0)
      const endSupervising = cluster.supervise()
      // Accepted first: the node that takes it may be the first to go.
      const { id } = await client.submit('poison', null, { maxLost: 1, delay: 500 })
      const others = await Promise.all([1, 2, 3].map(() => client.submit('work', { ms: 100 })))
      await until(
        async () => {
          for (const place of cluster.running) {
            const tasks = await cluster.tasks(place).catch(() => new Map<string, TaskView>())
            if (tasks.get(id)?.state === 'failed') return true
          }
          return false
        },
        'the poison to fail',
        TEST_MS_MAX / 2
      )
      // All that it takes down is down by now, and started again.
      await cluster.startAll()
      const deaths = endSupervising()
      const [task, ...rest] = await look.agreeOn([id, ...others.map(other => other.id)])
      await look.expectCompleted(rest)
      expect(task).toMatchObject({ state: 'failed', reason: 'HolderLost' })
      expect(task!.lost.length).toBe(2)
      expect(deaths).toBeLessThanOrEqual(3)
    }
  )

  check(
    'all can be restarted one after the other under load: nothing fails, nothing runs twice',
    async () => {
      const ids: string[] = []
      const load = { on: true }
      const caller = (async () => {
        while (load.on) {
          const submitted = await cluster
            .client(cluster.running.at(-1)!)
            .then(client => client.submit('work', { ms: 50 }))
            // Its node is just being restarted: another one is asked next.
            .catch(() => null)
          if (submitted !== null) ids.push(submitted.id)
        }
      })()
      for (const place of ALL) {
        expect(await cluster.stop(place, FIND_MS_MAX)).toBe(0)
        await cluster.startAll()
      }
      load.on = false
      await caller
      const tasks = await look.agreeOn(ids)
      await look.expectCompleted(tasks)
      expect(tasks.filter(({ lost }) => lost.length > 0)).toEqual([])
      for (const what of ['started', 'done'] as const) {
        const runs = (await look.runsThatWere(what)).filter(({ task }) => ids.includes(task))
        expect(runs.map(({ task }) => task).toSorted()).toEqual(ids.toSorted())
      }
    }
  )

  check(
    'a node that is told to drain by another hands on what is queued, and shows it',
    async () => {
      const ids = await look.busy(2000)
      const client = await cluster.client(0)
      await client.drain(cluster.name(3))
      await until(async () => (await look.nodeSeen(1, 3))?.draining, 'it to show that it drains')
      const more = await look.busy(500, [0])
      const tasks = await look.agreeOn([...ids, ...more])
      expect(tasks.slice(ids.length).filter(task => look.isOn(task, [3]))).toEqual([])
      await (await cluster.client(3)).leave()
      await look.seenAs('left', [0], 3)
      await cluster.ended(3, FIND_MS_MAX)
    }
  )
})
