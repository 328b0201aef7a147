/**
 * What a command of a real node has open: its own three streams, and nothing of the node's.
 */
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createNode, type Node } from '../../src/index.ts'
import { adopt, endAll, forget, privateOptions } from './nodes.ts'

afterEach(endAll)

async function start(options: object): Promise<Node> {
  const node = await createNode({ ...(await privateOptions()), commands: true, ...options })
  adopt(node)
  await node.startWorker()
  return node
}

async function printed(node: Node, payload: object): Promise<string> {
  const id = await node.createTask('command', payload, { maxRetries: 0 })
  await node.waitForTask(id)
  let text = ''
  for await (const entry of node.logs(id)) if (entry.stream === 'stdout') text += entry.text
  return text
}

/** Writes into every file that it has open without having opened it. */
const scribble = `
  let fds = 0
  for (let fd = 3; fd < 100; fd++) {
    try { if (fs.fstatSync(fd).isFile()) { fds++; fs.writeSync(fd, 'garbage '.repeat(1000)) } } catch {}
  }
  console.log(fds)`

const procMissing = ((): string | null => {
  try {
    readdirSync('/proc/self/fd')
    return null
  } catch {
    return 'only /proc says what a process has open'
  }
})()
if (procMissing !== null) console.log(`skipped: ${procMissing}`)

test.skipIf(procMissing !== null)('a command has 0, 1 and 2 open, and nothing else', async () => {
  const node = await start({})
  // The shell is the one that is looked at, so it must not become the one that looks.
  const look = { argv: ['ls /proc/$$/fd; true'], shell: true }
  for (let i = 0; i < 3; i++) expect(await printed(node, look)).toBe('0\n1\n2\n')
})

test('a command that writes into whatever is open loses no accepted task', async () => {
  const options = { data: await mkdtemp(join(tmpdir(), 'hearsay-descriptors-')) }
  const node = await start(options)
  const ids: string[] = []
  for (let round = 0; round < 5; round++) {
    const argv = [process.execPath, '-e', scribble]
    const writes = printed(node, { argv })
    for (let i = 0; i < 50; i++) ids.push(await node.createTask('nobody-runs-this', { i }))
    expect(await writes).toBe('0\n')
  }
  await node.leave(0)
  forget(node)
  const again = await start(options)
  const known = new Set([...again.tasks({ type: 'nobody-runs-this' })].map(({ id }) => id))
  expect(ids.filter(id => !known.has(id))).toEqual([])
  await endAll()
  await rm(options.data, { recursive: true })
})
