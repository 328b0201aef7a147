/**
 * `npm run soak [-- seeds --minutes N] | [-- tasks --count N]`: what only shows after a while.
 *
 * `seeds` runs the simulator on new seeds for so long, scenario after scenario. `tasks` sends tasks that are kept for a
 * short time only through six node processes: what they use must not grow with what they have done.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readScenario, simulate } from '../../src/sim/index.ts'
import { BenchCluster } from '../bench/cluster.ts'

const scenarios = fileURLToPath(new URL('../../config/sim/', import.meta.url))
const PRINT_MS = 10_000
/** In one figure. */
const MEBIBYTE = 2 ** 20
const RETENTION = '2s'
/** Submissions under way at once. */
const WINDOW = 64
/** After the last task: retention, and some time for everybody to have heard of everything. */
const REST_MS = 15_000

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    from: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    count: { type: 'string', default: '20000' }
  },
  allowPositionals: true
})

async function seeds(minutes: number, from: number): Promise<number> {
  const files = (await readdir(scenarios)).sort()
  const all = await Promise.all(files.map(file => readScenario(join(scenarios, file))))
  const startedAt = performance.now()
  let printedAt = startedAt
  let violations = 0
  let seed = from
  for (; performance.now() - startedAt < minutes * 60_000; seed++) {
    const { violation } = simulate(seed, all[seed % all.length])
    if (violation !== null) {
      violations++
      const file = join('config/sim', files[seed % files.length]!)
      console.log(`seed ${seed}: ${violation.message}`)
      console.log(
        `  again: hearsay simulate --seeds 1 --from ${seed} --scenario ${file} --transcript`
      )
    }
    if (performance.now() - printedAt < PRINT_MS) continue
    printedAt = performance.now()
    console.log(progress(seed + 1 - from, startedAt, violations))
  }
  console.log(progress(seed - from, startedAt, violations))
  return violations
}

function progress(done: number, startedAt: number, violations: number): string {
  const seconds = (performance.now() - startedAt) / 1000
  return `${done} seeds in ${Math.round(seconds)} s, ${(done / seconds).toFixed(1)} a second, ${violations} violations`
}

async function tasks(count: number): Promise<void> {
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

const [what = 'seeds'] = positionals
const number = (text: string): number => (Number(text) > 0 ? Number(text) : Number.NaN)
const [minutes, from, count] = [values.minutes, values.from, values.count].map(number) as [
  number,
  number,
  number
]
if (!['seeds', 'tasks'].includes(what) || Number.isNaN(minutes + from + count)) {
  console.error('usage: npm run soak [-- seeds --minutes 2 --from SEED] | [-- tasks --count 20000]')
  process.exitCode = 2
} else if (what === 'tasks') await tasks(count)
else process.exitCode = (await seeds(minutes, from)) > 0 ? 1 : 0
