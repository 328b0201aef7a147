/** Where the node that submits and one that works spend their time while 10,000 no-ops go through a warm cluster. */
import { BenchCluster } from './cluster.ts'
import { Profile, type Profiled } from './profile.ts'

/** One of them submits, and runs nothing. */
const NODES = 7
const TASKS = 10_000
const WARMING_RUNS = 4
const PROFILED_RUNS = 3
const TEXT = 'x'.repeat(100)

export async function hotSpots(): Promise<{ submitting: Profiled; working: Profiled }> {
  const cluster = await BenchCluster.start(NODES, { concurrency: 1 })
  try {
    for (let i = 0; i < WARMING_RUNS; i++) await runMany(cluster)
    const own = new Profile()
    await own.start()
    await cluster.ask('profile')
    for (let i = 0; i < PROFILED_RUNS; i++) await runMany(cluster)
    const submitting = await own.stop()
    const [working] = await cluster.ask<Profiled>('profiled')
    return { submitting, working: working! }
  } finally {
    await cluster.stop()
  }
}

async function runMany({ node }: BenchCluster): Promise<void> {
  const submissions = Array.from({ length: TASKS }, () => node.createTask('noop', TEXT))
  await Promise.all(submissions.map(async id => node.waitForTask(await id)))
}
