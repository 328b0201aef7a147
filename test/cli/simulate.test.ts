/** `hearsay simulate`: what it prints, what it ends with, and that what it says about a seed can be replayed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type * as RulesRoom from '../../src/core/claim/rules.ts'
import { run, type Said } from './run.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-simulate-'))
})
afterEach(async () => {
  vi.doUnmock('../../src/core/claim/rules.ts')
  vi.resetModules()
  await rm(folder, { recursive: true })
})

/** Has handlers end as the dice did not say, which breaks invariant 4 in every seed. */
async function runWithMistake(argv: readonly string[]): Promise<Said> {
  vi.resetModules()
  vi.doMock('../../src/core/claim/rules.ts', async importOriginal => {
    const rules = await importOriginal<typeof RulesRoom>()
    const afterRun: typeof rules.afterRun = (self, record, _run, ...rest) =>
      rules.afterRun(self, record, { status: 'completed', result: 'null' }, ...rest)
    return { ...rules, afterRun }
  })
  return (await import('./run.ts')).run(argv)
}

async function scenario(settings: object): Promise<string> {
  const file = join(folder, 'it is mine.json')
  await writeFile(file, JSON.stringify(settings))
  return file
}

test('seeds that keep the invariants end with 0 and one line', async () => {
  const { code, stdout, stderr } = await run(['simulate', '--seeds', '3', '--from', '7'])
  expect(stdout).toMatch(/^seeds 7 to 9: all invariants held in \d+ steps\n$/)
  expect([code, stderr]).toEqual([0, ''])
})

test('with --json says so in one object', async () => {
  const { code, stdout } = await run(['simulate', '--seeds', '2', '--json'])
  expect(JSON.parse(stdout)).toEqual({ v: 1, seeds: 2, violations: [] })
  expect(code).toBe(0)
})

test('a violation ends with 1, and says with which command it is seen again', async () => {
  const file = await scenario({ failing: 1, dependent: 0, retentionMs: 3_600_000 })
  const argv = ['simulate', '--seeds', '2', '--from', '5', '--scenario', file]
  const { code, stdout } = await runWithMistake([...argv, '--json'])
  expect(code).toBe(1)
  const replay = `hearsay simulate --seeds 1 --from 5 --scenario '${file}' --transcript`
  const { seeds, violations } = JSON.parse(stdout)
  expect(seeds).toBe(2)
  expect(violations).toHaveLength(2)
  expect(violations[0]).toEqual({
    seed: 5,
    invariant: 4,
    message: expect.stringMatching(/^invariant 4: no run of/),
    replay
  })
  const spoken = await runWithMistake(argv)
  expect(spoken.code).toBe(1)
  expect(spoken.stdout).toContain(`seed 5: invariant 4: `)
  expect(spoken.stdout).toContain(`again: ${replay}\n`)
  expect(spoken.stdout).toMatch(/seeds 5 to 6: 2 of 2 broke an invariant\n$/)
})

test('a transcript is that of the seed, every time', async () => {
  const argv = ['simulate', '--seeds', '1', '--from', '3', '--transcript']
  const { simulate } = await import('../../src/sim/index.ts')
  const { transcript } = simulate(3)
  const { stdout } = await run(argv)
  expect(stdout.split('\n').slice(0, transcript.length)).toEqual(transcript)
})

test.each([
  [['--seeds', '0'], /at least 1/],
  [['--seeds', 'many'], /whole number/],
  [['--from', '-1'], /whole number/],
  [['--transcript', '--json'], /cannot be used with option '--json'/],
  [['--scenario', '/nowhere/at/all.json'], /cannot be read \(ENOENT\)/]
])('%j is wrong usage', async (flags, message) => {
  const { code, stdout, stderr } = await run(['simulate', ...flags])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(message)
})

test('a misspelt setting is wrong usage, with the name of the one that was meant', async () => {
  const { code, stderr } = await run(['simulate', '--scenario', await scenario({ crashs: 3 })])
  expect(code).toBe(2)
  expect(stderr).toMatch(/crashs is no setting of a scenario: did you mean crashes\?/)
})
