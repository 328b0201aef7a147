/**
 * `npm run bench -- [NAME] [--json] [--rounds N]`: all benchmarks one after the other, or one of them; `profile` shows
 * where the time goes. `--rounds` is how often the two that kill nodes do so, instead of ten times. It ends after 40
 * minutes at the latest.
 *
 * As root it runs in a network of its own, so that nothing else is in the count of bytes; otherwise on the loopback
 * interface of the computer. Figures depend on the computer: compare them with others of the same one only.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { lanUnavailable } from '../lan/lan.ts'
import { alone } from '../support/alone.ts'
import { argumentsOf } from '../support/arguments.ts'
import { balance } from './balance.ts'
import { tableOf, type Row } from './figures.ts'
import { footprint } from './footprint.ts'
import { lateKill } from './late-kill.ts'
import { recovery } from './recovery.ts'
import { priority } from './priority.ts'
import { growth, guaranteed, replicate } from './replicate.ts'
import { inVirtualTime, scale } from './scale/scale.ts'
import { latency, profile, throughput } from './tasks.ts'

type Bench = Readonly<{
  run: (say: (text: string) => void, rounds: number) => Promise<Row[]>
  /** What was kept to while it was measured. */
  guaranteed: string
}>

const COSTS_SHOWN = 25
/** Several times what all of them take on 2 cores: whatever is not done by then hangs. */
const MINUTES_MAX = 40
const twoDisks =
  'meanwhile each task and each result was synced on two nodes before it was reported'
const nothingLost = 'each task was started once, and once more when its node was dead'
const ownNetwork = process.env['HEARSAY_BENCH_NETWORK'] !== undefined

const BENCHES: Readonly<Record<string, Bench>> = {
  throughput: { run: throughput, guaranteed: twoDisks },
  latency: { run: latency, guaranteed: twoDisks },
  replicate: { run: replicate, guaranteed },
  growth: { run: growth, guaranteed },
  footprint: {
    // Announcements belong into no real network.
    run: say => footprint(lanUnavailable() === null, say),
    guaranteed: 'meanwhile a node that died would have been noticed as soon as ever'
  },
  scale: { run: scale, guaranteed: inVirtualTime },
  balance: { run: balance, guaranteed: twoDisks },
  priority: { run: priority, guaranteed: twoDisks },
  recovery: { run: recovery, guaranteed: nothingLost },
  'late-kill': { run: lateKill, guaranteed: `${nothingLost}; ${twoDisks}` }
}

const USAGE = `usage: npm run bench -- [${[...Object.keys(BENCHES), 'profile'].join(' | ')}] [--json] [--rounds N] [--out DIR]

All benchmarks, one after the other, or one of them; "profile" shows where the time goes.
  --json      an object a line instead of tables
  --rounds N  how often recovery and late-kill kill a node (default 10)
  --out DIR   where profile writes two flame graphs, for speedscope or a browser (default: none)`

const say = (text: string): void => void process.stderr.write(`${text}\n`)

function inOwnNetwork(): number | null {
  if (process.getuid?.() !== 0 || ownNetwork) return null
  const args = alone(process.execPath, ...process.argv.slice(1))
  const env = { ...process.env, HEARSAY_BENCH_NETWORK: 'own' }
  const { status, error } = spawnSync('unshare', args, { stdio: 'inherit', env })
  return error === undefined ? (status ?? 1) : null
}

type Asked = Readonly<{
  name: string | undefined
  rounds: number
  json: boolean
  out: string | undefined
}>

async function print(
  bench: string,
  { run, guaranteed: promise }: Bench,
  { rounds, json }: Asked
): Promise<void> {
  const computer = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
  const rows = await run(text => say(`${bench}: ${text}`), rounds)
  if (json) console.log(JSON.stringify({ v: 1, bench, computer, guaranteed: promise, rows }))
  else console.log(`${bench}\n${tableOf(rows)}\n${computer}\n${promise}\n`)
}

async function printProfile({ json, out }: Asked): Promise<void> {
  for (const [node, { costs, profile: graph }] of Object.entries(await profile())) {
    if (out !== undefined) {
      await mkdir(out, { recursive: true })
      await writeFile(join(out, `${node}.cpuprofile`), JSON.stringify(graph))
    }
    const rows = costs
      .slice(0, COSTS_SHOWN)
      .map(cost => ({ percent: cost.percent, [node]: cost.name }))
    if (json) console.log(JSON.stringify({ v: 1, bench: 'profile', node, costs }))
    else console.log(`${tableOf(rows)}\n`)
  }
}

async function bench(asked: Asked): Promise<void> {
  const end = (): never => {
    say(`ended: it has taken more than ${MINUTES_MAX} minutes`)
    // oxlint-disable-next-line no-process-exit -- something hangs; the nodes notice, and end, too
    process.exit(1)
  }
  setTimeout(end, MINUTES_MAX * 60_000).unref()
  const { name } = asked
  if (name === 'profile') return printProfile(asked)
  for (const [each, one] of Object.entries(BENCHES)) {
    if (name === undefined || name === each) await print(each, one, asked)
  }
}

const asked = argumentsOf(
  USAGE,
  {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '10' },
    out: { type: 'string' }
  },
  ({ values: { json, rounds, out }, positionals: [name, ...rest] }): Asked | null => {
    const isKnown = name === undefined || name === 'profile' || BENCHES[name] !== undefined
    if (!isKnown || rest.length > 0 || !/^[1-9]\d*$/.test(rounds)) return null
    return { name, rounds: Number(rounds), json, out }
  }
)
if (asked !== null) {
  const status = inOwnNetwork()
  if (status === null) await bench(asked)
  else process.exitCode = status
}
