/**
 * A disk without room, for real: a data folder on a file system of a few megabytes that something else fills up.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createNode, type Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { privateOptions } from './nodes.ts'

const disk = mkdtempSync(join(tmpdir(), 'hearsay-disk-'))
const mounted = mount()
if (!mounted)
  console.log('full-disk.test.ts left out: it has to mount a small file system, which takes root')

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!mounted)('a full disk', () => {
  const ballast = join(disk, 'ballast')
  let node: Node

  afterAll(async () => {
    await node.leave(0)
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true, force: true })
  })

  test('stops the node from accepting tasks, not from serving what it has, until there is room again', async () => {
    node = await createNode(await privateOptions({ data: join(disk, 'data') }))
    node.registerTaskHandler('echo', (payload: unknown) => payload)
    await node.startWorker()
    const kept = await node.createTask('echo', 'kept')
    expect(await node.waitForTask(kept)).toBe('kept')

    fill(ballast)
    const refused = await refusal(node)
    expect(refused).toMatchObject({ name: 'DiskFullError' })
    expect(node.task(kept)).toMatchObject({ state: 'completed', result: 'kept' })

    rmSync(ballast)
    await until(
      async () => (await submits(node)) !== null,
      'the node to accept tasks again',
      20_000
    )
    const after = await node.createTask('echo', 'after')
    expect(await node.waitForTask(after)).toBe('after')
    await node.leave(0)

    node = await createNode(await privateOptions({ data: join(disk, 'data') }))
    expect([node.task(kept).state, node.task(after).state]).toEqual(['completed', 'completed'])
  })
})

/** Leaves no room at all. */
function fill(file: string): void {
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(file, Buffer.alloc(bavail * bsize))
}

/** Submits until the node has noticed. What is submitted before that waits for room, and is not lost. */
async function refusal(node: Node): Promise<unknown> {
  let error: unknown = null
  await until(async () => {
    const submitted = node.createTask('echo', 'x'.repeat(4000)).catch((e: unknown) => (error = e))
    await Promise.race([submitted, new Promise(resolve => setTimeout(resolve, 50))])
    return error !== null
  }, 'a submission to be refused')
  return error
}

async function submits(node: Node): Promise<string | null> {
  return node.createTask('echo', 'again').catch(() => null)
}
