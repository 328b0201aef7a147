/** Facts as text for Prometheus: every name of the contract, nothing beyond it, in a form that its own tool accepts. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { bootId } from '../../src/core/base/ids.ts'
import { Core } from '../../src/core/core.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { metricsSnapshotOf } from '../../src/node/queries/metrics-snapshot.ts'
import type { NodeView } from '../../src/node/api/node-api.ts'
import { pumpOf } from '../support/pump.ts'
import { bootOf } from '../support/tasks.ts'

/** Name -> its labels, as far as there are samples. */
const CONTRACT: Readonly<Record<string, string>> = {
  hearsay_tasks: 'state,type',
  hearsay_tasks_submitted_total: '',
  hearsay_tasks_settled_total: 'type,status,reason',
  hearsay_task_starts_total: '',
  hearsay_task_duplicate_starts_total: '',
  hearsay_task_retries_total: '',
  hearsay_task_run_seconds: 'le',
  hearsay_task_queue_seconds: 'le',
  hearsay_slots: 'state',
  hearsay_pool_slots: 'pool,state',
  hearsay_steals_total: 'role,result',
  hearsay_task_moves_total: '',
  hearsay_reclaims_total: 'cause',
  hearsay_claim_conflicts_total: '',
  hearsay_nodes: 'status',
  hearsay_peer_heartbeat_age_seconds: 'peer',
  hearsay_detection_seconds: 'le',
  hearsay_replica_entries: '',
  hearsay_replica_bytes: '',
  hearsay_replication_lag_entries: 'origin',
  hearsay_replica_unreadable_entries: 'origin',
  hearsay_unreadable_entries_total: '',
  hearsay_gossip_gaps_total: '',
  hearsay_sync_bytes_total: '',
  hearsay_event_loop_lag_seconds: '',
  hearsay_build_info: 'version'
}

const NET = { refused: 0, dropped: 0, bytesSent: 0, bytesReceived: 0, syncBytes: 5000 }
const PROMTOOL = spawnSync('promtool', ['--version']).status === 0
if (!PROMTOOL) {
  console.warn('the text is not given to promtool: it is not installed here (Debian: prometheus)')
}

/** What a node of a small cluster says after it has done a bit of everything. */
async function busyText(): Promise<string> {
  const pump = pumpOf(['a', 'b', 'c'].map(name => bootOf(name)))
  const [a, b, c] = pump.nodes as [
    (typeof pump.nodes)[0],
    (typeof pump.nodes)[0],
    (typeof pump.nodes)[0]
  ]
  a.worker(1)
  const ids = Array.from({ length: 4 }, () => a.submit())
  pump.settle()
  b.worker(1)
  pump.settle()
  for (const id of ids) for (const node of [a, b]) if (node.running.has(id)) node.end(id)
  pump.settle()
  c.worker(1)
  c.submit()
  pump.settle()
  pump.crash(c)
  pump.pass(3000)
  pump.pass(3000)
  const nodes = a.core.view.members(pump.now).map(
    ({ heartbeat, status }) =>
      ({
        name: heartbeat.name,
        id: heartbeat.boot,
        status,
        heartbeatAgeMs: 1500,
        self: false
      }) as NodeView
  )
  return exposition(metricsSnapshotOf(a.core.view, nodes, NET, 12))
}

test('every metric of the contract is there, and no other', async () => {
  const text = await busyText()
  const types = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)
  expect(types.sort()).toEqual(Object.keys(CONTRACT).sort())
})

test('each has the labels of the contract', async () => {
  const text = await busyText()
  for (const [name, labels] of Object.entries(CONTRACT)) {
    const lines = text
      .split('\n')
      .filter(line => line.match(/^[a-z_]+/)?.[0].replace(/_(bucket|sum|count)$/, '') === name)
    const [, given = ''] = lines[0]!.match(/\{(.*)\}/) ?? []
    expect([...given.matchAll(/(\w+)="/g)].map(([, label]) => label).join(), name).toBe(labels)
  }
})

test('what has not happened yet is counted from the start, as far as one knows what may happen', async () => {
  const [node] = pumpOf([bootOf('a')]).nodes
  const text = await exposition(metricsSnapshotOf(node!.core.view, [], NET, 0))
  for (const line of [
    'steals_total{role="thief",result="lost"}',
    'reclaims_total{cause="crashed"}'
  ]) {
    expect(text).toContain(`hearsay_${line} 0\n`)
  }
})

test('how often tasks have moved is counted by those who gave them away', async () => {
  expect(Number((await busyText()).match(/^hearsay_task_moves_total (.*)$/m)?.[1])).toBeGreaterThan(
    0
  )
})

test('no sample names a task', async () => {
  expect(await busyText()).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}/)
})

test('durations are in seconds, and histograms add up', async () => {
  const text = await busyText()
  const value = (line: string): number => Number(text.match(new RegExp(`^${line} (.*)$`, 'm'))?.[1])
  const runs = value('hearsay_task_run_seconds_count')
  expect(runs).toBeGreaterThan(0)
  expect(value('hearsay_task_run_seconds_bucket{le="\\+Inf"}')).toBe(runs)
  expect(value('hearsay_event_loop_lag_seconds')).toBe(0.012)
  expect(value('hearsay_peer_heartbeat_age_seconds{peer="test/b"}')).toBe(1.5)
})

test.skipIf(!PROMTOOL)('promtool has nothing against it', async () => {
  const input = await busyText()
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input,
    encoding: 'utf8'
  })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('any number of types makes a bounded number of samples, and counts every task', async () => {
  const pump = pumpOf([bootId('a', 1, 1)])
  const [a] = pump.nodes as [(typeof pump.nodes)[0]]
  for (let i = 0; i < 300; i++) a.submit({ type: `type-${i}` })
  pump.settle()
  expect(a.core).toBeInstanceOf(Core)
  const { tasks } = metricsSnapshotOf(a.core.view, [], NET, 0)
  expect(tasks.length).toBeLessThan(120)
  expect(tasks.reduce((sum, { count }) => sum + count, 0)).toBe(300)
})
