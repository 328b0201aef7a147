/**
 * Every reason for which a task may not run yet, brought about on real nodes: sockets, disks, handlers, and a process that
 * is stopped. PayloadUnavailable, the last one, needs a disk that is full: full-disk.test.ts.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RetryAfterError, type Node, type NodeOptions } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, privateOptions, startNode } from './nodes.ts'

const script = fileURLToPath(new URL('./children/worker.ts', import.meta.url))
const LONG_MS = 600_000

/** Submits. */
let a: Node
/** Works, one task at a time. */
let b: Node

afterAll(endAll)

/** Both nodes say this of a task, as soon as both know of it. */
async function agreed(id: string, state: string, reason: string): Promise<void> {
  for (const node of [a, b]) {
    const isKnown = (): boolean => [...node.tasks()].some(task => task.id === id)
    await until(isKnown, `${node.name} to know the task`)
    await until(() => node.why(id).reason === reason, `${node.name} to say ${reason}`)
    expect(node.why(id)).toMatchObject({ state, reason })
    expect(node.task(id)).toMatchObject({ state, reason })
  }
}

describe('of two nodes, one of which works', () => {
  beforeAll(async () => {
    a = await startNode()
    b = await startNode({ concurrency: 1 })
    b.registerTaskHandler(
      'hold',
      (_: null, { signal }: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        })
    )
    b.registerTaskHandler('fail', () => {
      throw new Error('not yet')
    })
    b.registerTaskHandler('later', () => {
      throw new RetryAfterError(LONG_MS)
    })
    await b.startWorker()
  })
  afterEach(async () => {
    for (const { id, state } of a.tasks()) {
      if (!['completed', 'failed', 'cancelled'].includes(state)) await a.cancel(id)
    }
  })

  test('DependencyOpen: what it depends on has not completed', async () => {
    const first = await a.createTask('hold', null, { ref: 'one' })
    const id = await a.createTask('hold', null, { dependsOn: [first] })
    await agreed(id, 'waiting', 'DependencyOpen')
    // Nobody waits for news of its start: they come later.
    await until(() => b.task(first).state === 'running', 'the start to be known')
    expect(b.why(id).words).toBe(`it waits for ${first}`)
    const [open] = b.why(id).dependencies
    expect(open).toEqual({ id: first, type: 'hold', ref: 'one', state: 'running', reason: null })
    const unknown = '01a20906-f693-8000-8000-00017cdaf76b'
    const strange = await a.createTask('hold', null, { dependsOn: [first, unknown] })
    expect(a.why(strange).dependencies).toEqual([
      open,
      { id: unknown, type: null, ref: null, state: null, reason: null }
    ])
  })

  test('NotBefore: it is not to start yet', async () => {
    await agreed(await a.createTask('hold', null, { delay: LONG_MS }), 'delayed', 'NotBefore')
  })

  test('Backoff: an attempt has failed, and the next one is not due', async () => {
    const id = await a.createTask('fail', null, { backoff: { delay: '5m' } })
    await agreed(id, 'delayed', 'Backoff')
    expect(a.task(id)).toMatchObject({ attempt: 2, error: { message: 'not yet' } })
  })

  test('RetryAfter: its handler asked for it', async () => {
    await agreed(await a.createTask('later', null), 'delayed', 'RetryAfter')
  })

  test('NoHandler: nobody knows the type', async () => {
    await agreed(await a.createTask('unheard-of', null), 'queued', 'NoHandler')
  })

  test('LabelsUnmatched: who knows the type lacks the labels', async () => {
    const labels = { require: { zone: 'y' } }
    await agreed(await a.createTask('hold', null, { labels }), 'queued', 'LabelsUnmatched')
  })

  test('SlotsBusy: who could run it runs something else', async () => {
    const first = await a.createTask('hold', null)
    await until(() => a.task(first).state === 'running', 'the first task to run')
    const id = await a.createTask('hold', null)
    await agreed(id, 'queued', 'SlotsBusy')
    const ofWorker = a.why(id).nodes.find(({ node }) => node === b.name)!
    expect(ofWorker.words).toBe('1 of its 1 slots are taken')
  })
})

describe('ClaimSettling, NoQuorum and HolderDraining: a member', () => {
  let child: ChildProcess
  let quiet: Node

  beforeAll(async () => {
    await endAll()
    quiet = await startNode()
    // With these it takes three to be a majority, and there are two.
    for (const name of ['ghost/1', 'ghost/2']) quiet.registerWorker(name)
    const options: NodeOptions = await privateOptions({
      computer: 'child',
      commands: true,
      concurrency: 1,
      peers: [...quiet.addresses]
    })
    child = fork(script, [JSON.stringify(options)], { execArgv: [] })
    await once(child, 'message')
    await until(() => quiet.nodes().some(({ name, synced }) => name === 'child/1' && synced), 'it')
  }, 30_000)
  afterAll(async () => {
    child.kill('SIGKILL')
    await endAll()
  })

  test('that stands still keeps a keyed task from being settled; what it held is taken by nobody where too few are seen', async () => {
    const options = { maxRetries: 1, backoff: { delay: 2000 } }
    const held = await quiet.createTask('command', { argv: ['false'] }, options)
    await until(() => quiet.why(held).reason === 'Backoff', 'its first attempt to fail')
    child.kill('SIGSTOP')
    void quiet.submit('any', null, { idempotencyKey: 'one', acks: 0 })
    const keyed = await until(() => [...quiet.tasks({ type: 'any' })][0]?.id, 'the keyed task')
    expect(quiet.why(keyed!)).toMatchObject({ state: 'queued', reason: 'ClaimSettling' })
    await until(() => quiet.why(held).reason === 'NoQuorum', 'the member to be missed', 40_000)
    expect(quiet.task(held)).toMatchObject({ state: 'queued', reason: 'NoQuorum', attempt: 2 })
    expect(quiet.why(held).words).toContain('child/1 holds it and cannot be reached')
  }, 60_000)

  test('that leaves says that it drains, as long as nobody is there to whom it could hand anything on', async () => {
    await endAll()
    const alone = await startNode({ concurrency: 1 })
    const gate = Promise.withResolvers<void>()
    alone.registerTaskHandler('hold', () => gate.promise)
    await alone.startWorker()
    const first = await alone.createTask('hold', null)
    await until(() => alone.task(first).state === 'running', 'the first task to run')
    const id = await alone.createTask('hold', null)
    alone.drain()
    await until(() => alone.why(id).reason === 'HolderDraining', 'it to drain')
    expect(alone.task(id)).toMatchObject({ state: 'queued', reason: 'HolderDraining' })
    gate.resolve()
  })
})
