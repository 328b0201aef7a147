/** What attempts save for those after them, with real nodes, handlers and workers. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import type { LeasedTask, WorkerLine } from '../../src/node/api/node-api.ts'
import type { HandlerContext, Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { steps } from './fixtures/saves.ts'
import { endAll, startNode } from './nodes.ts'
import { endOutside, NodeProcess, Outside, serve } from './outside.ts'

const file = fileURLToPath(new URL('fixtures/saves.ts', import.meta.url))
const backoff = { delay: 1, factor: 1 }

let node: Node
let folder: string

beforeAll(async () => {
  node = await startNode()
  folder = await serve(node)
  await node.registerTaskHandler('steps', file)
  await node.registerTaskHandler('wrong', file)
  node.registerTaskHandler('inline', steps)
  node.registerTaskHandler('late', (_: null, context: HandlerContext) => hold(context))
  await node.startWorker()
})
afterAll(async () => {
  await endOutside()
  await endAll()
})

let held: HandlerContext | null = null
function hold(context: HandlerContext): void {
  held = context
}

describe('a handler', () => {
  test.each(['steps', 'inline'])(
    '(%s) goes on from what the attempt before it saved',
    async type => {
      const id = await node.createTask(type, { to: 3 }, { backoff })
      expect(await node.waitForTask(id)).toEqual({ steps: [1, 2, 3] })
      expect(node.task(id)).toMatchObject({ attempt: 3, checkpoint: null })
    }
  )

  test('that saves what JSON cannot carry is told where in it that is', async () => {
    const id = await node.createTask('wrong', null)
    expect(await node.waitForTask(id)).toEqual({
      name: 'NotJsonError',
      message: expect.stringMatching(/at is a Map/) as string
    })
  })

  test('whose task has ended saves nothing more', async () => {
    const id = await node.createTask('late', null)
    await node.waitForTask(id)
    await expect(held!.saveCheckpoint(1)).rejects.toMatchObject({ name: 'CheckpointRefusedError' })
  })
})

type Taken = { task: LeasedTask; lines: AsyncGenerator<WorkerLine> }

/** A worker that has a task of the type. */
async function taken(client: Client, type: string): Promise<Taken> {
  const lines = client.workers.connect({ types: [type], slots: 1 })
  for (;;) {
    const line = (await lines.next()).value as WorkerLine
    if ('task' in line) return { task: line, lines }
  }
}

describe('a worker outside', () => {
  test('that is lost leaves what it saved last, of any bytes, to the next one', async () => {
    const client = await Client.open({ data: folder })
    const id = await node.createTask('session', null)
    const first = await taken(client, 'session')
    expect(first.task.checkpointBlob).toBeNull()
    await client.workers.save(first.task.lease, '{"step":1}')
    await client.workers.save(first.task.lease, 'no JSON: é')
    expect(await client.get(id)).toMatchObject({ checkpoint: { bytes: 11 } })
    await first.lines.return(undefined)
    const next = await taken(client, 'session')
    expect(next.task).toMatchObject({ task: id, attempt: 1, checkpointBlob: { bytes: 11 } })
    expect(await client.workers.blob(next.task.checkpointBlob!)).toBe('no JSON: é')
    // Of a lease that is lost nothing is saved, and what stands stays.
    await expect(client.workers.save(first.task.lease, '2')).rejects.toMatchObject({
      name: 'LeaseLost'
    })
    await expect(client.workers.save(next.task.lease, '')).rejects.toMatchObject({
      name: 'InvalidOptionError',
      message: expect.stringMatching(/one byte at least/) as string
    })
    expect(await client.get(id)).toMatchObject({ checkpoint: { bytes: 11 } })
    await client.workers.complete(next.task.lease, 'null')
    await expect(client.workers.save(next.task.lease, '3')).rejects.toMatchObject({
      name: 'LeaseEnded'
    })
    await next.lines.return(undefined)
  })

  test('whose node is killed leaves what it saved to one of another node', async () => {
    const killed = await NodeProcess.start(node)
    const saving = await Outside.start(killed.folder, ['moved'], 'save')
    const id = await node.createTask('moved', { step: 7 })
    await saving.says(/^saved/)
    killed.kill()
    const client = await Client.open({ data: folder })
    const next = await taken(client, 'moved')
    expect(next.task).toMatchObject({ task: id, checkpointBlob: { bytes: 10 } })
    expect(next.task.epoch).toBeGreaterThan(0)
    expect(await client.workers.blob(next.task.checkpointBlob!)).toBe('{"step":7}')
    await client.workers.complete(next.task.lease, 'null')
    await until(() => node.task(id).state === 'completed', 'it to complete')
    await next.lines.return(undefined)
  })
})
