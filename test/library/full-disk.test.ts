/**
 * A disk without room, for real: a data folder on a file system of a few megabytes that something else fills up.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createNode, type Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { adopt, endAll, forget, privateOptions, startNode } from './nodes.ts'

const MIB = 2 ** 20
const disk = mkdtempSync(join(tmpdir(), 'hearsay-disk-'))
/** On another disk. */
const folder = mkdtempSync(join(tmpdir(), 'hearsay-roomy-'))
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

  afterEach(endAll)
  afterAll(() => {
    execFileSync('umount', [disk])
    for (const made of [disk, folder]) rmSync(made, { recursive: true, force: true })
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
    await node.leave(0)
  })

  test('does not keep a node from starting: it says so, begins nothing, and does when there is room', async () => {
    const options = await privateOptions({ data: join(disk, 'start') })
    node = await createNode(options)
    node.registerTaskHandler('echo', (payload: unknown) => payload)
    await node.startWorker()
    const kept = await node.createTask('echo', 'kept')
    expect(await node.waitForTask(kept)).toBe('kept')
    // Nobody can run it, so that it is there to be begun when the node is back.
    const open = await node.createTask('later', 'open')
    const before = bootOf(node)
    await node.leave(0)

    fill(ballast)
    const copies = (): string[] =>
      [tmpdir(), '/dev/shm'].flatMap(place =>
        existsSync(place)
          ? readdirSync(place).filter(name => name.startsWith('hearsay-journal-'))
          : []
      )
    node = await createNode(options)
    adopt(node)
    node.registerTaskHandler('later', (payload: unknown) => payload)
    await node.startWorker()
    expect(node.diagnosis().disk).toMatch(/space/i)
    expect(node.task(kept)).toMatchObject({ state: 'completed', result: 'kept' })
    expect(node.task(open).state).toBe('queued')
    await expect(node.createTask('echo', 'more')).rejects.toMatchObject({ name: 'DiskFullError' })
    await until(() => copies().length === 0, 'what was only to be read to be removed')

    rmSync(ballast)
    expect(await node.waitForTask(open)).toBe('open')
    expect(node.diagnosis().disk).toBeNull()
    // What was not on disk at the start is there before anything else of this boot: the next one is later.
    expect(bootOf(node)).not.toBe(before)
    await node.leave(0)
    forget(node)
    node = await createNode(options)
    expect([node.task(kept).state, node.task(open).state]).toEqual(['completed', 'completed'])
    await node.leave(0)
  }, 60_000)

  test('without room for an identity refuses a new node with one line', async () => {
    fill(ballast)
    const options = await privateOptions({ data: join(disk, 'new') })
    await expect(createNode(options)).rejects.toMatchObject({
      name: 'DiskFullError',
      message: expect.stringMatching(
        /^the disk of the data folder \S+ is full \(.*\): make room there, or .*$/
      ) as string
    })
    rmSync(ballast)
    node = await createNode(options)
    await node.leave(0)
  })

  test('has those told who came before it was noticed, and their tasks run when there is room', async () => {
    node = await createNode(await privateOptions({ data: join(disk, 'early') }))
    node.registerTaskHandler('echo', (payload: unknown) => payload)
    await node.startWorker()
    const saved = join(folder, 'state.json')
    await node.waitForTask(await node.createTask('echo', 'before'))
    await node.saveState(saved)
    fill(ballast)
    const early = node.createTask('echo', 'x'.repeat(5000))
    await expect(early).rejects.toMatchObject({
      name: 'DiskFullError',
      message: expect.stringMatching(/in the memory of node .* only/) as string
    })
    await expect(node.loadState(saved)).rejects.toMatchObject({ name: 'DiskFullError' })
    expect(node.diagnosis().disk).toMatch(/space/i)
    rmSync(ballast)
    await until(() => node.diagnosis().disk === null, 'the disk to be written to', 20_000)
    const ended = (): boolean =>
      [...node.tasks({ state: 'completed' })].some(
        ({ result }) => typeof result === 'string' && result.length === 5000
      )
    await until(ended, 'the task to end', 20_000)
    await node.leave(0)
  })

  test('too full for a large payload or result takes small ones, and large ones when there is room again', async () => {
    node = await startNode({ data: join(disk, 'small'), computer: 'small' })
    const other = await startNode()
    node.registerTaskHandler('echo', (payload: unknown) => payload)
    node.registerTaskHandler('make', () => 'x'.repeat(4 * MIB))
    await node.startWorker()
    fill(ballast, 3 * MIB)
    const large = node.createTask('echo', 'x'.repeat(4 * MIB))
    await expect(large).rejects.toMatchObject({ name: 'DiskFullError' })
    expect(await node.waitForTask(await node.createTask('echo', 'small'))).toBe('small')
    const made = await node.createTask('make', null)
    const read = await other.createTask('echo', 'y'.repeat(4 * MIB))
    await until(() => node.why(made).reason === 'RetryAfter', 'the result to find no room')
    await until(() => node.why(read).reason === 'PayloadUnavailable', 'the payload to find none')
    rmSync(ballast)
    for (const id of [made, read]) {
      expect(((await node.waitForTask(id)) as string).length).toBe(4 * MIB)
      expect(node.task(id).attempt).toBe(1)
    }
  }, 60_000)
})

function bootOf(node: Node): string | null | undefined {
  return node.nodes().find(({ self }) => self)?.boot
}

/** Fills the disk but for `spareBytes`. */
function fill(file: string, spareBytes = 0): void {
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(file, Buffer.alloc(bavail * bsize - spareBytes))
}

/** Submits until the node has noticed. What is submitted before that waits for room, and is not lost. */
function refusal(node: Node): Promise<unknown> {
  let error: unknown = null
  const submit = (): unknown => {
    node.createTask('echo', 'x'.repeat(4000)).catch((e: unknown) => (error = e))
    return error
  }
  return until(submit, 'a submission to be refused')
}

async function submits(node: Node): Promise<string | null> {
  return node.createTask('echo', 'again').catch(() => null)
}
