/**
 * Plants one mistake after the other (test/mutations) in a copy of this tree, and runs the tests that should notice: the
 * core's, then the simulator's, unless the mistake names others.
 */
import { Copy } from '../mutations/copy.ts'
import type { Mistake } from '../mutations/mistake.ts'
import { MISTAKES } from '../mutations/table.ts'

type Stage = readonly [name: string, tests: readonly string[]]

/** The cheaper one first. */
const STAGES: readonly Stage[] = [
  ['core', ['test/core']],
  ['simulator', ['seeds', 'scenarios', 'blobs'].map(name => `test/sim/${name}.test.ts`)]
]

/** @param names of mistakes; none: all. Resolves to whether all of them were noticed */
export async function mutants(names: readonly string[]): Promise<boolean> {
  const unknown = names.filter(name => !MISTAKES.some(([known]) => known === name))
  if (unknown.length > 0) {
    console.log(`there are no mistakes called ${unknown.join(', ')}: see test/mutations`)
    return false
  }
  const chosen = MISTAKES.filter(([name]) => names.length === 0 || names.includes(name))
  const survivors: string[] = []
  const copy = await Copy.make()
  try {
    const failing = await failingWithout(copy, chosen)
    if (failing !== null) {
      console.log(
        `without any mistake there are failures in ${failing}: nothing can be noticed there`
      )
      return false
    }
    for (const mistake of chosen) {
      const by = await noticedBy(copy, mistake)
      const [name, file, , , is] = mistake
      console.log(`${by === null ? 'SURVIVED' : `noticed (${by})`}  ${name}  ${file}: ${is}`)
      if (by === null) survivors.push(name)
    }
  } finally {
    await copy.remove()
  }
  console.log(`${chosen.length - survivors.length} of ${chosen.length} mistakes were noticed`)
  return survivors.length === 0
}

/** Tests that notice what is not there; null if there are none. */
async function failingWithout(copy: Copy, chosen: readonly Mistake[]): Promise<string | null> {
  const all = chosen.flatMap(mistake => stagesOf(mistake).map(([, tests]) => tests.join(' ')))
  for (const tests of new Set(all)) if (!(await copy.passes(tests.split(' ')))) return tests
  return null
}

/** The first stage that fails with the mistake in place; null if none does. */
async function noticedBy(copy: Copy, mistake: Mistake): Promise<string | null> {
  for (const [stage, tests] of stagesOf(mistake)) {
    if (await copy.isNoticed(mistake, tests)) return stage
  }
  return null
}

function stagesOf([, , , , , tests]: Mistake): readonly Stage[] {
  return tests === undefined ? STAGES : [['tests', tests]]
}
