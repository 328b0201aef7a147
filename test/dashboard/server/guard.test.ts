/** Which requests are refused before anything is done, whoever sends them. */
import { describe, expect, test } from 'vitest'
import { refusalOf, type Asked } from '../../../src/dashboard/server/guard.ts'

const HOSTS = new Set(['127.0.0.1', 'localhost', 'cluster.example'])

/** A request as our own page sends it, with some headers otherwise. */
function asked(method: string, target: string, headers: Record<string, string> = {}): Asked {
  const own: Record<string, string> = {
    host: '127.0.0.1:8080',
    'sec-fetch-site': 'same-origin',
    ...(method === 'POST'
      ? {
          origin: 'http://127.0.0.1:8080',
          'content-type': 'application/json',
          'content-length': '2'
        }
      : {}),
    ...headers
  }
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ''))
  return { method, target, headers: given, rawHeaders: Object.entries(given).flat() }
}

function statusOf(request: Asked): number | null {
  return refusalOf(request, HOSTS)?.status ?? null
}

test('what our own page asks is let through', () => {
  expect(statusOf(asked('GET', '/v1/tasks?state=failed&q=a%20b'))).toBeNull()
  expect(statusOf(asked('POST', '/v1/tasks/0007/cancel'))).toBeNull()
  expect(statusOf(asked('HEAD', '/'))).toBeNull()
})

describe('names', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost:65535',
    'LOCALHOST:8080',
    'cluster.example:99'
  ])('%s is one of its own, whatever the port', host => {
    expect(statusOf(asked('GET', '/v1/nodes', { host }))).toBeNull()
  })

  test.each([
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example:8080',
    '127.0.0.2',
    '0.0.0.0:8080',
    '[::1]:8080',
    '127.0.0.1:8080@evil.example',
    '127.0.0.1:8080 ',
    '127.0.0.1:8080, evil.example',
    ''
  ])('"%s" is not, and reads nothing either', host => {
    expect(statusOf(asked('GET', '/v1/nodes', { host }))).toBe(403)
    expect(statusOf(asked('GET', '/', { host }))).toBe(403)
  })
})

describe('origins', () => {
  test('through a tunnel the port may be another one, and Origin has to have it', () => {
    const host = 'localhost:9000'
    expect(
      statusOf(asked('POST', '/v1/bulk', { host, origin: 'http://localhost:9000' }))
    ).toBeNull()
    expect(statusOf(asked('POST', '/v1/bulk', { host, origin: 'http://localhost:8080' }))).toBe(403)
    expect(statusOf(asked('POST', '/v1/bulk', { host, origin: 'http://127.0.0.1:9000' }))).toBe(403)
  })

  test.each([
    'http://evil.example',
    'null',
    'http://127.0.0.1',
    'http://127.0.0.1:8081',
    'file://'
  ])('a page of %s neither reads nor changes', origin => {
    expect(statusOf(asked('GET', '/v1/nodes', { origin }))).toBe(403)
    expect(statusOf(asked('POST', '/v1/bulk', { origin }))).toBe(403)
  })

  test('what changes something has to say where it comes from', () => {
    const silent = { origin: '', 'sec-fetch-site': '' }
    expect(statusOf(asked('POST', '/v1/bulk', silent))).toBe(403)
    expect(statusOf(asked('POST', '/v1/bulk', { origin: '' }))).toBeNull()
    expect(statusOf(asked('POST', '/v1/bulk', { 'sec-fetch-site': '' }))).toBeNull()
  })

  test.each(['cross-site', 'same-site', 'whatever'])(
    'a request of a page that is %s is refused',
    site => {
      expect(statusOf(asked('GET', '/v1/nodes', { 'sec-fetch-site': site }))).toBe(403)
      expect(statusOf(asked('POST', '/v1/bulk', { 'sec-fetch-site': site }))).toBe(403)
      const asScript = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }
      expect(statusOf(asked('GET', '/', { 'sec-fetch-site': site, ...asScript }))).toBe(403)
      const inFrame = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }
      expect(statusOf(asked('GET', '/', { 'sec-fetch-site': site, ...inFrame }))).toBe(403)
    }
  )

  test('a link from elsewhere leads to the page', () => {
    const visit = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(statusOf(asked('GET', '/', { 'sec-fetch-site': 'cross-site', ...visit }))).toBeNull()
    expect(statusOf(asked('POST', '/session', { 'sec-fetch-site': 'cross-site', ...visit }))).toBe(
      403
    )
  })
})

describe('methods and bodies', () => {
  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get'])(
    '%s is refused',
    method => {
      expect(statusOf(asked(method, '/v1/tasks'))).toBe(405)
    }
  )

  test.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json-x'
  ])('a body of "%s" is refused: a form could send it', type => {
    expect(statusOf(asked('POST', '/v1/bulk', { 'content-type': type }))).toBe(415)
  })

  test.each(['chunked', 'identity', 'gzip, chunked', ' chunked'])(
    'Transfer-Encoding "%s" is refused, with a length and without',
    encoding => {
      const header = { 'transfer-encoding': encoding }
      expect(statusOf(asked('POST', '/v1/bulk', header))).toBe(400)
      expect(statusOf(asked('POST', '/v1/bulk', { ...header, 'content-length': '' }))).toBe(400)
      expect(statusOf(asked('GET', '/v1/nodes', header))).toBe(400)
    }
  )

  test('a body has a length, and it is small; what only reads has none', () => {
    expect(statusOf(asked('POST', '/v1/bulk', { 'content-length': '' }))).toBe(411)
    expect(statusOf(asked('POST', '/v1/bulk', { 'content-length': '+2' }))).toBe(411)
    expect(statusOf(asked('POST', '/v1/bulk', { 'content-length': '1048577' }))).toBe(413)
    expect(statusOf(asked('GET', '/v1/nodes', { 'content-length': '2' }))).toBe(400)
  })

  test.each(['host', 'origin', 'authorization', 'content-length', 'sec-fetch-site'])(
    'the header %s twice is refused',
    name => {
      const once = asked('POST', '/v1/bulk', { authorization: 'Bearer x' })
      const twice = { ...once, rawHeaders: [...once.rawHeaders, name.toUpperCase(), 'x'] }
      expect(refusalOf(once, HOSTS)).toBeNull()
      expect(refusalOf(twice, HOSTS)?.status).toBe(400)
    }
  )

  test('nothing is upgraded', () => {
    expect(statusOf(asked('GET', '/v1/events', { upgrade: 'websocket' }))).toBe(400)
  })
})

describe('paths', () => {
  test.each([
    'http://evil.example/',
    '//evil.example/',
    '*',
    '',
    '/..',
    '/../etc/passwd',
    '/assets/../v1/tasks',
    '/./v1/tasks',
    '/v1//tasks',
    '/v1/tasks/%2e%2e/leave',
    '/v1/tasks/..%2fleave',
    '/v1/%74asks',
    '/v1\\tasks',
    '/v1/tasks;x=1',
    '/v1/tasks#x',
    '/v1/tasks ',
    '/v1/tasks\u0000',
    '/v1/täsks',
    `/${'a'.repeat(5000)}`
  ])('%j is refused', target => {
    expect(statusOf(asked('GET', target))).toBe(400)
  })
})
