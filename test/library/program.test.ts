/**
 * The program of the interface, as it is printed there, in a process of its own that imports the built package like any
 * other program would; and behind it every method that a program has.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { newKey } from '../../src/key.ts'
import { alone, canBeAlone } from '../support/alone.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const TEST_MS_MAX = 60_000

const PROGRAM = `
import { createNode } from 'hearsay'

const node = await createNode({ computer: 'computer-a', instance: 1 })   // joins the cluster
node.registerWorker('computer-b/3')                                      // expected member: counts in the roster, shown until seen
node.registerTaskHandler('process_data', (payload: { data: string }) => ({ result: payload.data.toUpperCase() }))
await node.startWorker()                                                 // from here on it runs tasks
const id = await node.createTask('process_data', { data: 'hello' }, { priority: 8 })
const { result } = await node.waitForTask(id)                            // works on any node; rejects with the task's error
const metrics = node.getMetrics()
const health = node.checkWorkerHealth()
const status = node.getSystemStatus()
await node.saveState('state.json')
const loaded = [await node.loadState('state.json'), await node.loadState('state.json')]
await node.leave()           // drains, says goodbye, closes
`

const REPORT = `
console.log(JSON.stringify({ result, metrics, health, status, loaded }))
`

const canIsolate = canBeAlone()
if (!canIsolate) {
  console.warn('the program of the interface is not run: no right to make a network namespace here')
}

test.skipIf(!canIsolate)(
  'the program of the interface runs as printed, with the package as it is built',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-program-'))
    try {
      await mkdir(join(folder, 'node_modules'))
      await symlink(root, join(folder, 'node_modules', 'hearsay'))
      await writeFile(join(folder, 'package.json'), '{"name":"program","type":"module"}')
      await writeFile(join(folder, 'program.mts'), PROGRAM + REPORT)
      const { result, metrics, health, status, loaded } = await run(folder)
      expect(result).toBe('HELLO')
      const counts = { completed: 1, failed: 0, cancelled: 0, retried: 0 }
      expect(metrics).toMatchObject({
        node: { ...counts, processing: { count: 1 }, byType: { process_data: counts } },
        cluster: counts
      })
      expect(health).toMatchObject([
        { name: 'computer-a/1', status: 'alive', load: 0 },
        { name: 'computer-b/3', status: null, heartbeatAgeMs: null }
      ])
      expect(status).toMatchObject({
        cluster: 'default',
        node: 'computer-a/1',
        members: { alive: 1, expected: 2 },
        tasks: { completed: 1, running: 0 }
      })
      expect(loaded).toMatchObject([
        { loaded: 0, known: 1 },
        { loaded: 0, known: 1 }
      ])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  TEST_MS_MAX
)

/** Runs the program with a key, and nothing but loopback for a network; gives what it reports. */
async function run(folder: string): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)('unshare', alone(process.execPath, 'program.mts'), {
    cwd: folder,
    timeout: TEST_MS_MAX - 10_000,
    env: { PATH: process.env['PATH'], HEARSAY_KEY: newKey(), XDG_DATA_HOME: folder, HOME: folder }
  })
  return JSON.parse(stdout) as Record<string, unknown>
}
