/**
 * A command is followed live from a node that does not run it, while other nodes die: the node that runs it and the ones
 * that might are processes of their own, and are killed.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import type { Node } from '../../src/index.ts'
import { run, type Said } from '../cli/run.ts'
import { isAlive } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { endAll, privateOptions, startNode } from './nodes.ts'

const script = fileURLToPath(new URL('./children/worker.ts', import.meta.url))

let folder: string
let asked: Node
let api: Api
/** By the names of their nodes. */
let workers: Map<string, ChildProcess>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-follow-'))
  asked = await startNode()
  api = await startApi(asked, folder)
  vi.stubEnv('HEARSAY_DATA', folder)
  workers = new Map()
  const started = ['x', 'y', 'z'].map(async computer => {
    const peers = [...asked.addresses]
    const options = await privateOptions({ computer, instance: 1, commands: true, peers })
    const child = fork(script, [JSON.stringify(options)], { execArgv: [] })
    workers.set(`${computer}/1`, child)
    await once(child, 'message')
  })
  await Promise.all(started)
  const met = (): boolean => asked.nodes().filter(({ connected }) => connected).length === 4
  await until(met, 'all to meet', 30_000)
})
afterEach(async () => {
  for (const child of workers.values()) child.kill('SIGKILL')
  vi.unstubAllEnvs()
  await api.close()
  await endAll()
  await rm(folder, { recursive: true, force: true })
})

const holder = (): string => [...asked.tasks({ type: 'command' })][0]!.holder

async function kill(name: string): Promise<void> {
  const child = workers.get(name)!
  workers.delete(name)
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

test('its output and its exit code arrive, though a third node dies and then the one that runs it', async () => {
  const go = join(folder, 'go')
  const code = `echo "run $HEARSAY_EPOCH"; until [ -e ${go} ]; do sleep 0.05; done; echo end; exit 7`
  const said: Said = { code: null, stdout: '', stderr: '' }
  const running = run(['run', '--shell', '--', code], '', said)
  await until(() => said.stdout.startsWith('run '), 'the first line', 20_000)
  const first = holder()
  await kill([...workers.keys()].find(name => name !== first)!)
  await kill(first)
  await until(() => said.stdout.split('run ').length === 3, 'the second run', 30_000)
  expect(holder()).not.toBe(first)
  await writeFile(go, '')
  await running
  expect(said.code).toBe(7)
  expect(said.stdout).toMatch(/^run \d+\nrun \d+\nend\n$/)
  expect(said.stderr).toContain('the rest of its output with it')
}, 90_000)

test('it is cancelled on a node that does not answer, as soon as that is back, with all its processes', async () => {
  const file = join(folder, 'child')
  const argv = [`sleep 60 & echo $! >${file}; wait`]
  const id = await asked.createTask('command', { argv, shell: true }, { maxRetries: 0 })
  const child = await until(async () => Number(await readFile(file, 'utf8')), 'it to run', 20_000)
  const stopped = workers.get(holder())!
  stopped.kill('SIGSTOP')
  const cancelled = asked.cancel(id)
  expect(isAlive(child)).toBe(true)
  stopped.kill('SIGCONT')
  expect(await cancelled).toEqual({ v: 1, id, status: 'cancelled' })
  await until(() => !isAlive(child), 'its processes to end')
}, 60_000)
