/**
 * `npm run soak [-- NAME] [--minutes N] [--from SEED] [--count N]`: what only shows after a while, or with much.
 *
 * `seeds` (default) and `chaos` go on for so long; `tasks`, `newcomer`, `away`, `each`, `loss` and `kill-all` are trials of
 * so many that print figures; `lan` runs the LAN tests with all that CI has no time for. Each ends with exit code 1 if
 * something that was promised does not hold.
 */
import { parseArgs } from 'node:util'
import { away } from './away.ts'
import { chaos } from './chaos.ts'
import { each } from './each.ts'
import { killAll } from './kill-all.ts'
import { loss } from './loss.ts'
import { newcomer } from './newcomer.ts'
import { seeds } from './seeds.ts'
import { tasks } from './tasks.ts'
import { runTests } from './tests.ts'

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    from: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    count: { type: 'string' }
  },
  allowPositionals: true
})

const number = (text: string): number => (Number(text) > 0 ? Number(text) : Number.NaN)
const [minutes, from] = [number(values.minutes), number(values.from)]
const count = values.count === undefined ? undefined : number(values.count)

/** Name -> the trial, which says whether all is well. */
const trials: Readonly<Record<string, () => Promise<boolean>>> = {
  seeds: async () => (await seeds(minutes, from)) === 0,
  tasks: () => tasks(count ?? 100_000),
  newcomer: () => newcomer(count ?? 100_000),
  away: () => away(count ?? 20_000),
  each: () => each(count ?? 100_000),
  loss: () => loss(count ?? 200),
  chaos: () => chaos(minutes, from),
  lan: () => runTests(['test/lan/'], { LONG: '1' }),
  'kill-all': () => killAll(count ?? 10)
}

const trial = trials[positionals[0] ?? 'seeds']
if (trial === undefined || Number.isNaN(minutes + from + (count ?? 0))) {
  const names = Object.keys(trials).join('|')
  console.error(`usage: npm run soak [-- ${names}] [--minutes 2] [--from SEED] [--count N]`)
  process.exitCode = 2
} else if (!(await trial())) process.exitCode = 1
