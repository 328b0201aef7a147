/** An older Node is told from the start, in one line: by the library as by the command line. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { assertNode } from '../../src/shared/node-version.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('what package.json says is needed is what is looked for', async () => {
  const { engines } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as {
    engines: { node: string }
  }
  const needed = engines.node.replace('>=', '')
  expect(() => assertNode(`${needed}.0`)).not.toThrow()
  for (const newer of ['22.19.1', '24.0.0', '100.1.0'])
    expect(() => assertNode(newer)).not.toThrow()
  for (const older of ['22.17.9', '20.20.0', '18.20.8']) {
    expect(() => assertNode(older)).toThrow(
      `hearsay needs Node ${needed} or newer, this is v${older}: `
    )
  }
  // The same words, which the command line may not import.
  expect(await readFile(`${root}/bin/hearsay.js`, 'utf8')).toContain(
    `hearsay needs Node ${needed} or newer, this is `
  )
})

test('a program on an older Node ends with one line, before anything is loaded', async () => {
  const program = `
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })
    const { createNode } = await import(${JSON.stringify(`${root}/src/index.ts`)})
    await createNode().catch(error => {
      console.error(error)
      process.exit(1)
    })`
  const said = await new Promise<string>(resolve =>
    execFile(process.execPath, ['--input-type=module', '-e', program], (_, __, stderr) =>
      resolve(stderr)
    )
  )
  expect(said).toMatch(
    /^\[?UnsupportedNodeError: hearsay needs Node 22\.18 or newer, this is v20\.1\.0: .*\n/
  )
  expect(said.trim().split('\n')).toHaveLength(1)
})

test('the entry of the library imports nothing by a name that an older Node may not have', async () => {
  const text = await readFile(`${root}/src/index.ts`, 'utf8')
  expect(text).not.toMatch(/^import \{[^}]*\} from 'node:/m)
})
