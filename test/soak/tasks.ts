/**
 * Tasks that are kept for a short time only, through six node processes: what the nodes use must not grow with what they
 * have done.
 *
 * The tasks come in portions. After each one all nodes forget all of it; then there is nothing left but what they will
 * always need, and what leaks. Tasks that are not counted come first, and the first half of the portions is not judged:
 * by then code is compiled, and all caches are full. Over the second half a straight line is laid through the figures of
 * each node, and may rise by so much.
 */
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
/** Longer than the two minutes for which gossip remembers what it has seen. */
const WARM_UP_MS = 150_000
/**
 * What may come on top over the second half. In a million tasks a leak of 5 bytes a task shows in the heap. The resident
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
  const portions: RestingUsage[][] = []
  try {
    await cluster.node.startWorker()
    const startedAt = performance.now()
    await run(cluster, () => performance.now() - startedAt > WARM_UP_MS)
    let done = 0
    for (let portion = 1; portion <= PORTIONS; portion++) {
      const some = Math.round((portion * count) / PORTIONS) - done
      const beganAt = performance.now()
      let left = some
      await run(cluster, () => left-- <= 0)
      const perSecond = (1000 * some) / (performance.now() - beganAt)
      done += some
      await forgotten(cluster)
      const usage = await cluster.restingUsage()
      portions.push(usage)
      const seconds = Math.round((performance.now() - startedAt) / 1000)
      console.log(
        `${done} tasks after ${seconds} s, ${Math.round(perSecond)} a second; MiB ${lineOf(usage)}`
      )
    }
  } finally {
    await cluster.stop()
  }
  return judge(portions.slice(PORTIONS / 2))
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
function judge(portions: readonly (readonly RestingUsage[])[]): boolean {
  let isFlat = true
  for (const kind of KINDS) {
    const rises = Array.from({ length: NODES }, (_, node) =>
      rise(portions.map(usage => usage[node]![kind]))
    )
    const max = RISE_MAX[kind]
    const verdict = rises.every(bytes => bytes <= max) ? 'flat' : 'GROWS'
    if (verdict !== 'flat') isFlat = false
    const each = rises.map(bytes => mebibytes(bytes)).join(' ')
    console.log(
      `${WHAT[kind]}: ${verdict}; over the second half it rose by ${each} MiB, ${mebibytes(max)} is allowed`
    )
  }
  return isFlat
}

/** By how much the straight line of least squares through these figures rises from the first to the last. */
function rise(figures: readonly number[]): number {
  const middle = (figures.length - 1) / 2
  const mean = figures.reduce((sum, value) => sum + value, 0) / figures.length
  let [up, across] = [0, 0]
  figures.forEach((value, at) => {
    up += (at - middle) * (value - mean)
    across += (at - middle) ** 2
  })
  return (up / across) * (figures.length - 1)
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
