/** A word that is wrong on the command line is answered with the one that was meant, wherever it stands. */
import { expect, test } from 'vitest'
import { run } from './run.ts'

test.each([
  [['submit', 'a', '--prio', '8'], '--priority'],
  [['submit', 'a', '--prio=8'], '--priority'],
  [['submit', 'a', '--retries', '0'], '--max-retries'],
  [['submit', 'a', '--max', '0'], 'one of --max-retries, --max-lost'],
  [['submit', 'a', '-priority', '8'], '--priority'],
  [['run', '--prio', '8', '--', 'ls'], '--priority'],
  [['ls', '--stat', 'failed'], '--state'],
  [['start', '--iso', '5s'], '--stop-after-isolated'],
  [['start', '--isolated', '5s'], '--stop-after-isolated'],
  [['wait', 'a', '--time', '5s'], '--timeout'],
  [['retry', 'a', '--dependents'], '--with-dependents'],
  [['ls', '--xy'], undefined],
  [['ls', '--jsno'], '--json'],
  [['state', 'load', 'a', '--rek'], '--rekey'],
  [['key', 'new', '--sa'], '--save'],
  [['ls', '--nonsense'], undefined]
])('an unknown flag names the near one: %j', async (argv, meant) => {
  const { code, stdout, stderr } = await run(argv)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(/\(Did you mean (.*)\?\)$/m.exec(stderr)?.[1]).toBe(meant)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test.each([
  [['sub'], 'submit'],
  [['comp'], 'completion'],
  [['dash'], 'dashboard'],
  [['stat'], 'one of status, state'],
  [['lss'], 'ls'],
  [['state', 'lo', 'file'], 'load']
])('an unknown verb names the near one: %j', async (argv, meant) => {
  const { code, stderr } = await run(argv)
  expect(code).toBe(2)
  expect(stderr).toContain(`(Did you mean ${meant}?)`)
})
