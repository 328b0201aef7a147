/**
 * Workers outside the process of their node, as processes of their own, against real nodes: what becomes of tasks when
 * workers, or their nodes, behave badly.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { BatchLine } from '../../src/api/batch.ts'
import { Client } from '../../src/api/client.ts'
import type { Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, startNode } from './nodes.ts'
import { endOutside, NodeProcess, Outside, serve } from './outside.ts'

afterEach(async () => {
  await endOutside()
  await endAll()
})

/** A node that runs nothing itself, and where its local API is. */
async function host(): Promise<{ node: Node; folder: string }> {
  const node = await startNode()
  return { node, folder: await serve(node) }
}

describe('a worker that is a process', () => {
  test('runs tasks that any node has accepted, of any size', async () => {
    const { folder } = await host()
    const other = await startNode()
    await Outside.start(folder, ['shout'])
    const small = await other.createTask('shout', { data: 'hello' })
    expect(await other.waitForTask(small)).toEqual({ data: 'hello' })
    const large = 'x'.repeat(3_000_000)
    const id = await other.createTask('shout', large)
    expect(await other.waitForTask(id)).toBe(large)
    expect(other.task(id)).toMatchObject({ attempt: 1, lost: [], resultBlob: { bytes: 3_000_002 } })
  })

  test('that is killed gives its task back at once: the same attempt, and counted as lost', async () => {
    const { node, folder } = await host()
    const holding = await Outside.start(folder, ['any'], 'hold')
    const id = await node.createTask('any', 1, { maxRetries: 0 })
    await holding.says(/^task/)
    const killedAt = Date.now()
    holding.kill()
    await until(() => node.task(id).state === 'queued', 'the task to be given back')
    // A second is promised; ten are for a machine that has much else to do.
    expect(Date.now() - killedAt).toBeLessThan(10_000)
    await Outside.start(folder, ['any'])
    expect(await node.waitForTask(id)).toBe(1)
    expect(node.task(id)).toMatchObject({ attempt: 1, lost: [node.name] })
  })

  test('that is killed by each task it takes does not take it for ever', async () => {
    const { node, folder } = await host()
    const id = await node.createTask('poison', 1, { maxLost: 1 })
    for (let n = 0; n < 2; n++) await Outside.start(folder, ['poison'], 'die')
    await expect(node.waitForTask(id)).rejects.toMatchObject({ reason: 'HolderLost' })
    expect(node.task(id).error?.message).toContain(`a worker of ${node.name}`)
    expect(node.task(id).lost).toHaveLength(2)
  })

  test('that is killed with what may run at most once ends it', async () => {
    const { node, folder } = await host()
    const holding = await Outside.start(folder, ['once'], 'hold')
    const id = await node.createTask('once', 1, { delivery: 'at-most-once' })
    await holding.says(/^task/)
    holding.kill()
    await expect(node.waitForTask(id)).rejects.toMatchObject({ reason: 'HolderLost' })
    expect(node.task(id).error?.message).toContain('the worker that ran it was lost')
  })

  test('hears of a cancel, a timeout and a deadline, which end the task at once', async () => {
    const { node, folder } = await host()
    const holding = await Outside.start(folder, ['any'], 'hold', 3)
    const cancelled = await node.createTask('any', 1)
    await until(() => node.task(cancelled).state === 'running', 'it to run')
    expect(await node.cancel(cancelled)).toMatchObject({ status: 'cancelled' })
    await holding.says(/^cancel CancelledByUser/)
    const late = await node.createTask('any', 1, { timeout: 100, maxRetries: 0 })
    await expect(node.waitForTask(late)).rejects.toMatchObject({ reason: 'Timeout' })
    await holding.says(/^cancel Timeout/)
    const dead = await node.createTask('any', 1, { deadline: 300 })
    await expect(node.waitForTask(dead)).rejects.toMatchObject({ reason: 'DeadlineExceeded' })
    await holding.says(/^cancel DeadlineExceeded/)
    // It has ended none of them, so all its slots are taken.
    const next = await node.createTask('any', 1)
    expect(node.task(next).state).toBe('queued')
    holding.kill()
    await Outside.start(folder, ['any'])
    expect(await node.waitForTask(next)).toBe(1)
    expect(node.task(next).lost).toEqual([])
  })

  test.each([
    ['its attempt may take no longer', 'late', { timeout: 500, backoff: { delay: 1 } }, 2, 0],
    ['its lease is over', 'late 1000', {}, 1, 1]
  ] as const)(
    'that stands still holds its task until %s; what it says after that is fenced',
    async (_, how, options, attempt, lost) => {
      const { node, folder } = await host()
      const still = await Outside.start(folder, ['any'], how)
      const id = await node.createTask('any', 'one', options)
      await still.says(/^task/)
      still.kill('SIGSTOP')
      await Outside.start(folder, ['any'])
      expect(await node.waitForTask(id, { timeout: 30_000 })).toBe('one')
      expect(node.task(id)).toMatchObject({ attempt })
      expect(node.task(id).lost).toHaveLength(lost)
      still.kill('SIGCONT')
      still.kill('SIGUSR2')
      expect(await still.says(/^(refused|taken)/)).toBe('refused LeaseLost')
    }
  )

  test('gets nothing more from a node that drains, and ends what it has', async () => {
    const { node, folder } = await host()
    const other = await startNode()
    const elsewhere = await serve(other)
    const late = await Outside.start(folder, ['any'], 'late')
    const id = await node.createTask('any', 1)
    await late.says(/^task/)
    node.drain()
    await late.says(/^drain/)
    await Outside.start(elsewhere, ['any'])
    const next = await node.createTask('any', 2)
    expect(await node.waitForTask(next)).toBe(2)
    late.kill('SIGUSR2')
    await late.says(/^taken/)
    expect(await node.waitForTask(id)).toBe(1)
    await late.says(/^over/)
    const client = await Client.open({ data: folder })
    await expect(client.workers.claim({ types: ['any'] })).rejects.toMatchObject({
      name: 'NodeClosedError'
    })
  })

  test('whose node is killed is told nothing more, and its late answer is fenced', async () => {
    const other = await startNode()
    const elsewhere = await serve(other)
    const killed = await NodeProcess.start(other)
    const late = await Outside.start(killed.folder, ['any'], 'late')
    const id = await other.createTask('any', 'one')
    await late.says(/^task/)
    killed.kill()
    await late.says(/^gone NoNodeError/)
    await Outside.start(elsewhere, ['any'])
    expect(await other.waitForTask(id, { timeout: 30_000 })).toBe('one')
    expect(other.task(id)).toMatchObject({ attempt: 1, holder: other.name })
    await killed.restart()
    late.kill('SIGUSR2')
    expect(await late.says(/^(refused|taken)/)).toBe('refused LeaseLost')
    expect(other.task(id)).toMatchObject({ state: 'completed', holder: other.name })
  })

  test('refuses what is no business of a worker', async () => {
    const { folder } = await host()
    const { workers } = await Client.open({ data: folder })
    const connect = workers.connect({ types: ['command'], slots: 1 }).next()
    await expect(connect).rejects.toMatchObject({ name: 'InvalidOptionError' })
    await expect(workers.claim({ types: ['command'] })).rejects.toMatchObject({
      name: 'InvalidOptionError'
    })
  })
})

/** Twice the time of a busy machine. */
const MANY_MS_MAX = 240_000

test(
  'ten thousand claims: each task is given out once, and nothing is left of them',
  async () => {
    const count = 10_000
    const { node, folder } = await host()
    const client = await Client.open({ data: folder })
    const lines = async function* (): AsyncGenerator<BatchLine> {
      for (let line = 1; line <= count; line++) {
        yield { line, type: 'any', payload: line, options: { acks: 0 } }
      }
    }
    const accepted = async (): Promise<void> => {
      for await (const answer of client.submitMany(lines()))
        expect(answer).not.toHaveProperty('error')
    }
    const seen = new Map<number, number>()
    const poll = async (): Promise<void> => {
      const { workers } = await Client.open({ data: folder })
      while (seen.size < count) {
        const task = await workers.claim({ types: ['any'], waitMs: 1000 })
        if (task === null) continue
        seen.set(task.payload as number, (seen.get(task.payload as number) ?? 0) + 1)
        await workers.complete(task.lease, 'null')
      }
    }
    await Promise.all([accepted(), ...Array.from({ length: 8 }, poll)])
    expect([...seen.values()].filter(times => times !== 1)).toEqual([])
    await until(() => node.getSystemStatus().tasks.completed === count, 'all to have completed')
    expect(node.nodes()[0]).toMatchObject({ slots: 0, running: 0, queued: 0 })
  },
  MANY_MS_MAX
)
