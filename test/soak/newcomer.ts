/** A brand-new node joins a node that has very many open tasks: when does it work, when is it in sync, what does it cost. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKey } from '../../src/key.ts'
import { BenchCluster } from '../bench/cluster.ts'
import { until } from '../support/until.ts'
import { TrialNode } from './trial-node.ts'

const MEBIBYTE = 2 ** 20
/** Submissions under way at once. */
const WINDOW = 500
/** For the slowest of machines. */
const SYNC_MS_MAX = 300_000
const LOOK_MS = 50
const PAYLOAD = 'x'.repeat(98)

export async function newcomer(count: number): Promise<boolean> {
  const key = newKey()
  const cluster = await BenchCluster.start(1, { key })
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-newcomer-'))
  const { node } = cluster
  let joining: TrialNode | null = null
  try {
    // The new node has a handler for each hundredth of them, and for the last one; nobody has one for the others.
    for (let done = 0; done < count; done += WINDOW) {
      const some = Math.min(WINDOW, count - done)
      const types = Array.from({ length: some }, (_, n) => (n % 100 === 0 ? 'late' : 'nobody'))
      await Promise.all(types.map(type => node.createTask(type, PAYLOAD)))
    }
    const late = await node.createTask('late', null)
    global.gc?.()
    const before = process.memoryUsage().rss
    let peak = before
    const looking = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, LOOK_MS).unref()
    const common = { cluster: 'bench', computer: 'bench', mdns: false, logLevel: 'info' as const }
    const network = { listen: ['/ip4/127.0.0.1/tcp/0'], peers: [...node.addresses] }
    joining = new TrialNode({ ...common, ...network, key, instance: 99, data: join(folder, '99') })
    await joining.ready()
    await node.waitForTask(late)
    await until(
      () => cluster.node.nodes().every(({ synced }) => synced),
      'all in sync',
      SYNC_MS_MAX
    )
    clearInterval(looking)
    const { openedAt, ranAt, syncedAt, ids, peakRssBytes } = await joining.report()
    const seconds = (at: number | null): string => (((at ?? NaN) - openedAt) / 1000).toFixed(1)
    console.log(
      `${count} tasks; the new node ran its first task after ${seconds(ranAt)} s and was in sync after ${seconds(syncedAt)} s`
    )
    console.log(
      `MiB of memory: its peak ${toMebibytes(peakRssBytes)}; the other before ${toMebibytes(before)}, peak ${toMebibytes(peak)}`
    )
    return ids.length === count + 1
  } finally {
    await joining?.kill()
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function toMebibytes(bytes: number): number {
  return Math.round(bytes / MEBIBYTE)
}
