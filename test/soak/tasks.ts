/**
 * Tasks that are kept for a short time only, through six node processes: what they use must not grow with what they have
 * done.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchCluster } from '../bench/cluster.ts'

const PRINT_MS = 10_000
/** In one figure. */
const MEBIBYTE = 2 ** 20
const RETENTION = '2s'
/** Submissions under way at once. */
const WINDOW = 64
/** After the last task: retention, and some time for everybody to have heard of everything. */
const REST_MS = 15_000

export async function tasks(count: number): Promise<void> {
  const cluster = await BenchCluster.start(6)
  const { node } = cluster
  await node.startWorker()
  let done = 0
  const print = async (): Promise<void> => {
    const usage = await cluster.usage()
    const rss = usage.map(({ rssBytes }) => Math.round(rssBytes / MEBIBYTE)).join(' ')
    const disk = usage.map(({ diskBytes }) => (diskBytes / MEBIBYTE).toFixed(1)).join(' ')
    const kept = [...node.tasks()].length
    console.log(`${done} tasks done, ${kept} kept; MiB of memory: ${rss}; of disk: ${disk}`)
  }
  try {
    await print()
    let submitted = 0
    const submitter = async (): Promise<void> => {
      while (submitted < count) {
        submitted++
        await node.waitForTask(await node.createTask('noop', submitted, { retention: RETENTION }))
        done++
      }
    }
    const all = Promise.all(Array.from({ length: WINDOW }, submitter))
    const rest = new AbortController()
    const printing = (async () => {
      while (!rest.signal.aborted) {
        await sleep(PRINT_MS, null, { signal: rest.signal }).catch(() => {})
        await print()
      }
    })()
    await all
    rest.abort()
    await printing
    await sleep(REST_MS)
    await print()
  } finally {
    await cluster.stop()
  }
}
