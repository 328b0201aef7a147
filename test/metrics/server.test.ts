/** Metrics and probes over HTTP. */
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
