/**
 * Nodes of the baseline beside one with pools: they know of its default pool alone, work for it as for any node, and never
 * take a task of another pool for one that the default pool runs.
 */
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NodeView } from '../../src/node/api/node-api.ts'
import { until } from '../support/until.ts'
import { BASELINE, baselineUnavailable, checkOut, today, type Tree } from './baseline.ts'
import { MixedCluster, type Running } from './cluster.ts'

const unavailable = baselineUnavailable()
if (unavailable !== null) console.warn(`no cluster of mixed versions is tested: ${unavailable}`)

const waitMs = 60_000

describe.skipIf(unavailable !== null)(`a node with pools among those of ${BASELINE}`, () => {
  let baseline: Tree
  let cluster: MixedCluster
  let old: Running
  let pooled: Running

  beforeAll(async () => {
    baseline = await checkOut()
    cluster = await MixedCluster.make('mixed-pools')
    old = await cluster.start(baseline, 'computer-a/1', '--label', 'version=old')
    const pool = 'slow:slots=1,type=waitsFor,label=kind=model'
    pooled = await cluster.start(today, 'computer-b/2', '--label', 'version=new', '--pool', pool)
  })
  afterAll(async () => {
    await cluster?.down()
    await baseline?.remove()
  })

  test('runs in its pool what they hold and cannot run, one at a time, and goes on with all else', async () => {
    const file = cluster.path('go')
    const labels = { require: { kind: 'model' } }
    const slow: string[] = []
    for (let i = 0; i < 3; i++) {
      slow.push((await old.client.submit('waitsFor', file, { labels })).id)
    }
    const isRunning = async (): Promise<boolean> => {
      const views = await Promise.all(slow.map(id => pooled.client.get(id)))
      return views.some(({ state }) => state === 'running')
    }
    await until(isRunning, 'one of them to run', waitMs)
    // Both slots of the default pool are free for others, as the node of the baseline knows.
    const quick = { labels: { require: { version: 'new' } } }
    for (let i = 0; i < 4; i++) {
      const { id } = await old.client.submit('double', i, quick)
      expect(await old.client.wait(id, waitMs)).toMatchObject({ result: 2 * i })
      expect(await pooled.client.get(id)).toMatchObject({ pool: 'default', slot: null })
    }
    const views = await Promise.all(slow.map(id => pooled.client.get(id)))
    expect(views.filter(({ state }) => state === 'running')).toMatchObject([
      { pool: 'slow', slot: 0 }
    ])
    const seen = async (): Promise<NodeView> =>
      (await old.client.nodes()).find(({ self }) => !self)!
    const isFree = async (): Promise<boolean> => (await seen()).running === 0
    await until(isFree, 'a heartbeat to say that the default pool is free', waitMs)
    expect(await seen()).toMatchObject({ slots: 2, labels: { version: 'new' } })
    expect((await seen()).handlers).not.toContain('waitsFor')
    await writeFile(file, '')
    for (const id of slow) {
      expect(await old.client.wait(id, waitMs)).toMatchObject({ state: 'completed' })
      expect(await pooled.client.get(id)).toMatchObject({ pool: 'slow', slot: 0 })
    }
  })
})
