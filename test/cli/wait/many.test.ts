/**
 * Thousands of tasks at once, by processes that may open few files: what a shell makes of pipes and of long lists of
 * arguments.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { serveFakeNode } from '../../api/served.ts'

const COUNT = 3000

const at = serveFakeNode()
const cli = new URL('../children/cli.ts', import.meta.url).pathname

/** What a shell prints that may open 128 files, as may each of its commands. */
async function shell(command: string): Promise<string> {
  const script = `ulimit -n 128; hearsay() { "${process.execPath}" "${cli}" "$@"; }; set -e -o pipefail; ${command}`
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script], {
    cwd: at.folder,
    maxBuffer: 2 ** 26
  })
  expect(stderr).toBe('')
  return stdout
}

const idsIn = (text: string): string[] => text.match(/^\S{36}/gm) ?? []

async function submitted(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await at.node.submit('slow', i)).id)
  await writeFile(join(at.folder, 'ids'), ids.join('\n'))
  return ids
}

test('submit --each is piped into wait --each', { timeout: 60_000 }, async () => {
  await writeFile(join(at.folder, 'tasks'), '{"type":"quick"}\n'.repeat(COUNT))
  const printed = await shell('hearsay submit --each tasks --json | hearsay wait --each -')
  expect(new Set(idsIn(printed)).size).toBe(COUNT)
  expect(at.node.submissions).toHaveLength(COUNT)
})

test.each(['hearsay wait --each ids', 'hearsay wait $(cat ids)'])(
  '%s: each is waited for at once, and told',
  { timeout: 60_000 },
  async command => {
    const ids = await submitted(COUNT)
    const printing = shell(command)
    await until(() => at.node.waiting === COUNT, 'all waits to arrive', 30_000)
    for (const id of ids) at.node.settle(id, { state: 'completed' })
    expect(idsIn(await printing).toSorted()).toEqual(ids)
  }
)

test('cancel and retry take as many', { timeout: 60_000 }, async () => {
  const ids = await submitted(COUNT)
  expect(idsIn(await shell('hearsay cancel $(cat ids)')).toSorted()).toEqual(ids)
  expect([...at.node.tasks({ state: 'cancelled' })]).toHaveLength(COUNT)
  const copies = idsIn(await shell('hearsay retry $(cat ids)'))
  // In the order of what they are copies of.
  expect(copies.map(id => at.node.task(id).payload)).toEqual(ids.map((_, i) => i))
})
