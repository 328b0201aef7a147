/**
 * The dashboard's server against a node without a network, over real sockets: what it serves, what it passes on, and
 * what it refuses, byte by byte where a client would not send it.
 */
import { connect } from 'node:net'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Client } from '../../../src/api/client.ts'
import { startDashboard, type Dashboard } from '../../../src/dashboard/server/dashboard.ts'
import type { PageFiles } from '../../../src/dashboard/server/files.ts'
import { serveFakeNode } from '../../api/served.ts'
import { until } from '../../support/until.ts'

const html = {
  type: 'text/html; charset=utf-8',
  body: Buffer.from('<html>'),
  gzipped: Buffer.from('zipped')
}
const FILES: PageFiles = new Map([['/index.html', html]])

const served = serveFakeNode()
let dashboard: Dashboard
let nowMs: number

async function start(flags: { readOnly?: boolean; allowSubmit?: boolean } = {}): Promise<void> {
  nowMs = 0
  dashboard = await startDashboard({
    client: await Client.open({ data: served.folder }),
    files: FILES,
    port: 0,
    hosts: [],
    readOnly: false,
    allowSubmit: false,
    now: () => nowMs,
    ...flags
  })
}

beforeEach(() => start())
afterEach(() => dashboard.close())

type Answer = { status: number; headers: Record<string, unknown>; text: string; json: unknown }
type Given = { headers?: Record<string, string>; body?: unknown; token?: string }

/** As our own page asks. */
function ask(
  method: string,
  path: string,
  { headers = {}, body, token }: Given = {}
): Promise<Answer> {
  const { host, port, origin } = new URL(dashboard.address)
  const text = method === 'POST' ? JSON.stringify(body ?? {}) : ''
  const own = {
    host,
    ...(method === 'POST'
      ? {
          origin,
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(text))
        }
      : {}),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...headers
  }
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers: own }, response => {
      let whole = ''
      response.setEncoding('utf8').on('data', (piece: string) => (whole += piece))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: whole,
          json: response.headers['content-type'] === 'application/json' ? JSON.parse(whole) : null
        })
      )
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

async function open(): Promise<string> {
  const [, code] = dashboard.newLink().split('#code=')
  const { json } = await ask('POST', '/session', { body: { code } })
  return (json as { token: string }).token
}

/** Bytes as they are; resolves with all that comes back until the connection ends. */
function raw(text: string): Promise<string> {
  const port = Number(new URL(dashboard.address).port)
  return new Promise((resolve, reject) => {
    let said = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (piece: string) => (said += piece))
    socket.setTimeout(5000, () => socket.destroy())
    socket.on('close', () => resolve(said))
    socket.on('error', reject)
  })
}

describe('sessions', () => {
  test('the page itself needs none, and has no data in it', async () => {
    const paths = [
      '/',
      '/tasks?state=failed',
      '/tasks/00017cdaf76b/graph',
      '/nodes/computer-a/1',
      '/doctor'
    ]
    for (const path of paths) {
      expect(await ask('GET', path)).toMatchObject({ status: 200, text: '<html>' })
    }
    expect(await ask('HEAD', '/')).toMatchObject({ status: 200, text: '' })
    const zipped = await ask('GET', '/', { headers: { 'accept-encoding': 'br, gzip' } })
    expect(zipped).toMatchObject({ text: 'zipped', headers: { 'content-encoding': 'gzip' } })
  })

  test('everything else does', async () => {
    for (const path of ['/v1/nodes', '/v1/tasks', '/about', '/findings', '/etc/passwd']) {
      expect(await ask('GET', path)).toMatchObject({
        status: 401,
        json: { error: { name: 'NoSessionError' } }
      })
    }
    expect(await ask('POST', '/v1/drain')).toMatchObject({ status: 401 })
    expect(await ask('GET', '/v1/nodes', { token: 'a'.repeat(43) })).toMatchObject({ status: 401 })
    expect(served.node.nodes()[0]).toMatchObject({ draining: false })
  })

  test('a link opens one, once, and within a minute', async () => {
    const [address, code] = dashboard.newLink().split('#code=')
    expect(address).toBe(dashboard.address)
    const opened = await ask('POST', '/session', { body: { code } })
    expect(opened.status).toBe(201)
    const { token } = opened.json as { token: string }
    expect(await ask('GET', '/v1/status', { token })).toMatchObject({
      status: 200,
      json: { cluster: 'test' }
    })
    expect(await ask('POST', '/session', { body: { code } })).toMatchObject({ status: 403 })
    const [, late] = dashboard.newLink().split('#code=')
    nowMs = 60_000
    expect(await ask('POST', '/session', { body: { code: late } })).toMatchObject({ status: 403 })
    expect(await ask('GET', '/v1/status', { token })).toMatchObject({ status: 200 })
  })

  test.each([{}, { code: 1 }, { code: 'x', more: true }, [], null, 'x', { code: 'x'.repeat(200) }])(
    'no session for %j',
    async body => {
      const { status } = await ask('POST', '/session', { body })
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
    }
  )
})

test('whatever it answers, it forbids all that the page does not need', async () => {
  for (const path of ['/', '/v1/nodes', '/nowhere', '/..']) {
    const { headers } = await ask('GET', path)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY'
    })
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(policy).not.toMatch(/unsafe|data:|https?:|\*/)
    expect(headers).not.toHaveProperty('set-cookie')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  }
})

describe('passing on', () => {
  test('answers come as the node gives them, and nothing of the browser goes along', async () => {
    const token = await open()
    const { id } = await served.node.submit('a', { x: 1 })
    const tasks = await ask('GET', '/v1/tasks?type=a', { token })
    expect(tasks.headers['content-type']).toBe('application/x-ndjson')
    expect(
      tasks.text
        .trim()
        .split('\n')
        .map(line => (JSON.parse(line) as { id: string }).id)
    ).toEqual([id])
    const unknown = await ask('GET', '/v1/tasks/ffffffffffff', { token })
    expect(unknown).toMatchObject({ status: 404, json: { error: { name: 'UnknownTaskError' } } })
  })

  test('a stream comes as it is made, and ends at the node when the page goes', async () => {
    const token = await open()
    const { host, port } = new URL(dashboard.address)
    const heard: string[] = []
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/v1/events',
      headers: { host, authorization: `Bearer ${token}` }
    })
    sent.on('response', response =>
      response.setEncoding('utf8').on('data', (text: string) => heard.push(text))
    )
    sent.on('error', () => {})
    sent.end()
    await until(() => served.node.listening > 0, 'the node to have a listener')
    served.node.emit('node:joined', { node: 'computer-b/2' })
    await until(() => heard.join('').includes('computer-b/2'), 'the event')
    sent.destroy()
    await until(() => served.node.listening === 0, 'the node to have no listener')
  })

  test('a node that is gone is said to be', async () => {
    const token = await open()
    await served.api.close()
    expect(await ask('GET', '/v1/nodes', { token })).toMatchObject({
      status: 502,
      json: { error: { name: 'NoNodeError' } }
    })
  })

  test('what is not in the list does not reach the node', async () => {
    const token = await open()
    for (const [method, path] of [
      ['GET', '/v1/state'],
      ['POST', '/v1/state'],
      ['POST', '/v1/batch'],
      ['GET', '/v1/metrics'],
      ['GET', '/v1/tasks?evil=1']
    ] as const) {
      expect(await ask(method, path, { token })).toMatchObject({
        status: 404,
        json: { error: { name: 'NotPassedError' } }
      })
    }
  })

  test('findings are what the doctor would say of the node', async () => {
    const token = await open()
    expect(await ask('GET', '/findings', { token })).toMatchObject({
      status: 200,
      json: { v: 1, heard: null, findings: expect.any(Array) }
    })
  })
})

describe('permissions', () => {
  async function failed(type: string): Promise<string> {
    const { id } = await served.node.submit(type, null)
    served.node.settle(id, { state: 'failed', reason: 'HandlerError' })
    return id
  }

  test('a task may be cancelled and retried, a command may not be retried', async () => {
    const token = await open()
    const plain = await failed('a')
    expect(await ask('POST', `/v1/tasks/${plain}/retry`, { token })).toMatchObject({ status: 201 })
    const command = await failed('command')
    const submitted = served.node.submissions.length
    expect(await ask('POST', `/v1/tasks/${command}/retry`, { token })).toMatchObject({
      status: 403,
      json: { error: { name: 'NotPermittedError' } }
    })
    const { id } = await served.node.submit('command', null)
    expect(await ask('POST', `/v1/tasks/${id}/cancel`, { token })).toMatchObject({ status: 200 })
    expect(served.node.submissions.length).toBe(submitted + 1)
  })

  test('a task may be submitted, a command may not', async () => {
    const token = await open()
    const command = { type: 'command', payload: { argv: ['true'] } }
    expect(await ask('POST', '/v1/tasks', { token, body: command })).toMatchObject({
      status: 403,
      json: { error: { name: 'NotPermittedError' } }
    })
    expect(served.node.submissions).toEqual([])
    const body = { type: 'a', payload: { n: 1 }, options: { priority: 8, tags: ['b'] } }
    expect(await ask('POST', '/v1/tasks', { token, body })).toMatchObject({ status: 201 })
    expect(served.node.submissions).toMatchObject([{ type: 'a' }])
  })

  test('with --allow-submit both go', async () => {
    await dashboard.close()
    await start({ allowSubmit: true })
    const token = await open()
    const command = await failed('command')
    expect(await ask('POST', `/v1/tasks/${command}/retry`, { token })).toMatchObject({
      status: 201
    })
    const body = { type: 'command', payload: { argv: ['true'] } }
    expect(await ask('POST', '/v1/tasks', { token, body })).toMatchObject({ status: 201 })
    expect(await ask('GET', '/about', { token })).toMatchObject({
      json: { readOnly: false, allowSubmit: true }
    })
  })

  test('the node that the page shows may be told to leave, and no other', async () => {
    const token = await open()
    const { node } = await (await Client.open({ data: served.folder })).status()
    for (const body of [{ node: 'computer-z/9' }, {}]) {
      const { status } = await ask('POST', '/v1/leave', { token, body })
      expect(status).toBeGreaterThanOrEqual(400)
    }
    expect(served.node.leftAfterMs).toBeNull()
    expect(await ask('POST', '/v1/leave', { token, body: { node } })).toMatchObject({ status: 200 })
    expect(served.node.leftAfterMs).not.toBeNull()
  })

  test('with --read-only nothing is changed', async () => {
    await dashboard.close()
    await start({ readOnly: true })
    const token = await open()
    const { id } = await served.node.submit('a', null)
    for (const path of [
      `/v1/tasks/${id}/cancel`,
      `/v1/tasks/${id}/retry`,
      '/v1/drain',
      '/v1/leave',
      '/v1/bulk'
    ]) {
      expect(await ask('POST', path, { token })).toMatchObject({
        status: 403,
        json: { error: { name: 'NotPermittedError' } }
      })
    }
    expect(served.node.task(id).state).toBe('queued')
    expect(served.node.leftAfterMs).toBeNull()
  })
})

describe('downloads', () => {
  test('a result is a file that a browser never shows, by a path that is good once', async () => {
    const token = await open()
    const { id } = await served.node.submit('a', null)
    served.node.settle(id, { state: 'completed', result: '<script>' })
    const opened = await ask('POST', '/downloads', { token, body: { task: id, part: 'result' } })
    const { path } = opened.json as { path: string }
    expect(await ask('GET', path)).toMatchObject({
      status: 200,
      text: '"<script>"',
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="${id}-result.json"`,
        'x-content-type-options': 'nosniff'
      }
    })
    expect(await ask('GET', path)).toMatchObject({ status: 400 })
  })

  test('a path is good for a minute', async () => {
    const token = await open()
    const { id } = await served.node.submit('a', null)
    const opened = await ask('POST', '/downloads', { token, body: { task: id, part: 'payload' } })
    nowMs = 60_000
    expect(await ask('GET', (opened.json as { path: string }).path)).toMatchObject({ status: 400 })
  })

  test.each([{}, { task: '../x', part: 'result' }, { task: '00', part: 'stack' }])(
    'no file for %j',
    async body => {
      const token = await open()
      const { status } = await ask('POST', '/downloads', { token, body })
      expect(status).toBe(400)
    }
  )
})

describe('byte by byte', () => {
  const head = (): string => `Host: ${new URL(dashboard.address).host}\r\n`

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])(
    '%s is refused, and the connection ends',
    async method => {
      const said = await raw(`${method} /v1/tasks HTTP/1.1\r\n${head()}\r\n`)
      expect(said).toMatch(/^HTTP\/1\.1 405 /)
      expect(said.toLowerCase()).toContain('connection: close')
    }
  )

  test('a request hidden in the body of a refused one is never read', async () => {
    const hidden = `GET /about HTTP/1.1\r\n${head()}\r\n`
    const both = `Content-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n`
    for (const headers of [
      both,
      'Transfer-Encoding: chunked\r\n',
      'Transfer-Encoding: xchunked\r\n'
    ]) {
      const said = await raw(`POST /session HTTP/1.1\r\n${head()}${headers}\r\n0\r\n\r\n${hidden}`)
      expect(said).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(said.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    }
  })

  test.each([
    'GET http://evil.example/v1/nodes HTTP/1.1',
    'GET /../../etc/passwd HTTP/1.1',
    'GET /assets/..%2f..%2fetc/passwd HTTP/1.1',
    'GET //evil.example HTTP/1.1',
    'GET * HTTP/1.1'
  ])('%s is refused', async line => {
    expect(await raw(`${line}\r\n${head()}\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('without a Host, with two, or with another one, nothing is answered', async () => {
    expect(await raw('GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await raw('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 403 /)
    expect(await raw(`GET / HTTP/1.1\r\n${head()}Host: evil.example\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /
    )
    expect(await raw('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('nothing is upgraded or tunnelled', async () => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
    expect(await raw(`GET / HTTP/1.1\r\n${head()}${upgrade}\r\n`)).not.toMatch(/ (101|200) /)
    expect(await raw(`CONNECT evil.example:443 HTTP/1.1\r\n${head()}\r\n`)).not.toMatch(/ 200 /)
  })
})

test('it listens on 127.0.0.1 only, and on a port that is taken not at all', async () => {
  const { port, hostname } = new URL(dashboard.address)
  expect(hostname).toBe('127.0.0.1')
  await expect(
    startDashboard({
      client: await Client.open({ data: served.folder }),
      files: FILES,
      port: Number(port),
      hosts: [],
      readOnly: false,
      allowSubmit: false
    })
  ).rejects.toThrow(/--port/)
})
