/**
 * Six real nodes, three on one computer, two on another and one alone: a cut into halves, a node cut off from all, a
 * cable that comes and goes, halves that were started apart. One LAN and one cluster for all of it; and beside it, with
 * another key and without multicast, two that were told what is a quorum.
 *
 * With `LONG=1` (`npm run soak -- lan`) the cable flaps for a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest'
import { ChaosCluster } from '../chaos/cluster.ts'
import { Onlooker } from '../chaos/onlooker.ts'
import { compareText } from '../../src/core/base/order.ts'
import { until } from '../support/until.ts'
import { checkOf } from './check.ts'
import { Lan, lanUnavailable } from './lan.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`six nodes, three on one computer, are skipped: ${unavailable}`)

const HALF = [0, 1, 2]
const OTHER_HALF = [3, 4, 5]
const LONER = 5
const FIND_MS_MAX = 30_000
/** How often the link goes up for two seconds and down for two seconds. */
const FLAPS = process.env['LONG'] === '1' ? 15 : 3

let lan: Lan
let cluster: ChaosCluster
let look: Onlooker
let pair: ChaosCluster
let lookAtPair: Onlooker

/** The first takes over without asking how many there are; the second needs both. */
const PAIR_PORT = 4701
const pairFlags = (place: number): readonly string[] => {
  const address = `/ip4/${lan.address('a')}/tcp/${PAIR_PORT}`
  return place === 0
    ? ['--no-mdns', '--listen', address, '--quorum', 'any']
    : ['--no-mdns', '--peer', address, '--quorum', '2']
}

const check = checkOf(() => cluster)

/** The half with the smallest node id first. */
async function halves(): Promise<[readonly number[], readonly number[]]> {
  const ids = await Promise.all([...HALF, ...OTHER_HALF].map(place => look.nodeSeen(0, place)))
  const smallest = ids.map(node => node!.id!).toSorted(compareText)[0]
  const isHere = HALF.some(place => ids[place]!.id === smallest)
  return isHere ? [HALF, OTHER_HALF] : [OTHER_HALF, HALF]
}

describe.skipIf(unavailable !== null)('six nodes, three of them on one computer', () => {
  beforeAll(async () => {
    lan = await Lan.up()
    cluster = await ChaosCluster.start(lan, {
      places: ['a', 'a', 'a', 'b', 'b', 'c'],
      flags: place => (place === LONER ? ['--stop-after-isolated', '3s'] : [])
    })
    look = new Onlooker(cluster)
    pair = await ChaosCluster.start(lan, { places: ['a', 'b'], flags: pairFlags })
    lookAtPair = new Onlooker(pair)
  })
  // One that failed must not fail the others.
  beforeEach(async () => {
    await lan.heal()
    await Promise.all([cluster.startAll(), pair.startAll()])
  })
  afterAll(async () => {
    await pair?.down()
    await cluster?.down()
    await lan?.down()
  })

  // Before any cut: a connection that has lost some packets is silent for seconds, and tasks as short as these are run at home.
  check(
    'nodes with another key on the same LAN are a cluster of their own, also without multicast',
    async () => {
      const ids = await lookAtPair.busy(2000)
      await lookAtPair.expectCompleted(await lookAtPair.agreeOn(ids))
      expect(await (await pair.client(1)).nodes()).toHaveLength(2)
      expect(await (await cluster.client(3)).nodes()).toHaveLength(6)
    }
  )

  check(
    'of two halves the one with the smallest node id takes over, the other knows that it may not; of two nodes the one that was told to',
    async () => {
      const ids = await look.busy(15_000)
      const ofPair = await lookAtPair.busy(15_000)
      const [first, second] = await halves()
      await lan.cut('a')
      await Promise.all(second.map(place => look.quorum(place, false)))
      const ofSecond = async (): Promise<string[]> => {
        const tasks = await look.held(second[0]!, ids)
        return tasks.filter(task => look.isOn(task, second)).map(({ id }) => id)
      }
      const before = await ofSecond()
      await look.taken(first[0]!, ids, second)
      expect((await ofSecond()).filter(id => !before.includes(id))).toEqual([])
      expect(await (await cluster.client(first[0]!)).status()).toMatchObject({ quorum: true })
      await lookAtPair.taken(0, ofPair, [1])
      await lookAtPair.quorum(1, false)
      const heldBySecond = await lookAtPair.held(1, ofPair)
      expect(heldBySecond.some(task => lookAtPair.isOn(task, [0]))).toBe(true)
      expect(heldBySecond.filter(({ reason }) => reason === 'ClaimSettling')).toEqual([])
      await lan.heal()
      await lookAtPair.expectCompleted(await lookAtPair.agreeOn(ofPair))
      await look.seenAs('alive', first, second[0]!)
      await look.expectCompleted(await look.agreeOn(ids))
    }
  )

  check(
    'one that is cut off from all ends its own work when it was told to, starts nothing, and is back after it',
    async () => {
      const ids = await look.busy(12_000)
      const pid = cluster.pid(LONER)
      await lan.cut('c')
      await look.quorum(LONER, false)
      await until(
        async () => (await look.runsThatWere('aborted')).some(line => line.pid === pid),
        'it to end its work',
        FIND_MS_MAX
      )
      const startedBy = async (): Promise<string[]> => {
        const runs = await look.runsThatWere('started')
        return runs.filter(run => run.pid === pid && ids.includes(run.task)).map(({ run }) => run)
      }
      const before = await startedBy()
      await look.taken(0, ids, [LONER])
      expect(await startedBy()).toEqual(before)
      await lan.heal()
      await look.seenAs('alive', [0, 3], LONER)
      await look.expectCompleted(await look.agreeOn(ids))
      // What it had begun was not brought to its end there.
      const done = (await look.runsThatWere('done')).map(({ run }) => run)
      expect(before.filter(run => done.includes(run))).toEqual([])
    }
  )

  check(
    'what a node has accepted outlives it, and it is back as itself at another address',
    async () => {
      const before = await look.nodeSeen(0, LONER)
      const client = await cluster.client(LONER)
      const submissions = Array.from({ length: 24 }, () => client.submit('work', { ms: 500 }))
      const accepted = await Promise.all(submissions)
      await cluster.kill(LONER)
      await look.seenAs('crashed', [0, 3], LONER)
      const kept = accepted.filter(({ acks }) => acks > 0).map(({ id }) => id)
      expect(kept.length).toBeGreaterThan(0)
      await look.expectCompleted(await look.agreeOn(kept))
      await cluster.startAll()
      await look.seenAs('alive', [0, 3], LONER)
      const after = await look.nodeSeen(0, LONER)
      expect(after!.id).toBe(before!.id)
      expect(after!.addresses).not.toEqual(before!.addresses)
    }
  )

  check('a second SIGTERM has a node hand on what it runs, and end with 0', async () => {
    const ids = await look.busy(5000)
    const pid = cluster.pid(4)
    const stopped = cluster.stop(4, FIND_MS_MAX)
    await until(async () => (await look.nodeSeen(0, 4))?.draining, 'it to show that it drains')
    process.kill(pid, 'SIGTERM')
    expect(await stopped).toBe(0)
    await look.seenAs('left', [0, 3], 4)
    const tasks = await look.agreeOn(ids)
    await look.expectCompleted(tasks)
    expect(tasks.filter(task => task.lost.length > 0)).toEqual([])
  })

  check('a cable that comes and goes loses nothing, and all are together after it', async () => {
    const ids: string[] = []
    for (let n = 0; n < FLAPS; n++) {
      await lan.unplug('c')
      await sleep(2000)
      await lan.heal()
      for (const place of [0, LONER]) {
        const client = await cluster.client(place)
        for (let i = 0; i < 4; i++) ids.push((await client.submit('work', { ms: 500 })).id)
      }
      await sleep(2000)
    }
    await cluster.startAll()
    await look.seenAs('alive', [0, 3], LONER)
    await look.expectCompleted(await look.agreeOn(ids))
  })

  check(
    'halves that were started apart become one cluster, and know all tasks of both',
    async () => {
      await cluster.kill(...cluster.running)
      for (const place of [...HALF, ...OTHER_HALF]) await cluster.loseDisk(place)
      await lan.cut('a')
      // All six in one instant.
      await Promise.all([...HALF, ...OTHER_HALF].map(place => cluster.start(place)))
      const ids: string[] = []
      for (const place of [0, 3]) {
        const client = await cluster.client(place)
        for (let i = 0; i < 6; i++) ids.push((await client.submit('work', { ms: 100 })).id)
      }
      await lan.heal()
      await cluster.startAll()
      await look.expectCompleted(await look.agreeOn(ids))
    }
  )
})
