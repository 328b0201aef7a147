/** The simulator on new seeds for a number of minutes, scenario after scenario. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readScenario, simulate } from '../../src/sim/index.ts'

const scenarios = fileURLToPath(new URL('../../config/sim/', import.meta.url))
const PRINT_MS = 10_000

/** Returns how many seeds broke an invariant. */
export async function seeds(minutes: number, from: number): Promise<number> {
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

/** So much has been done. */
export function progress(done: number, startedAt: number, violations: number): string {
  const seconds = (performance.now() - startedAt) / 1000
  return `${done} seeds in ${Math.round(seconds)} s, ${(done / seconds).toFixed(1)} a second, ${violations} violations`
}
