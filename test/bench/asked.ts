/** What the benchmarks can be asked for on the command line. */
import { BENCHES } from './benches.ts'

/** `name`: undefined for all of them. `reps`: undefined if nobody says. */
export type Asked = Readonly<{
  name: string | undefined
  reps: number | undefined
  json: boolean
  out: string | undefined
}>

export const OPTIONS = {
  json: { type: 'boolean', default: false },
  reps: { type: 'string' },
  out: { type: 'string' }
} as const

export const NAMES: readonly string[] = [...Object.keys(BENCHES), 'versus', 'profile']

const widest = Math.max(...NAMES.map(name => name.length))
const ABOUT = Object.entries({
  ...Object.fromEntries(Object.entries(BENCHES).map(([name, { about }]) => [name, about])),
  versus: 'the first six of these beside BullMQ on a Redis that syncs every write',
  profile: 'where the time goes'
})
  .map(([name, about]) => `  ${name.padEnd(widest)}  ${about}`)
  .join('\n')

export const USAGE = `usage: npm run bench -- [NAME] [--reps N] [--json] [--out DIR]

Without a name all benchmarks run, one after the other, but versus and profile:
${ABOUT}

  --reps N   how often each is repeated (default: a few times)
  --json     an object a line instead of tables
  --out DIR  where profile writes two flame graphs, for speedscope or a browser (default: none)`

type Given = Readonly<{
  values: { json: boolean; reps?: string; out?: string }
  positionals: readonly string[]
}>

/**
 * Null if there is more than one name.
 *
 * @throws Error which says what is allowed
 */
export function read({ values: { json, reps, out }, positionals }: Given): Asked | null {
  const [name, ...rest] = positionals
  if (name !== undefined && !NAMES.includes(name)) {
    throw new Error(`there is no benchmark "${name}"; there are ${NAMES.join(', ')}`)
  }
  if (reps !== undefined && !/^[1-9]\d{0,3}$/.test(reps)) {
    throw new Error(`--reps must be a whole number from 1 to 9999, not "${reps}"`)
  }
  if (rest.length > 0) return null
  return { name, reps: reps === undefined ? undefined : Number(reps), json, out }
}
