/**
 * `npm run bench -- replicate | latency | throughput | balance | recovery | profile [--json]`.
 *
 * As root it runs in a network of its own, so that nothing else is in the count of bytes; otherwise on the loopback
 * interface of the computer. Figures depend on the computer: compare them with others of the same one only.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { balance } from './balance.ts'
import { tableOf, type Row } from './figures.ts'
import { guaranteed, profile, replicate } from './replicate.ts'
import { recovery } from './recovery.ts'
import { latency, throughput } from './tasks.ts'

const COSTS_SHOWN = 25
const twoDisks =
  'meanwhile each task and each result was synced on two nodes before it was reported'

const nothingLost = 'each task was started once, and once more when its node was dead'

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true
})
const [name = ''] = positionals
const say = (text: string): void => void process.stderr.write(`${text}\n`)

function inOwnNetwork(): number | null {
  if (process.getuid?.() !== 0 || process.env['HEARSAY_BENCH_NETWORK'] !== undefined) return null
  const command = 'ip link set lo up && exec "$@"'
  const args = ['--net', 'sh', '-c', command, 'sh', process.execPath, ...process.argv.slice(1)]
  const env = { ...process.env, HEARSAY_BENCH_NETWORK: 'own' }
  const { status, error } = spawnSync('unshare', args, { stdio: 'inherit', env })
  return error === undefined ? (status ?? 1) : null
}

async function print(rows: readonly Row[], promise: string): Promise<void> {
  const computer = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
  if (values.json)
    console.log(JSON.stringify({ v: 1, bench: name, computer, guaranteed: promise, rows }))
  else console.log(`${tableOf(rows)}\n${computer}\n${promise}`)
}

async function bench(): Promise<void> {
  if (name === 'replicate') return print(await replicate(say), guaranteed)
  if (name === 'latency') return print(await latency(), twoDisks)
  if (name === 'throughput') return print(await throughput(say), twoDisks)
  if (name === 'balance') return print(await balance(say), twoDisks)
  if (name === 'recovery') return print(await recovery(say), nothingLost)
  const { submitting, listening } = await profile()
  for (const [node, costs] of Object.entries({ submitting, listening })) {
    const rows = costs
      .slice(0, COSTS_SHOWN)
      .map(cost => ({ percent: cost.percent, [node]: cost.name }))
    if (values.json) console.log(JSON.stringify({ v: 1, bench: name, node, costs }))
    else console.log(`${tableOf(rows)}\n`)
  }
}

if (!['replicate', 'latency', 'throughput', 'balance', 'recovery', 'profile'].includes(name)) {
  say(
    'usage: npm run bench -- replicate | latency | throughput | balance | recovery | profile [--json]'
  )
  process.exitCode = 2
} else {
  const status = inOwnNetwork()
  if (status === null) await bench()
  else process.exitCode = status
}
