/** A program ends when its node has left: nothing of the network keeps it alive any longer. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newKey } from '../../../src/key.ts'

const index = new URL('../../../src/index.ts', import.meta.url).href

/** A node that leaves when its network has been up for a while, and then what still keeps the process alive. */
const program = (options: object): string => `
  import { createNode } from '${index}'
  const node = await createNode(${JSON.stringify(options)})
  await node.startWorker()
  await new Promise(resolve => setTimeout(resolve, 1500))
  await node.leave()
  // What a stop has begun takes a few turns to end.
  await new Promise(resolve => setTimeout(resolve, 100))
  console.log(JSON.stringify(process.getActiveResourcesInfo().filter(name => name === 'Timeout')))`

test('no timer of libp2p outlives a node', async () => {
  const data = await mkdtemp(join(tmpdir(), 'stop-'))
  const options = {
    computer: 'computer-a',
    key: newKey(),
    data,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
    logLevel: 'error'
  }
  try {
    const args = ['--input-type=module', '-e', program(options)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const piece of child.stdout) said += String(piece)
    expect(said).toBe('[]\n')
  } finally {
    await rm(data, { recursive: true })
  }
})
