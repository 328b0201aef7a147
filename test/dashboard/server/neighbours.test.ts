/**
 * The node that the dashboard asks ends: what does no harm twice is asked of another node of its cluster on this
 * computer, and from then on everything is; what is meant for that node alone is asked of nobody else.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { socketPath } from '../../../src/api/address.ts'
import { Client } from '../../../src/api/client.ts'
import { startApi, type Api } from '../../../src/api/server.ts'
import { startDashboard, type Dashboard } from '../../../src/dashboard/server/dashboard.ts'
import { FakeNode } from '../../api/fake-node.ts'
import { until } from '../../support/until.ts'

type Neighbour = { folder: string; node: FakeNode; api: Api }

let home: string
let first: Neighbour
let second: Neighbour
let living: string[]
let dashboard: Dashboard
let token: string

async function serve(name: string): Promise<Neighbour> {
  const folder = await mkdtemp(join(home, 'node-'))
  const node = new FakeNode(name)
  living.push(folder)
  return { folder, node, api: await startApi(node, folder) }
}

async function open(others?: () => Promise<readonly string[]>): Promise<void> {
  const client = await Client.open({ data: first.folder })
  const settings = { files: new Map(), port: 0, hosts: [], readOnly: false, allowSubmit: true }
  dashboard = await startDashboard({ client, ...settings, ...(others ? { others } : {}) })
  const [, code] = dashboard.newLink().split('#code=')
  token = ''
  const answer = await ask('POST', '/session', { code })
  ;({ token } = answer.json as { token: string })
}

async function ask(
  method: 'GET' | 'POST',
  path: string,
  body?: unknown
): Promise<{ status: number; json: unknown }> {
  const origin = new URL(dashboard.address).origin
  const response = await fetch(origin + path, {
    method,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(method === 'POST' ? { origin, 'content-type': 'application/json' } : {})
    },
    ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {})
  })
  const text = await response.text()
  return { status: response.status, json: text === '' ? null : JSON.parse(text.split('\n')[0]!) }
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hearsay-neighbours-'))
  living = []
  first = await serve('computer-a/1')
  second = await serve('computer-a/2')
  await open(async () => living)
})
afterEach(async () => {
  await dashboard.close()
  await first.api.close()
  await second.api.close()
  await rm(home, { recursive: true, force: true })
})

test('what is read is asked of another one, which is asked from then on', async () => {
  const { id } = await second.node.submit('known', { at: 'the second' })
  expect(await ask('GET', `/v1/tasks/${id}`)).toMatchObject({ status: 404 })
  await first.api.close()
  expect(await ask('GET', `/v1/tasks/${id}`)).toMatchObject({ status: 200, json: { id } })
  // The first is back, and has nothing that the second has not.
  first.api = await startApi(first.node, first.folder)
  expect(await ask('GET', `/v1/tasks/${id}`)).toMatchObject({ status: 200 })
  await second.api.close()
  expect(await ask('GET', `/v1/tasks/${id}`)).toMatchObject({ status: 404 })
  expect(await ask('GET', '/v1/nodes')).toMatchObject({ status: 200 })
})

test('findings and files are, too', async () => {
  const { id } = await second.node.submit('known', { at: 'the second' })
  await first.api.close()
  expect(await ask('GET', '/findings')).toMatchObject({ status: 200 })
  const wanted = { task: id, part: 'payload' }
  const { json } = await ask('POST', '/downloads', wanted)
  expect(await ask('GET', (json as { path: string }).path)).toMatchObject({
    json: { at: 'the second' }
  })
})

test('what changes something is asked of another one where nothing can have been done', async () => {
  await first.api.close()
  expect(await ask('POST', '/v1/tasks', { type: 'a', payload: 1 })).toMatchObject({ status: 201 })
  expect(second.node.submissions).toHaveLength(1)
})

test('that a node is to leave is said to that one alone', async () => {
  await first.api.close()
  expect(await ask('POST', '/v1/leave', { node: 'computer-a/1' })).toMatchObject({
    status: 403,
    json: { error: { name: 'NotPermittedError', message: expect.stringContaining('computer-a/2') } }
  })
  expect(second.node.leftAfterMs).toBeNull()
  expect(await ask('POST', '/v1/leave', { node: 'computer-a/2' })).toMatchObject({ status: 200 })
  expect(second.node.leftAfterMs).not.toBeNull()
})

test('a connection that breaks while something is done is the end of it', async () => {
  await first.api.close()
  const broken = await breaking(first.folder)
  try {
    const answer = await ask('POST', '/v1/tasks', { type: 'a', payload: 1 })
    expect(answer).toMatchObject({ status: 502 })
    expect(second.node.submissions).toEqual([])
  } finally {
    broken.close()
  }
})

test('a node that was chosen is the only one', async () => {
  await dashboard.close()
  await open()
  await first.api.close()
  expect(await ask('GET', '/v1/nodes')).toMatchObject({ status: 502 })
})

test('a node that accepts connections and answers nothing is left for another one', async () => {
  await first.api.close()
  const silent = createServer(() => {})
  await new Promise<void>(resolve => silent.listen(socketPath(first.folder), resolve))
  const { id } = await second.node.submit('known', null)
  expect(await ask('GET', `/v1/tasks/${id}`)).toMatchObject({ status: 200 })
  silent.close()
})

test('a stream that breaks begins anew at another one', async () => {
  const stream = await fetch(new URL('/v1/events', dashboard.address), {
    headers: { authorization: `Bearer ${token}` }
  })
  await until(() => first.node.listening > 0, 'the first to be followed')
  await first.api.close()
  // Whoever reads it sees the end, and opens the next.
  await stream.text().catch(() => '')
  const next = await fetch(new URL('/v1/events', dashboard.address), {
    headers: { authorization: `Bearer ${token}` }
  })
  await until(() => second.node.listening > 0, 'the second to be followed')
  await next.body?.cancel()
})

/** In the place of a node: takes a request, and ends the connection. */
async function breaking(folder: string): Promise<Server> {
  const server = createServer(socket => socket.once('data', () => socket.destroy()))
  await new Promise<void>(resolve => server.listen(socketPath(folder), resolve))
  return server
}
