/** The helpers themselves: a helper that cannot fail would hide whatever it is used for. */
import { expect, test } from 'vitest'
import type { TestModule } from 'vitest/node'
import { tally, tallyLine } from './tally.ts'
import { until } from './until.ts'

function fakeModule(ok: boolean, states: readonly string[]): TestModule {
  const tests = states.map(state => ({ result: () => ({ state }) }))
  return { ok: () => ok, children: { allTests: () => tests } } as unknown as TestModule
}

test('the tally counts passed, failed and skipped tests of all files', () => {
  const modules = [fakeModule(true, ['passed', 'skipped']), fakeModule(false, ['failed', 'passed'])]
  expect(tally(modules, 0)).toEqual({ passed: 2, failed: 1, skipped: 1 })
})

test('a file that could not be loaded counts as one failure', () => {
  expect(tally([fakeModule(false, [])], 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('an error outside of any test counts as a failure', () => {
  expect(tally([fakeModule(true, ['passed'])], 2)).toEqual({ passed: 1, failed: 2, skipped: 0 })
})

test('the tally line names skipped tests only if there are any', () => {
  expect(tallyLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
  expect(tallyLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
})

test('until gives the first truthy value', async () => {
  let calls = 0
  expect(await until(() => (++calls === 3 ? 'there' : ''), 'the third call')).toBe('there')
})

test('until gives up after its bound and names what it waited for', async () => {
  await expect(until(() => false, 'something that never comes', 30)).rejects.toThrow(
    'gave up after 30 ms waiting for something that never comes'
  )
})

test('until takes an error of the condition for "not yet" and keeps the last as cause', async () => {
  const broken = until(
    () => {
      throw new Error('no such file')
    },
    'a file',
    30
  )
  await expect(broken).rejects.toMatchObject({ cause: new Error('no such file') })
})
