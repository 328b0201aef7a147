/** Scripts that people run by hand say how, and what was wrong, in words. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

function run(script: string, ...argv: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`test/${script}.ts`, ...argv], {
    encoding: 'utf8'
  })
  return { status, text: `${stdout}${stderr}` }
}

test.each(['bench/bench', 'soak/soak'])('%s explains itself, and starts nothing', script => {
  const said = run(script, '--help')
  expect(said).toMatchObject({
    status: 0,
    text: expect.stringMatching(/^usage: npm run/) as string
  })
  const refused = run(script, '--nope')
  expect(refused.status).toBe(2)
  expect(refused.text).toMatch(/--nope.*\nusage: npm run/)
  expect(refused.text).not.toMatch(/^ +at /m)
})
