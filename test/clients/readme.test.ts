/** The programs in Python that README.md shows run as printed. */
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import { endAll, privateOptions, startNode } from '../library/nodes.ts'
import { until } from '../support/until.ts'
import { endPrograms, hasPython, Python } from './python.ts'

const withPython = describe.skipIf(!hasPython())
if (!hasPython()) console.warn('skipped: there is no python3 of version 3.9 or later here')

let api: Api
let data: string

beforeAll(async () => {
  const options = await privateOptions()
  data = options.data!
  api = await startApi(await startNode(options), data)
})
afterEach(endPrograms)
afterAll(async () => {
  await api.close()
  await endAll()
})

withPython('README.md', () => {
  test('one program submits and waits, the other one does the work until Ctrl-C', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    const programs = [...readme.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code]) => code!)
    const [asks = '', works = ''] = programs
    const env = { HEARSAY_DATA: data }
    const asking = new Python(asks, env)
    const working = new Python(works, env)
    expect(await asking.ended(), asking.stderr).toBe(0)
    expect(asking.stdout).toBe("{'words': 4}\n")
    working.process.kill('SIGINT')
    expect(await working.ended(), working.stderr).toBe(0)
    await until(() => working.stderr === '', 'no complaint')
  })
})
