/**
 * `npm run bench -- [NAME] [--reps N] [--json]`: all benchmarks one after the other, or one of them; `versus` compares with
 * BullMQ, and `profile` shows where the time goes. Whatever hangs is ended.
 *
 * As root it runs in a network of its own, so that nothing else is in the count of bytes; otherwise on the loopback
 * interface of the computer. Figures depend on the computer: compare them with others of the same one only.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alone } from '../support/alone.ts'
import { argumentsOf } from '../support/arguments.ts'
import { OPTIONS, read, USAGE, type Asked } from './asked.ts'
import { BENCHES, type Bench } from './benches.ts'
import { tableOf } from './figures.ts'
import { hotSpots } from './hot-spots.ts'
import { comparisonText, versions, versus, versusUnavailable } from './versus/versus.ts'

const COSTS_SHOWN = 25
/** Twice what all of them take on 2 busy cores, and what a repetition of all of them takes. */
const MINUTES_MAX = 40
const MINUTES_MAX_A_REP = 15
const VERSUS_REPS = 3
const ownNetwork = process.env['HEARSAY_BENCH_NETWORK'] !== undefined

const say = (text: string): void => void process.stderr.write(`${text}\n`)
const computer = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`

function inOwnNetwork(): number | null {
  if (process.getuid?.() !== 0 || ownNetwork) return null
  const args = alone(process.execPath, ...process.argv.slice(1))
  const env = { ...process.env, HEARSAY_BENCH_NETWORK: 'own' }
  const { status, error } = spawnSync('unshare', args, { stdio: 'inherit', env })
  return error === undefined ? (status ?? 1) : null
}

async function print(
  bench: string,
  { run, guaranteed: promise, reps: usual }: Bench,
  { reps = usual, json }: Asked
): Promise<void> {
  const rows = await run(text => say(`${bench}: ${text}`), reps)
  if (json) console.log(JSON.stringify({ v: 1, bench, computer, guaranteed: promise, rows }))
  else console.log(`${bench}\n${tableOf(rows)}\n${computer}\n${promise}\n`)
}

async function printVersus({ reps = VERSUS_REPS, json }: Asked): Promise<void> {
  const comparison = await versus(say, reps)
  const compared = await versions()
  if (json) {
    console.log(JSON.stringify({ v: 1, bench: 'versus', computer, compared, reps, ...comparison }))
  } else console.log(`${comparisonText(comparison)}\n\n${computer}; rounds: ${reps}\n${compared}`)
}

async function printProfile({ json, out }: Asked): Promise<void> {
  for (const [node, { costs, profile: graph }] of Object.entries(await hotSpots())) {
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

/** What is measured is the product as it is built from what is here. */
function build(): boolean {
  const script = fileURLToPath(new URL('../../config/tools/build.ts', import.meta.url))
  return spawnSync(process.execPath, [script], { stdio: ['ignore', 2, 2] }).status === 0
}

async function bench(asked: Asked): Promise<void> {
  const { name, reps = 0 } = asked
  const minutesMax = MINUTES_MAX + reps * MINUTES_MAX_A_REP
  const end = (): never => {
    say(`ended: it has taken more than ${minutesMax} minutes`)
    // oxlint-disable-next-line no-process-exit -- something hangs; what was started notices, and ends, too
    process.exit(1)
  }
  setTimeout(end, minutesMax * 60_000).unref()
  if (name === 'profile') return printProfile(asked)
  if (name === 'versus') return printVersus(asked)
  for (const [each, one] of Object.entries(BENCHES)) {
    if (name === undefined || name === each) await print(each, one, asked)
  }
}

/** The exit code of what cannot be measured here, which has been said; null if it can be. */
function failed({ name }: Asked): number | null {
  const missing = name === 'versus' ? versusUnavailable() : null
  if (missing !== null) say(missing)
  return missing !== null || !build() ? 1 : null
}

const asked = argumentsOf(USAGE, OPTIONS, read)
if (asked !== null) {
  const status = failed(asked) ?? inOwnNetwork()
  if (status === null) await bench(asked)
  else process.exitCode = status
}
