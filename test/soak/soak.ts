/**
 * `npm run soak [-- NAME] [--minutes N] [--from SEED] [--count N]`: what only shows after a while, or with much.
 *
 * `seeds` (default), `scenarios`, `chaos` and `fuzz` go on for `--minutes`; `tasks`, `newcomer`, `away`, `each`,
 * `loss`, `overload` and `kill-all` do something `--count` times and print figures; `mutants` plants mistakes and looks
 * whether tests notice; `lan` runs the LAN tests with all that CI has no time for. Each ends with exit code 1 if
 * something that was promised does not hold.
 */
import { argumentsOf } from '../support/arguments.ts'
import { away } from './away.ts'
import { chaos } from './chaos.ts'
import { each } from './each.ts'
import { FUZZED, fuzzing } from './fuzz.ts'
import { killAll } from './kill-all.ts'
import { loss } from './loss.ts'
import { mutants } from './mutants.ts'
import { newcomer } from './newcomer.ts'
import { scenarios } from './scenarios.ts'
import { overloaded } from './overload.ts'
import { seeds } from './seeds.ts'
import { tasks } from './tasks.ts'
import { runTests } from './tests.ts'

type Asked = Readonly<{
  minutes: number
  from: number
  count: number | undefined
  /** Only this one. */
  seed: number | undefined
  door: string | undefined
  /** What follows the name of the trial. */
  names: readonly string[]
}>

/** Name -> the trial, which says whether all is well. */
const TRIALS: Readonly<Record<string, (asked: Asked) => Promise<boolean>>> = {
  seeds: async ({ minutes, from }) => (await seeds(minutes, from)) === 0,
  scenarios: ({ minutes, from, count }) => Promise.resolve(scenarios({ minutes, from, count })),
  tasks: ({ count }) => tasks(count ?? 100_000),
  newcomer: ({ count }) => newcomer(count ?? 100_000),
  away: ({ count }) => away(count ?? 20_000),
  each: ({ count }) => each(count ?? 100_000),
  loss: ({ count }) => loss(count ?? 200),
  chaos: ({ minutes, from }) => chaos(minutes, from),
  fuzz: ({ minutes, from, seed, door }) => fuzzing({ minutes, from, seed, door }),
  mutants: ({ names }) => mutants(names),
  lan: () => runTests(['test/lan/'], { LONG: '1' }),
  overload: ({ count }) => overloaded(count ?? 20_000),
  'kill-all': ({ count }) => killAll(count ?? 10)
}

const USAGE = `usage: npm run soak -- [${Object.keys(TRIALS).join(' | ')}] [--minutes 2] [--from SEED] [--count N]
       npm run soak -- scenarios [--minutes 2 | --count N] [--from NUMBER]
       npm run soak -- mutants [NAME...]
       npm run soak -- fuzz [--minutes 2] [--from SEED | --seed SEED] [--door NAME]

"seeds" (the default), "scenarios", "chaos" and "fuzz" go on for --minutes, from --from on; "scenarios" makes
them by dice, and with --count runs that many of them; "fuzz" mutates messages, at all
doors or at one (${FUZZED.join(', ')}), and runs --seed alone; of the others some do something --count
times, "mutants" plants mistakes, all or these, in a copy of this tree and runs the tests that should notice, and "lan" runs the LAN tests with all that is too long for every day.`

const trial = argumentsOf(
  USAGE,
  {
    minutes: { type: 'string', default: '2' },
    from: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    count: { type: 'string' },
    seed: { type: 'string' },
    door: { type: 'string' }
  },
  ({ values, positionals: [name = 'seeds', ...rest] }) => {
    const { minutes, from, count, seed, door } = values
    const all = [minutes, from, count ?? '1', seed ?? '1'].map(Number)
    if (door !== undefined && !FUZZED.includes(door)) return null
    const chosen = TRIALS[name]
    if (rest.length > 0 && name !== 'mutants') return null
    if (chosen === undefined || !all.every(one => one > 0)) return null
    const asked: Asked = {
      minutes: Number(minutes),
      from: Number(from),
      count: count === undefined ? undefined : Number(count),
      seed: seed === undefined ? undefined : Number(seed),
      door,
      names: rest
    }
    return () => chosen(asked)
  }
)
if (trial !== null && !(await trial())) process.exitCode = 1
