/**
 * Workers over the real local API, with its real client; the runs that they are given, and what becomes of them, are
 * said by the test.
 */
import { once } from 'node:events'
import { createServer, request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import type { WorkerClient } from '../../src/api/worker/worker-client.ts'
import type { LeasedTask, WorkerLine } from '../../src/node/api/node-api.ts'
import { runOf } from '../run/external/runs.ts'
import { until } from '../support/until.ts'
import type { FakeWork } from '../node/workers/fake-work.ts'
import { serveFakeNode } from './served.ts'

const at = serveFakeNode()
let workers: WorkerClient
let work: FakeWork
let gone: AbortController

beforeEach(async () => {
  workers = (await Client.open({ data: at.folder })).workers
  work = at.node.work
  gone = new AbortController()
})
afterEach(() => {
  work.external.assertInvariants()
  gone.abort()
})

type Connected = { name: string; lines: AsyncGenerator<WorkerLine> }

async function connected(
  options: Partial<{ slots: number; leaseMs: number }> = {}
): Promise<Connected> {
  const lines = workers.connect({ types: ['any'], slots: 1, ...options }, gone.signal)
  const first = (await lines.next()).value as { worker: string }
  return { name: first.worker, lines }
}

async function nextTask({ lines }: Connected): Promise<LeasedTask> {
  for (;;) {
    const line = (await lines.next()).value as WorkerLine
    if ('task' in line) return line
  }
}

function ends(): unknown[] {
  return work.ends.map(({ result }) =>
    result.status === 'returned' ? `returned ${result.isLost ? 'lost' : ''}`.trim() : result.status
  )
}

describe('a worker that is connected', () => {
  test('is a pool of its node until it is gone', async () => {
    const { name, lines } = await connected({ slots: 3 })
    expect(name).toMatch(/^worker-[0-9a-f]{6}$/)
    expect([...work.pools.values()]).toEqual([{ name, slots: 3, types: ['any'], labels: {} }])
    await lines.return(undefined)
    await until(() => work.pools.size === 0, 'its pool to go')
  })

  test('gets what is started in its pool, and says how it ended', async () => {
    const worker = await connected()
    const run = work.start(runOf({ payload: '{"n":1}', dependencies: new Map([['x', '2']]) }))
    const task = await nextTask(worker)
    expect(task).toEqual({
      v: 1,
      task: run.taskId,
      lease: expect.stringMatching(new RegExp(`^${run.taskId}\\.0\\.1\\.`)) as string,
      type: 'any',
      payload: { n: 1 },
      payloadBlob: null,
      attempt: 1,
      epoch: 0,
      timeoutMs: null,
      deadline: null,
      leaseMs: null,
      traceparent: null,
      checkpointBlob: null,
      dependencies: { x: { result: 2, resultBlob: null } }
    })
    expect(await workers.progress(task.lease, 0.5, 'half')).toEqual({
      v: 1,
      leaseMs: null,
      cancelled: false,
      reason: null,
      draining: false
    })
    await workers.log(task.lease, ['one', 'two'])
    await workers.complete(task.lease, '{"ok":true}')
    await workers.complete(task.lease, '{"ok":true}')
    expect(work.ends).toEqual([
      { taskId: run.taskId, epoch: 0, result: { status: 'completed', result: '{"ok":true}' } }
    ])
    expect(work.progress).toEqual([{ fraction: 0.5, message: 'half' }])
    expect(work.said.join('')).toBe('one\ntwo\n')
    await expect(workers.complete(task.lease, '1')).rejects.toMatchObject({ name: 'LeaseEnded' })
    await expect(workers.extend(task.lease)).rejects.toMatchObject({ name: 'LeaseEnded' })
  })

  test('that goes without a word loses what it had, and only that counts as lost which it had taken', async () => {
    const worker = await connected({ slots: 2 })
    work.start(runOf())
    await nextTask(worker)
    gone.abort()
    await until(() => work.ends.length === 1, 'its run to be lost')
    expect(ends()).toEqual(['returned lost'])
    expect(work.pools.size).toBe(0)
  })

  test('that is sent away gives back what it had, and nothing is lost', async () => {
    const worker = await connected()
    work.start(runOf())
    const { lease } = await nextTask(worker)
    await workers.disconnect(worker.name)
    expect(ends()).toEqual(['returned'])
    expect((await worker.lines.next()).done).toBe(true)
    await expect(workers.complete(lease, '1')).rejects.toMatchObject({ name: 'LeaseLost' })
    await expect(workers.disconnect(worker.name)).rejects.toMatchObject({
      name: 'UnknownWorkerError'
    })
  })

  test('that drains gets nothing more, and its stream ends with its last task', async () => {
    const worker = await connected({ slots: 2 })
    work.start(runOf())
    const { lease } = await nextTask(worker)
    await workers.drain(worker.name)
    expect(work.pool?.slots).toBe(0)
    expect((await worker.lines.next()).value).toEqual({ v: 1, drain: true })
    await workers.complete(lease, '1')
    expect((await worker.lines.next()).done).toBe(true)
    await until(() => work.pools.size === 0, 'its pool to go')
    expect(ends()).toEqual(['completed'])
  })

  test('hears that a run is cancelled, and keeps its slot until it has ended the lease', async () => {
    const worker = await connected()
    const run = work.start(runOf())
    const { lease } = await nextTask(worker)
    work.external.abort(run.taskId, run.epoch)
    expect((await worker.lines.next()).value).toEqual({
      v: 1,
      cancel: lease,
      reason: 'LeaseLost'
    })
    expect(work.pool?.slots).toBe(0)
    expect(await workers.extend(lease)).toMatchObject({ cancelled: true, reason: 'LeaseLost' })
    // What the core has started in the same moment goes back.
    work.start(runOf())
    await until(() => work.ends.length === 1, 'the run that finds no slot to go back')
    await expect(workers.complete(lease, '1')).rejects.toMatchObject({ name: 'LeaseLost' })
    expect(work.pool?.slots).toBe(1)
    expect(ends()).toEqual(['returned'])
  })

  test('is told of a timeout, which has ended the run at once', async () => {
    const worker = await connected()
    work.start(runOf({ timeoutMs: 30 }))
    const { lease } = await nextTask(worker)
    expect((await worker.lines.next()).value).toEqual({ v: 1, cancel: lease, reason: 'Timeout' })
    expect(work.ends[0]?.result).toMatchObject({ status: 'failed', reason: 'Timeout' })
    expect(work.pool?.slots).toBe(0)
    await workers.release(lease)
    expect(work.pool?.slots).toBe(1)
    expect(work.ends).toHaveLength(1)
  })

  test('with leases in time loses a task of which it says nothing', async () => {
    const worker = await connected({ leaseMs: 1000 })
    work.start(runOf())
    const { lease, leaseMs } = await nextTask(worker)
    expect(leaseMs).toBe(1000)
    expect((await worker.lines.next()).value).toMatchObject({ cancel: lease, reason: 'LeaseLost' })
    expect(ends()).toEqual(['returned lost'])
    await expect(workers.extend(lease)).rejects.toMatchObject({ name: 'LeaseLost' })
  })

  test('fails a task as it says', async () => {
    const worker = await connected({ slots: 3 })
    const fail = async (more: object): Promise<unknown> => {
      work.start(runOf())
      const { lease } = await nextTask(worker)
      await workers.fail(lease, { error: { name: 'Oops', message: 'no' }, ...more })
      await workers.fail(lease, { error: { name: 'Oops', message: 'no' }, ...more })
      return work.ends.at(-1)?.result
    }
    const error = { name: 'Oops', message: 'no', stack: null }
    expect(await fail({})).toEqual({ status: 'failed', error, reason: 'HandlerError' })
    expect(await fail({ retryable: false })).toMatchObject({ reason: 'NonRetryable' })
    expect(await fail({ retryAfterMs: 250 })).toMatchObject({ retryAfterMs: 250 })
    expect(work.ends).toHaveLength(3)
  })

  test('may return what is too large for a record', async () => {
    const worker = await connected()
    work.start(runOf())
    const { lease } = await nextTask(worker)
    await workers.complete(lease, JSON.stringify('x'.repeat(10_000)))
    expect(work.ends[0]?.result).toMatchObject({ status: 'completed', result: { bytes: 10_002 } })
  })
})

describe('ends of leases in one request', () => {
  test('are answered each, in their order, and one that is refused hinders none', async () => {
    const worker = await connected({ slots: 3 })
    for (let n = 0; n < 3; n++) work.start(runOf())
    const leases: string[] = []
    while (leases.length < 3) leases.push((await nextTask(worker)).lease)
    const [first, second, third] = leases
    const lines = [
      { lease: first, complete: { result: { ok: true } } },
      { lease: 'none.0.1.x', release: {} },
      { lease: second, fail: { error: { name: 'Oops', message: 'no' }, retryable: false } },
      { lease: first, complete: { result: { ok: true } } },
      { lease: first, complete: { result: 1 } },
      { lease: third, release: {} }
    ]
    const answers = await tellEnds(lines.map(line => JSON.stringify(line)))
    expect(answers.map(({ lease, error }) => [lease, error?.name])).toEqual([
      [first, undefined],
      ['none.0.1.x', 'LeaseLost'],
      [second, undefined],
      [first, undefined],
      [first, 'LeaseEnded'],
      [third, undefined]
    ])
    expect(ends()).toEqual(['completed', 'failed', 'returned'])
  })

  test.each([
    ['no JSON', '{'],
    ['no end', '{"lease":"x"}'],
    ['two ends', '{"lease":"x","release":{},"fail":{"error":{"name":"a","message":"b"}}}'],
    [
      'a number that would arrive as another one',
      '{"lease":"x","complete":{"result":12345678901234567890}}'
    ]
  ])('end with what is %s, and what was before it is answered', async (_, line) => {
    const answers = await tellEnds([
      '{"lease":"none.0.1.x","release":{}}',
      line,
      '{"lease":"y","release":{}}'
    ])
    expect(answers.map(({ lease, error }) => [lease, error?.name])).toEqual([
      ['none.0.1.x', 'LeaseLost'],
      [undefined, 'InvalidOptionError']
    ])
  })

  test('are told in requests of their own to a node that knows no such request', async () => {
    const asked: string[] = []
    const older = createServer((incoming, outgoing) => {
      asked.push(incoming.url!)
      if (incoming.url === '/v1/leases/ends') outgoing.statusCode = 404
      if (incoming.url === '/v1/workers') outgoing.write('{"v":1,"worker":"w"}\n')
      else outgoing.end(JSON.stringify(outgoing.statusCode === 404 ? unknownQuestion : { v: 1 }))
    })
    await at.api.close()
    await new Promise<void>(resolve => older.listen(join(at.folder, 'api.sock'), resolve))
    try {
      await connected()
      await workers.complete('one', '1')
      await workers.release('two')
    } finally {
      older.closeAllConnections()
      older.close()
    }
    const lease = asked.filter(path => path.startsWith('/v1/leases/'))
    expect(lease).toEqual(['/v1/leases/ends', '/v1/leases/one/complete', '/v1/leases/two/release'])
  })
})

const unknownQuestion = {
  v: 1,
  error: { name: 'InvalidOptionError', message: 'no such thing', advice: '' }
}

type EndAnswer = { lease?: string; error?: { name: string } }

async function tellEnds(lines: readonly string[]): Promise<EndAnswer[]> {
  const sent = request({
    socketPath: join(at.folder, 'api.sock'),
    method: 'POST',
    path: '/v1/leases/ends'
  })
  sent.end(lines.join('\n'))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece as string
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as EndAnswer)
}

test('what a worker is told within one turn of the event loop is one write', async () => {
  const answer = await rawConnect({ types: ['any'], slots: 100 })
  let text = ''
  let pieces = 0
  answer.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
    pieces++
  })
  await until(() => text.includes('"worker"'), 'it to be connected')
  pieces = 0
  for (let n = 0; n < 100; n++) work.start(runOf())
  await until(() => text.split('"lease"').length > 100, 'all to be told')
  expect(pieces).toBe(1)
  answer.destroy()
})

describe('one that asks for a task', () => {
  test('gets one, or nothing when its time is over; and is a pool while it waits', async () => {
    expect(await workers.claim({ types: ['any'] })).toBeNull()
    expect(work.pools.size).toBe(0)
    const claimed = workers.claim({ types: ['any'], waitMs: 10_000 })
    await until(() => work.pools.size === 1, 'the one who waits to be a pool')
    expect(work.pool?.slots).toBe(1)
    work.start(runOf())
    const task = await claimed
    expect(task).toMatchObject({ leaseMs: 60_000 })
    expect(work.pool?.slots).toBe(1)
    await workers.complete(task!.lease, '1')
    expect(work.pools.size).toBe(0)
  })

  test('shares a pool with all others that ask for the same', async () => {
    const claims = Array.from({ length: 50 }, () =>
      workers.claim({ types: ['b', 'a'], waitMs: 10_000 })
    )
    await until(() => work.pool?.slots === 50, 'all of them to wait')
    expect(work.pools.size).toBe(1)
    for (let n = 0; n < 50; n++) work.start(runOf())
    const tasks = await Promise.all(claims)
    expect(new Set(tasks.map(task => task?.lease)).size).toBe(50)
    await Promise.all(tasks.map(async task => workers.complete(task!.lease, '1')))
    expect(work.pools.size).toBe(0)
    expect(work.ends).toHaveLength(50)
  })

  test('that has gone meanwhile gets nothing', async () => {
    const claimed = workers.claim({ types: ['any'], waitMs: 10_000 }, gone.signal)
    const given = claimed.catch((error: unknown) => error)
    await until(() => work.pools.size === 1, 'it to wait')
    gone.abort(new Error('enough'))
    expect(await given).toMatchObject({ message: 'enough' })
    await until(() => work.pools.size === 0, 'its pool to go')
    work.start(runOf())
    await until(() => work.ends.length === 1, 'the run to go back')
    expect(ends()).toEqual(['returned'])
  })

  test('loses its task when it is silent for too long', async () => {
    const claimed = workers.claim({ types: ['any'], waitMs: 10_000, leaseMs: 1000 })
    await until(() => work.pools.size === 1, 'it to wait')
    work.start(runOf())
    const { lease } = (await claimed)!
    await until(() => work.ends.length === 1, 'its time to be over')
    expect(ends()).toEqual(['returned lost'])
    await expect(workers.complete(lease, '1')).rejects.toMatchObject({ name: 'LeaseLost' })
  })
})

test('a worker that does not read does not swell the node, and what it has not read was never its own', async () => {
  const answer = await rawConnect({ types: ['any'], slots: 500 })
  await until(() => work.pools.size === 1, 'it to be connected')
  answer.pause()
  for (let n = 0; n < 500; n++) work.start(runOf({ payload: JSON.stringify('x'.repeat(8000)) }))
  // One more than it has slots for.
  work.start(runOf())
  await until(() => work.ends.length === 1, 'the run too many to go back')
  answer.destroy()
  await until(() => work.ends.length === 501, 'all to go back')
  const lost = work.ends.filter(({ result }) => result.status === 'returned' && result.isLost)
  expect(lost.length).toBeGreaterThan(0)
  // As much as the sockets between the two take.
  expect(lost.length).toBeLessThan(200)
})

/** Connects and leaves the reading to the test. */
async function rawConnect(options: object): Promise<IncomingMessage> {
  const sent = request({
    socketPath: join(at.folder, 'api.sock'),
    method: 'POST',
    path: '/v1/workers'
  })
  sent.end(JSON.stringify(options))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return answer
}

describe('bad requests', () => {
  const post = async (path: string, body: unknown): Promise<{ status: number; name: string }> => {
    const sent = request({ socketPath: join(at.folder, 'api.sock'), method: 'POST', path })
    sent.end(typeof body === 'string' ? body : JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    let text = ''
    for await (const piece of answer.setEncoding('utf8')) text += piece as string
    const { error } = JSON.parse(text) as { error: { name: string; message: string } }
    expect(error.message.length).toBeGreaterThan(10)
    return { status: answer.statusCode ?? 0, name: error.name }
  }
  const invalid = { status: 400, name: 'InvalidOptionError' }
  const lost = { status: 409, name: 'LeaseLost' }

  test.each([
    ['/v1/workers', '{'],
    ['/v1/workers', {}],
    ['/v1/workers', { types: [], slots: 1 }],
    ['/v1/workers', { types: ['a'], slots: 0 }],
    ['/v1/workers', { types: ['a'], slots: 1.5 }],
    ['/v1/workers', { types: ['a'], slots: 100_000 }],
    ['/v1/workers', { types: ['command'], slots: 1 }, 'real'],
    ['/v1/workers', { types: [''], slots: 1 }],
    ['/v1/workers', { types: ['\ud800'], slots: 1 }],
    ['/v1/workers', { types: ['a'], slots: 1, name: 'no spaces' }],
    ['/v1/workers', { types: ['a'], slots: 1, name: 'x'.repeat(25) }],
    ['/v1/workers', { types: ['a'], slots: 1, labels: { gpu: 1 } }],
    ['/v1/workers', { types: ['a'], slots: 1, labels: { 'no spaces': '1' } }],
    ['/v1/workers', { types: ['a'], slots: 1, leaseMs: 1 }],
    ['/v1/workers', { types: ['a'], slots: 1, leaseMs: 43_200_001 }],
    ['/v1/workers', { types: ['a'], slots: 1, more: 1 }],
    ['/v1/claims', { types: ['a'], waitMs: 60_001 }],
    ['/v1/claims', { types: ['a'], waitMs: -1 }],
    ['/v1/claims', { types: 'a' }],
    ['/v1/leases/x/progress', { fraction: 2 }],
    ['/v1/leases/x/progress', {}],
    ['/v1/leases/x/logs', { lines: 'one' }],
    ['/v1/leases/x/extend', { leaseMs: 'long' }],
    ['/v1/leases/x/complete', {}],
    ['/v1/leases/x/complete', { result: 1, resultBlob: { hash: 'f'.repeat(64), bytes: 1 } }],
    ['/v1/leases/x/complete', { resultBlob: { hash: 'short', bytes: 1 } }],
    ['/v1/leases/x/fail', { error: 'no' }],
    ['/v1/leases/x/fail', { error: { name: 'a', message: 'b' }, retryAfterMs: -1 }]
  ])('%s %j is refused, and nothing is done', async (path, body, where = 'fake') => {
    // That type is refused where pools are added to a real node.
    if (where === 'fake') expect(await post(path, body)).toEqual(invalid)
    expect(work.pools.size).toBe(0)
    expect(work.ends).toEqual([])
  })

  test.each([
    ['progress', { fraction: 0.5 }],
    ['logs', { lines: [] }],
    ['extend', {}],
    ['complete', { result: null }],
    ['fail', { error: { name: 'a', message: 'b' } }],
    ['release', {}]
  ])('/v1/leases/:lease/%s of a lease that nobody has', async (what, body) => {
    expect(await post(`/v1/leases/none.0.1.x/${what}`, body)).toEqual(lost)
    expect(await post(`/v1/leases/${encodeURIComponent('../../')}/${what}`, body)).toEqual(lost)
  })
})
