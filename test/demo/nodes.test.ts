/** The node processes of the demo: who they are, what happens if one cannot start, and if the demo itself is killed. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { demoNodeNames, DemoNodes } from '../../src/demo/nodes.ts'
import { until } from '../support/until.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-test-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('nodes are numbered through, two on each computer', () => {
  expect(demoNodeNames(6)).toEqual([
    'computer-a/1',
    'computer-a/2',
    'computer-b/3',
    'computer-b/4',
    'computer-c/5',
    'computer-c/6'
  ])
  expect(demoNodeNames(12).at(-1)).toBe('computer-f/12')
})

test('a node that cannot start is named, with its last words', async () => {
  const nodes = new DemoNodes(1, folder)
  await writeFile(nodes.dataOf('computer-a/1'), 'a file where the data folder should be')
  const started = nodes.start(false)
  await expect(started).rejects.toThrow(
    /^the node computer-a\/1 ended with code \d+; .*\n.*hearsay: /
  )
  await nodes.stop()
})

test('stopping before anything has started is fine, and nothing starts afterwards', async () => {
  const nodes = new DemoNodes(2, folder)
  const started = nodes.start(false)
  await nodes.stop()
  await started
  await nodes.stop()
})

test('nodes leave when the process that started them has been killed', async () => {
  const script = new URL('./children/nodes.ts', import.meta.url).pathname
  const demo = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let ready = false
  demo.stdout.once('data', () => (ready = true))
  await until(() => ready, 'the node to be ready')
  const data = new DemoNodes(1, folder).dataOf('computer-a/1')
  expect((await (await Client.open({ data })).status()).node).toBe('computer-a/1')
  demo.kill('SIGKILL')
  await until(
    () =>
      Client.open({ data }).then(
        () => false,
        (error: Error) => error.name === 'NoNodeError'
      ),
    'the node to have left'
  )
})
