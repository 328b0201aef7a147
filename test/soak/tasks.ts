/**
 * Tasks that are kept for a short time only, through six node processes: what the nodes use must not grow with what
 * they have done.
 *
 * The tasks come in portions. After each one all nodes forget all of it; then there is nothing left but what they will
 * always need, what caches hold for a while, and what leaks. After half of the portions and at the end it is quiet
 * until the caches are empty, too: what is in use at those two moments may differ by the bound below.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchCluster } from '../bench/cluster.ts'
import type { RestingUsage } from '../bench/usage.ts'
import { until } from '../support/until.ts'

const MEBIBYTE = 2 ** 20
const NODES = 6
const PORTIONS = 20
const RETENTION = '2s'
/** Submissions under way at once. */
const WINDOW = 1000
/** Retention, and some time for everybody to have heard of everything, on a busy computer. */
const FORGET_MS_MAX = 120_000
/** Longer than the two minutes for which gossip remembers what it has seen: some MiB at a thousand tasks a second. */
const QUIET_MS = 135_000
/**
 * What may come on top in the second half. In a million tasks a leak of 5 bytes a task shows in the heap. The resident
 * size depends on when the collector gives pages back, and that of the folder on when LevelDB compacts its files.
 */
const RISE_MAX: Readonly<Record<keyof RestingUsage, number>> = {
  heapBytes: 2 * MEBIBYTE,
  rssBytes: 24 * MEBIBYTE,
  diskBytes: 8 * MEBIBYTE
}
const WHAT = { heapBytes: 'heap', rssBytes: 'resident', diskBytes: 'disk' } as const
const KINDS = Object.keys(WHAT) as (keyof RestingUsage)[]

export async function tasks(count: number): Promise<boolean> {
  const cluster = await BenchCluster.start(NODES)
  const quiet: RestingUsage[][] = []
  try {
    await cluster.node.startWorker()
    const startedAt = performance.now()
    let done = 0
    for (let portion = 1; portion <= PORTIONS; portion++) {
      const some = Math.round((portion * count) / PORTIONS) - done
      const beganAt = performance.now()
      let left = some
      await run(cluster, () => left-- <= 0)
      const perSecond = (1000 * some) / (performance.now() - beganAt)
      done += some
      await forgotten(cluster)
      const seconds = Math.round((performance.now() - startedAt) / 1000)
      const figures = lineOf(await cluster.restingUsage())
      console.log(
        `${done} tasks after ${seconds} s, ${Math.round(perSecond)} a second; MiB ${figures}`
      )
      if (portion !== PORTIONS / 2 && portion !== PORTIONS) continue
      await sleep(QUIET_MS)
      const usage = await cluster.restingUsage()
      console.log(`quiet for ${QUIET_MS / 1000} s; MiB ${lineOf(usage)}`)
      quiet.push(usage)
    }
  } finally {
    await cluster.stop()
  }
  return judge(quiet[0]!, quiet[1]!)
}

/** One task after the other in each of the windows, until it is over. */
async function run({ node }: BenchCluster, isOver: () => boolean): Promise<void> {
  const submitter = async (): Promise<void> => {
    while (!isOver()) {
      await node.waitForTask(await node.createTask('noop', null, { retention: RETENTION }))
    }
  }
  await Promise.all(Array.from({ length: WINDOW }, submitter))
}

async function forgotten(cluster: BenchCluster): Promise<void> {
  await until(
    async () => (await cluster.kept()).every(kept => kept === 0),
    'all tasks to be forgotten everywhere',
    FORGET_MS_MAX
  )
}

/** Whether everything stayed as it was; says what did not. */
function judge(before: readonly RestingUsage[], after: readonly RestingUsage[]): boolean {
  let isFlat = true
  for (const kind of KINDS) {
    const rises = after.map((usage, node) => usage[kind] - before[node]![kind])
    const max = RISE_MAX[kind]
    const verdict = rises.every(bytes => bytes <= max) ? 'flat' : 'GROWS'
    if (verdict !== 'flat') isFlat = false
    const each = rises.map(bytes => mebibytes(bytes)).join(' ')
    console.log(
      `${WHAT[kind]}: ${verdict}; in the second half it rose by ${each} MiB, ${mebibytes(max)} is allowed`
    )
  }
  return isFlat
}

/** Each figure of each node. */
function lineOf(usage: readonly RestingUsage[]): string {
  return KINDS.map(
    kind => `${WHAT[kind]}: ${usage.map(one => mebibytes(one[kind])).join(' ')}`
  ).join('; ')
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(1)
}
