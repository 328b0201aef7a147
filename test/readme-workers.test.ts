/** The worker in README.md, which is curl in a shell, as printed there. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { serveFakeNode } from './api/served.ts'
import { runOf } from './run/external/runs.ts'
import { until } from './support/until.ts'

const at = serveFakeNode()

test('a shell takes a task, says how far it is, and completes it', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, script = ''] = /^```bash\n(.*?)^```$/ms.exec(readme) ?? []
  expect(script).toContain('curl')
  const env = { PATH: process.env['PATH'], HEARSAY_DATA: at.folder }
  const ended = promisify(execFile)('bash', ['-euc', script], { env })
  const { work } = at.node
  await until(() => work.pool !== undefined, 'it to ask for a task')
  expect(work.pool?.types).toEqual(['shout'])
  work.start(runOf({ type: 'shout' }))
  const { stdout } = await ended
  expect(stdout).toContain('"leaseMs":60000')
  expect(work.progress).toEqual([{ fraction: 0.5, message: null }])
  expect(work.ends).toMatchObject([{ result: { status: 'completed', result: '"DONE"' } }])
})
