/** Many waits over one request: each answer as soon as it is known, and none lost. */
import { createServer } from 'node:http'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { problemOf } from '../../src/api/problem.ts'
import type { WaitAnswer, WaitLine } from '../../src/api/waits.ts'
import { InvalidOptionError, NodeClosedError } from '../../src/shared/errors.ts'
import { until } from '../support/until.ts'
import { serveFakeNode } from './served.ts'

const UNKNOWN_ID = '0007a31c-94e2-8000-8000-00017cdaf76b'

const at = serveFakeNode()
let client: Client

beforeEach(async () => {
  client = await Client.open({ data: at.folder })
})

async function submitted(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await at.node.submit('slow', i)).id)
  return ids
}

async function* linesOf(ids: readonly string[]): AsyncGenerator<WaitLine> {
  for (const [i, id] of ids.entries()) yield { line: i + 1, id }
}

async function all(answers: AsyncIterable<WaitAnswer>): Promise<WaitAnswer[]> {
  const list: WaitAnswer[] = []
  for await (const answer of answers) list.push(answer)
  return list
}

test('answers come as tasks settle, while lines are still to come', async () => {
  const [first, second] = (await submitted(2)) as [string, string]
  const more = Promise.withResolvers<void>()
  async function* slowly(): AsyncGenerator<WaitLine> {
    yield { line: 7, id: first }
    await more.promise
    yield { line: 9, id: second }
  }
  const answers = client.waitEach(slowly())[Symbol.asyncIterator]()
  const answer = answers.next()
  await until(() => at.node.waiting === 1, 'the first wait')
  at.node.settle(first, { state: 'failed' })
  expect((await answer).value).toMatchObject({ v: 1, line: 7, task: { state: 'failed' } })
  at.node.settle(second, { state: 'completed' })
  more.resolve()
  expect((await answers.next()).value).toMatchObject({ line: 9, task: { id: second } })
  expect((await answers.next()).done).toBe(true)
})

test('a line that cannot be waited for is answered with its problem, and the others go on', async () => {
  const [id] = (await submitted(1)) as [string]
  at.node.settle(id, { state: 'completed' })
  const answers = await all(client.waitEach(linesOf([UNKNOWN_ID, 'ffffffff', '', id, id.slice(9)])))
  expect(answers.toSorted((x, y) => x.line - y.line)).toMatchObject([
    { line: 1, error: { name: 'UnknownTaskError' } },
    { line: 2, error: { name: 'UnknownTaskError' } },
    { line: 3, error: { name: 'InvalidOptionError' } },
    { line: 4, task: { id } },
    { line: 5, task: { id } }
  ])
})

test('when the time is over, what has settled is told, and the rest that it has not: also what is read later', async () => {
  const ids = await submitted(4)
  for (const i of [1, 3]) at.node.settle(ids[i]!, { state: 'completed' })
  const over = Promise.withResolvers<void>()
  async function* lines(): AsyncGenerator<WaitLine> {
    for (const [i, id] of ids.entries()) {
      if (i === 2) await over.promise
      yield { line: i + 1, id }
    }
  }
  const answers: WaitAnswer[] = []
  for await (const answer of client.waitEach(lines(), { timeoutMs: 50 })) {
    answers.push(answer)
    if ('error' in answer) over.resolve()
  }
  const late = (i: number): object => ({
    line: i + 1,
    error: {
      name: 'WaitTimeoutError',
      message: `${ids[i]} has not settled within 50 ms: it goes on`
    }
  })
  expect(answers.toSorted((x, y) => x.line - y.line)).toMatchObject([
    late(0),
    { line: 2, task: { id: ids[1] } },
    late(2),
    { line: 4, task: { id: ids[3] } }
  ])
  expect(at.node.waitsGivenUp).toBe(1)
})

test('a reader that goes away is waited for by nobody', async () => {
  const ids = await submitted(50)
  at.node.settle(ids[0]!, { state: 'completed' })
  for await (const _ of client.waitEach(linesOf(ids))) break
  await until(() => at.node.waitsGivenUp === at.node.waiting, 'its waits to end')
})

test('a line that is no wait ends the request, and the node knows no more of it', async () => {
  const [id] = (await submitted(1)) as [string]
  const nonsense = { line: 'none', id } as unknown as WaitLine
  async function* lines(): AsyncGenerator<WaitLine> {
    yield { line: 1, id }
    await until(() => at.node.waiting === 1, 'the first wait')
    yield nonsense
  }
  await expect(all(client.waitEach(lines()))).rejects.toMatchObject({ name: 'InvalidOptionError' })
  await until(() => at.node.waitsGivenUp === 1, 'its wait to end')
})

test('a reader that is slow is told of each all the same', { timeout: 60_000 }, async () => {
  const result = 'x'.repeat(8000)
  // Some of them twice as much as is kept for a reader, others are read when they have settled already.
  const ids = await submitted(4500)
  const answers = client.waitEach(linesOf(ids))[Symbol.asyncIterator]()
  at.node.settle(ids[0]!, { state: 'completed', result })
  const told = new Set([(await answers.next()).value?.line])
  await until(() => at.node.waiting >= ids.length - 1, 'all waits')
  for (const id of ids.slice(1)) at.node.settle(id, { state: 'completed', result })
  let isOver = false
  while (!isOver) {
    const { done, value } = await answers.next()
    if (value !== undefined) {
      expect(told).not.toContain(value.line)
      told.add(value.line)
    }
    isOver = done === true
  }
  expect(told.size).toBe(ids.length)
  // Those that were left out were asked for again.
  expect(at.node.followed).toBeGreaterThan(ids.length)
})

test('when the API closes, that is the last answer', async () => {
  const ids = await submitted(3)
  const answers = all(client.waitEach(linesOf(ids)))
  await until(() => at.node.waiting === 3, 'all waits')
  const refused = expect(answers).rejects.toMatchObject({ name: 'NodeClosedError' })
  await at.api.close()
  await refused
})

test('a node of an older version is asked for each, some at a time', async () => {
  const folder = join(at.folder, 'older')
  await mkdir(folder)
  let asked = 0
  let most = 0
  const server = createServer((incoming, outgoing) => {
    const id = /^\/v1\/tasks\/(.+)\/wait/.exec(incoming.url ?? '')?.[1]
    if (id === undefined) {
      const { problem } = problemOf(new InvalidOptionError(`this node knows no ${incoming.url}`))
      outgoing.writeHead(404).end(JSON.stringify(problem))
      return
    }
    most = Math.max(most, ++asked)
    setImmediate(() => {
      asked--
      const closed = problemOf(new NodeClosedError('the node stops'))
      if (id === 'dead') outgoing.writeHead(closed.status).end(JSON.stringify(closed.problem))
      else outgoing.end(JSON.stringify({ v: 1, id }))
    })
  })
  await new Promise<void>(resolve => server.listen(join(folder, 'api.sock'), resolve))
  try {
    const older = await Client.open({ data: folder })
    const ids = Array.from({ length: 500 }, (_, i) => String(i))
    const answers = await all(older.waitEach(linesOf(ids)))
    expect(answers.map(({ line }) => line).toSorted((x, y) => x - y)).toEqual(ids.map(i => +i + 1))
    expect(answers).toContainEqual({ v: 1, line: 12, task: { v: 1, id: '11' } })
    expect(most).toBeLessThanOrEqual(64)
    await expect(all(older.waitEach(linesOf(['1', 'dead'])))).rejects.toThrow('the node stops')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
