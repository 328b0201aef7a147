/**
 * hearsay beside BullMQ, in one run: the same loads, on the same computer, in turn. Redis syncs each write before it
 * answers; hearsay syncs each task and each result on two nodes.
 */
import { readFile } from 'node:fs/promises'
import { LOADS } from '../loads/loads.ts'
import { rounds } from '../loads/rounds.ts'
import { bullmq, quickBullmq } from '../systems/bullmq.ts'
import { functions, modules } from '../systems/hearsay.ts'
import { redisVersion } from '../systems/redis.ts'
import { compare, markdownOf, type Comparison, type Measured } from './comparison.ts'

const SYSTEMS = [functions.name, modules.name]
/** Where workers are killed, they are to be found dead soon. */
const WITH_DEATHS = 'batch'

/** Why there is nothing to compare with; null if there is. */
export function versusUnavailable(): string | null {
  if (redisVersion() !== null) return null
  return 'nothing is measured: redis-server is not on the PATH (on Debian: apt-get install redis-server)'
}

export async function versus(say: (text: string) => void, reps: number): Promise<Comparison> {
  const measured: Measured[] = []
  for (const [name, load] of Object.entries(LOADS)) {
    const other = name === WITH_DEATHS ? quickBullmq : bullmq
    const systems = [other, functions, modules]
    const samples = await rounds(load, systems, reps, text => say(`${name}: ${text}`))
    measured.push({ load, samples })
  }
  return compare(measured, bullmq.name)
}

/** Ratios first. */
export function comparisonText({ ratios, figures }: Comparison): string {
  const ofOthers = SYSTEMS.map(name => `hearsay, ${name}`)
  return [
    `How many times as much hearsay has as ${bullmq.name}; the median of the rounds, and in brackets the range:`,
    markdownOf(ofOthers, ratios),
    'The figures:',
    markdownOf([bullmq.name, ...ofOthers], figures)
  ].join('\n\n')
}

/** What was compared with what. */
export async function versions(): Promise<string> {
  const file = new URL('../../../node_modules/bullmq/package.json', import.meta.url)
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return `BullMQ ${version} on Redis ${redisVersion()}, appendonly yes, appendfsync always; where a worker is killed, lockDuration 2 s and stalledInterval 1 s`
}
