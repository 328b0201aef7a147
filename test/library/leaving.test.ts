/** How nodes of a program leave: at the end of a block, at a signal, and when their name is taken. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createNode, type Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, forget, privateOptions, startNode } from './nodes.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-leaving-'))
})
afterEach(async () => {
  await endAll()
  await rm(folder, { recursive: true, force: true })
})

test('a node leaves at the end of its block', async () => {
  let used: Node
  {
    await using node = await createNode(await privateOptions())
    used = node
    expect(node.getSystemStatus().members.alive).toBe(1)
  }
  expect(await used.closed).toBeNull()
})

/** What a program has said, and how it ended. */
async function program(ms: number, signals: number): Promise<{ said: string; ended: unknown[] }> {
  const file = fileURLToPath(new URL('children/signals.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [file, folder, String(ms)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let said = ''
  child.stdout!.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const ended = new Promise<unknown[]>(resolve =>
    child.once('close', (...given: unknown[]) => resolve(given))
  )
  await until(() => said.includes('running'), 'the task to run', 60_000)
  for (let i = 0; i < signals; i++) {
    child.kill('SIGINT')
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return { ended: await ended, said }
}

test('at the first signal a program lets its tasks finish, leaves, and ends by the signal', async () => {
  const { said, ended } = await program(1000, 1)
  expect(said).toMatch(/^running\nfinished\n/)
  expect(ended).toEqual([null, 'SIGINT'])
})

test('at the second one it hands on what runs, and does not wait for it', async () => {
  const { said, ended } = await program(600_000, 2)
  expect(said).not.toContain('finished')
  expect(ended).toEqual([null, 'SIGINT'])
})

test('signals that are no switch are refused', async () => {
  const options = { ...(await privateOptions()), signals: 'SIGINT' as unknown as boolean }
  await expect(createNode(options)).rejects.toMatchObject({ name: 'InvalidOptionError' })
})

test('a program whose name is taken is told by which node, and so by all that it calls', async () => {
  const first = await startNode({ computer: 'taken' })
  const options = await privateOptions({ computer: 'taken', peers: first.addresses })
  const second = await createNode(options)
  expect(await second.closed).toMatchObject({
    name: 'NameTakenError',
    message: expect.stringContaining(
      `is called ${first.name} already (${first.id} at /ip4/`
    ) as string
  })
  const id = '01a20906-f693-8000-8000-00017cdaf76b'
  for (const call of [() => second.createTask('any', null), () => second.waitForTask(id)]) {
    await expect(call()).rejects.toMatchObject({ name: 'NameTakenError' })
  }
  await second.leave()
  await first.leave(0)
  forget(first)
})
