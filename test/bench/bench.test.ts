/** What the benchmarks make of a command line, and of a computer on which something is missing. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { NAMES, read, USAGE } from './asked.ts'
import { BENCHES } from './benches.ts'
import { LOADS } from './loads/loads.ts'

type Said = { status: number | null; stdout: string; stderr: string }

/** With nothing to measure it ends soon; whatever starts would take minutes. */
function bench(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Said {
  const options = { encoding: 'utf8', env, timeout: 20_000 } as const
  return spawnSync(process.execPath, ['test/bench/bench.ts', ...argv], options)
}

const reading = (reps: string | undefined, ...positionals: string[]) =>
  read({ values: reps === undefined ? { json: false } : { json: false, reps }, positionals })

test('each benchmark is named in the help, with what it measures', () => {
  for (const name of NAMES) expect(USAGE).toMatch(new RegExp(`^  ${name} +\\S+ \\S+`, 'm'))
})

test('what is measured from outside can be run alone', () => {
  for (const name of Object.keys(LOADS)) {
    expect(BENCHES).toHaveProperty(name)
    expect(reading('7', name)).toMatchObject({ name, reps: 7 })
  }
})

test('without a name all are meant, as often as is usual', () => {
  expect(reading(undefined)).toMatchObject({ name: undefined, reps: undefined })
})

describe('what makes no sense is refused before anything starts', () => {
  test('an unknown name, with the list of names', () => {
    const { status, stdout, stderr } = bench(['throughputs'])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    const [line] = stderr.split('\n')
    expect(line).toBe(`there is no benchmark "throughputs"; there are ${NAMES.join(', ')}`)
  })

  test('what is a name of every object, but of no benchmark', () => {
    expect(() => reading(undefined, 'toString')).toThrow('there is no benchmark "toString"')
  })

  test.each(['0', '-1', '1.5', 'many', '', '10000'])('--reps=%s', reps => {
    expect(() => reading(reps, 'throughput')).toThrow(
      `--reps must be a whole number from 1 to 9999, not "${reps}"`
    )
  })

  test('two names', () => {
    expect(reading(undefined, 'throughput', 'latency')).toBeNull()
  })
})

test('without Redis there is nothing to compare with: one line says how to get it, and it has failed', () => {
  const { status, stdout, stderr } = bench(['versus'], { ...process.env, PATH: '/nowhere' })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^nothing is measured: redis-server .*apt-get install redis-server.*\n$/)
})
