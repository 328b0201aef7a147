/** Metrics and probes over HTTP. */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { Probes } from '../../src/metrics/probes.ts'

let probes = new Probes()

afterEach(async () => {
  await probes.close()
  probes = new Probes()
})

async function get(url: string, init?: RequestInit): Promise<{ status: number; text: string }> {
  const response = await fetch(url, init)
  return { status: response.status, text: await response.text() }
}

/** As a browser asks that takes this address for a host of that name. @returns the status */
async function asked(port: string, host: string): Promise<number | undefined> {
  const sent = request({ host: '127.0.0.1', port, path: '/healthz', headers: { host } }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

describe('a node that is served over HTTP', () => {
  test('is alive from the first moment, and says what it still does until it is ready', async () => {
    const url = await probes.open('127.0.0.1:0')
    expect(await get(`${url}/healthz`)).toEqual({ status: 200, text: 'alive\n' })
    const opening = { status: 503, text: 'the data folder is being opened\n' }
    expect(await get(`${url}/readyz`)).toEqual(opening)
    expect(await get(`${url}/metrics`)).toEqual(opening)
    probes.becomes('the journal is being read')
    expect(await get(`${url}/readyz`)).toEqual({ status: 503, text: 'the journal is being read\n' })
    let why: string | null = null
    probes.serves({ metricsText: async () => 'up 1\n', whyNotReady: () => why })
    expect(await get(`${url}/readyz`)).toEqual({ status: 200, text: 'ready\n' })
    expect(await get(`${url}/metrics`)).toEqual({ status: 200, text: 'up 1\n' })
    why = 'the node is draining'
    expect(await get(`${url}/readyz`)).toEqual({ status: 503, text: 'the node is draining\n' })
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 })
  })

  test('answers nothing else, and takes nothing', async () => {
    const url = await probes.open('127.0.0.1:0')
    expect(await get(`${url}/v1/tasks`)).toMatchObject({ status: 404 })
    expect(await get(`${url}/metrics`, { method: 'POST', body: 'x' })).toMatchObject({
      status: 405
    })
  })

  test('answers HEAD as GET, without the text', async () => {
    const url = await probes.open('127.0.0.1:0')
    expect(await get(`${url}/healthz`, { method: 'HEAD' })).toEqual({ status: 200, text: '' })
  })

  test('tells no cache to keep it, and Prometheus how to read it', async () => {
    const url = await probes.open('127.0.0.1:0')
    probes.serves({ metricsText: async () => 'up 1\n', whyNotReady: () => null })
    const { headers } = await fetch(`${url}/metrics`)
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('on a loopback address, knows only names of this computer', async () => {
    const { port } = new URL(await probes.open('127.0.0.1:0'))
    for (const name of ['localhost', 'LOCALHOST', '127.0.0.1', '127.0.0.2', '[::1]']) {
      expect(await asked(port, `${name}:${port}`)).toBe(200)
      expect(await asked(port, name)).toBe(200)
    }
    for (const name of ['evil.example', 'localhost.evil.example', '10.0.0.1', '[2001:db8::1]']) {
      expect(await asked(port, `${name}:${port}`)).toBe(403)
    }
    expect(await asked(port, 'a b')).toBe(400)
    expect(await asked(port, 'localhost/@evil.example')).toBe(400)
  })

  test('a probe in HTTP/1.0, which names no host, is answered', async () => {
    const { port } = new URL(await probes.open('127.0.0.1:0'))
    const socket = connect(Number(port), '127.0.0.1')
    socket.end('GET /healthz HTTP/1.0\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('on any other address, goes by whatever name it is called', async () => {
    const { port } = new URL(await probes.open('0.0.0.0:0'))
    expect(await asked(port, `metrics.example:${port}`)).toBe(200)
  })

  test('survives a failure of what it is asked', async () => {
    const url = await probes.open('127.0.0.1:0')
    probes.serves({ metricsText: () => Promise.reject(new Error('no')), whyNotReady: () => null })
    expect(await get(`${url}/metrics`)).toEqual({ status: 500, text: 'Error: no\n' })
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 })
  })

  test('refuses an address that is taken, by name', async () => {
    const url = await probes.open('127.0.0.1:0')
    const address = url.replace('http://', '')
    await expect(new Probes().open(address)).rejects.toMatchObject({
      name: 'InvalidOptionError',
      message: expect.stringContaining(`${address}: listening there fails (EADDRINUSE)`)
    })
  })

  test('listens on IPv6, too', async () => {
    const url = await probes.open('[::1]:0').catch(({ message }: Error) => message)
    if (url.includes('EADDRNOTAVAIL') || url.includes('EAFNOSUPPORT')) return
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200 })
  })
})
