/**
 * Scenarios that dice made, one after the other, with several seeds each. What breaks is printed with the command that
 * shows it again, and made as small as it gets.
 */
import { checkScenario, simulate } from '../../src/sim/index.ts'
import { scenarioOf, seedsOf } from '../sim/support/dice.ts'
import { shrink, type Failure } from '../sim/support/shrinking.ts'
import { progress } from './seeds.ts'

export type ScenarioTrial = Readonly<{
  minutes: number
  from: number
  /** So many scenarios, however long they take. */
  count: number | undefined
}>

const SEEDS_EACH = 3
const PRINT_MS = 10_000

/** Returns whether all invariants held. */
export function scenarios({ minutes, from, count }: ScenarioTrial): boolean {
  const startedAt = performance.now()
  let printedAt = startedAt
  let done = 0
  const broken = new Map<string, number>()
  const sum = (): number => [...broken.values()].reduce((total, one) => total + one, 0)
  const isOver = (n: number): boolean =>
    count === undefined ? performance.now() - startedAt >= minutes * 60_000 : n >= from + count
  for (let n = from; !isOver(n); n++) {
    const { family, settings } = scenarioOf(n)
    const scenario = checkScenario(settings)
    for (const seed of seedsOf(n, SEEDS_EACH)) {
      const { violation } = simulate(seed, scenario)
      done++
      if (violation === null) continue
      broken.set(family, (broken.get(family) ?? 0) + 1)
      console.log(`scenario ${n} (${family}), seed ${seed}: ${violation.message}`)
      console.log(`  again: npm run soak -- scenarios --from ${n} --count 1`)
      print(shrink({ seed, settings, message: violation.message }))
    }
    if (performance.now() - printedAt < PRINT_MS) continue
    printedAt = performance.now()
    console.log(`up to scenario ${n}: ${progress(done, startedAt, sum())}`)
  }
  for (const [family, times] of broken) console.log(`${family}: ${times}`)
  console.log(progress(done, startedAt, sum()))
  return sum() === 0
}

function print({ seed, settings, message }: Failure): void {
  console.log(`  least: ${message.slice(0, 200)}`)
  console.log(
    `  again: echo '${JSON.stringify(settings)}' > least.json; hearsay simulate --seeds 1 --from ${seed} --scenario least.json --transcript`
  )
}
