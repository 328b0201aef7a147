/**
 * A file of very many tasks through `hearsay submit --each`, at one of six `hearsay start` processes; then the same file again:
 * how long it takes, that the command needs little memory however long the file is, and that nothing is submitted twice.
 *
 * More tasks than are kept once they have settled: what has been forgotten must not come back either.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cluster } from '../lan/cluster.ts'

const NODE = 'computer-a/1'
const handlers = fileURLToPath(new URL('../lan/fixtures/common.ts', import.meta.url))
/** Of V8's heap, in MiB: a node process alone takes ten, and a file of 100,000 such tasks as objects far more. */
const HEAP_MAX = 64
/** Each so manyth task has a ref, and the one after it depends on it. */
const REF_EVERY = 10

type Answer = Readonly<{ id: string; deduplicated: boolean }>

export async function each(count: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-soak-each-'))
  const cluster = await Cluster.start(null, () => [handlers])
  try {
    const file = join(folder, 'tasks.ndjson')
    await writeFile(file, Array.from({ length: count }, (_, i) => `${lineOf(i)}\n`).join(''))
    process.env['NODE_OPTIONS'] = `--max-old-space-size=${HEAP_MAX}`
    const first = await submit(cluster, file)
    console.log(`${count} tasks submitted in ${first.seconds} s`)
    const again = await submit(cluster, file)
    const twice = again.answers.filter(({ deduplicated }) => !deduplicated).length
    console.log(`the same file again in ${again.seconds} s: ${twice} submitted twice`)
    const known = new Set(first.answers.map(({ id }) => id))
    const same = again.answers.filter(({ id }) => known.has(id)).length
    return known.size === count && same === count && twice === 0
  } finally {
    await cluster.down()
    await rm(folder, { recursive: true, force: true })
  }
}

function lineOf(i: number): string {
  const task = { type: 'add', payload: { amount: i } }
  if (i % REF_EVERY === 0) return JSON.stringify({ ...task, ref: `r${i}` })
  return JSON.stringify(i % REF_EVERY === 1 ? { ...task, dependsOn: [`ref:r${i - 1}`] } : task)
}

async function submit(
  cluster: Cluster,
  file: string
): Promise<{ answers: Answer[]; seconds: string }> {
  const startedAt = performance.now()
  const flags = ['--each', file, '--idempotency-prefix', 'soak-']
  const answers = await cluster.json<Answer>(NODE, 'submit', ...flags)
  return { answers, seconds: ((performance.now() - startedAt) / 1000).toFixed(0) }
}
