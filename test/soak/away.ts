/** A node is killed, very many tasks come and go, and the node comes back with what was open when it died. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKey } from '../../src/key.ts'
import { BenchCluster } from '../bench/cluster.ts'
import { until } from '../support/until.ts'
import { TrialNode } from './trial-node.ts'

/** Tasks that are open when the node dies. */
const OPEN = 500
/** Submissions under way at once. */
const WINDOW = 200
const WAIT_MS_MAX = 300_000
const RETENTION = '1s'

export async function away(count: number): Promise<boolean> {
  const key = newKey()
  const cluster = await BenchCluster.start(3, { key })
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-away-'))
  const { node } = cluster
  const common = { cluster: 'bench', computer: 'bench', mdns: false, logLevel: 'info' as const }
  const network = { listen: ['/ip4/127.0.0.1/tcp/0'], peers: [...node.addresses] }
  const options = { ...common, ...network, key, instance: 99, data: join(folder, '99') }
  const isSynced = (): boolean => node.nodes().every(({ synced }) => synced)
  let absent = new TrialNode(options)
  try {
    await absent.ready()
    const task = (type: string): Promise<string> =>
      node.createTask(type, null, { retention: RETENTION })
    await Promise.all(Array.from({ length: OPEN }, () => task('noop-later')))
    await until(() => node.nodes().length === 4 && isSynced(), 'all in sync', WAIT_MS_MAX)
    await absent.kill()
    node.registerTaskHandler('noop-later', () => null)
    await node.startWorker()
    for (let done = 0; done < count; done += WINDOW) {
      const some = Math.min(WINDOW, count - done)
      await Promise.all(Array.from({ length: some }, () => task('noop')))
    }
    await until(() => [...node.tasks()].length === 0, 'all to be forgotten', WAIT_MS_MAX)
    absent = new TrialNode(options)
    await absent.ready()
    await until(() => node.nodes().length === 4 && isSynced(), 'all in sync again', WAIT_MS_MAX)
    await node.waitForTask(await node.createTask('late', null))
    const { openedAt, syncedAt, runs, ids } = await absent.report()
    const seconds = (((syncedAt ?? Number.NaN) - openedAt) / 1000).toFixed(1)
    console.log(
      `${count} tasks came and went; back in sync after ${seconds} s, with ${ids.length} task and ${runs} run (1 and 1 are right)`
    )
    return ids.length === 1 && runs === 1
  } finally {
    await absent.kill()
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
