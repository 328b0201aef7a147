/**
 * A file of tasks whose ends are waited for, given to a node that forgets them again at once: whoever waits has said so when
 * they were submitted, and is told of each.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import type { Node } from '../../src/index.ts'
import { run } from '../cli/run.ts'
import { until } from '../support/until.ts'
import { endAll, startNode } from './nodes.ts'

const TASKS = 600
/** More than the command line waits for one by one. */
const SLOW = 100

let folder: string
let api: Api
let node: Node

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-each-wait-'))
  vi.stubEnv('HEARSAY_DATA', folder)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await api.close()
  await endAll()
  await rm(folder, { recursive: true, force: true })
})

async function serve(settledMax: number): Promise<void> {
  node = await startNode({ settledMax })
  api = await startApi(node, folder)
  node.registerTaskHandler('quick', (n: number) => n)
  await node.startWorker()
}

/** Lines of quick tasks, behind slow ones. */
async function fileOf(slowMs: number): Promise<string> {
  const file = join(folder, 'tasks.ndjson')
  const lines = Array.from({ length: TASKS }, (_, i) =>
    JSON.stringify({ type: 'quick', payload: i, ...(i < SLOW ? { delay: slowMs } : {}) })
  )
  await writeFile(file, lines.join('\n'))
  return file
}

test('the end of one task is told, of whatever size, although it is not kept', async () => {
  await serve(10_000)
  for (const text of ['short', 'x'.repeat(20_000)]) {
    const payload = JSON.stringify(text)
    const said = await run(['submit', 'quick', payload, '--wait', '--json', '--retention', '0ms'])
    expect(said.code).toBe(0)
    expect(JSON.parse(said.stdout)).toMatchObject({ state: 'completed', result: text })
  }
})

test('a program that waits a moment after its task was forgotten is told how it ended', async () => {
  await serve(10_000)
  const id = await node.createTask('quick', 7, { retention: 0 })
  await until(() => [...node.tasks()].length === 0, 'the task to be forgotten')
  expect(await node.waitForTask(id)).toBe(7)
})

test('so is a command line that waits for many', async () => {
  await serve(10_000)
  const { id: gone } = await node.submit('quick', 7, { retention: 0 })
  await until(() => [...node.tasks()].length === 0, 'the task to be forgotten')
  const { id: slow } = await node.submit('quick', 8, { delay: 300 })
  const unknown = slow.replace(/.{4}$/, '0000')
  const lines = [gone, slow.slice(-20), unknown, slow]
  const said = await run(['wait', '--each', '-'], lines.join('\n'))
  expect(said.code).toBe(4)
  expect(said.stdout.match(/completed {2}quick {2}\S+ \S+ {2}[78]$/gm)).toHaveLength(3)
  expect(said.stderr).toMatch(/^hearsay: line 3: no task [^\n]*\n$/)
})

const idsIn = (text: string): Set<string> => new Set(text.match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? [])

test.each([
  ['there is room for ten', 10, 8000, []],
  ['none is kept', 10_000, 2000, ['--retention', '0ms']]
])('each end is told where %s', { timeout: 60_000 }, async (_, settledMax, slowMs, flags) => {
  await serve(settledMax)
  const said = await run(['submit', '--each', await fileOf(slowMs), '--wait', ...flags])
  // The node is alone, and says so once.
  expect(said.stderr).toMatch(/^.*no other node has confirmed.*\n$/)
  expect(said.code).toBe(0)
  expect(idsIn(said.stdout).size).toBe(TASKS)
  expect(said.stdout.match(/completed/g)).toHaveLength(TASKS)
  expect(idsIn([...node.tasks()].map(({ id }) => id).join(' ')).size).toBeLessThan(TASKS)
})
