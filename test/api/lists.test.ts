/** Tasks as many, over the real local API: what a request asks for reaches the node, and pages end as they should. */
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { serveFakeNode } from './served.ts'

const at = serveFakeNode()

type Answer = { status: number; lines: Record<string, unknown>[] }

function ask(path: string, method = 'GET', body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socketPath = join(at.folder, 'api.sock')
    const sent = request({ socketPath, method, path }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.once('end', () => {
        const lines = text.split('\n').filter(line => line !== '')
        resolve({
          status: response.statusCode ?? 0,
          lines: lines.map(line => JSON.parse(line) as Record<string, unknown>)
        })
      })
    })
    sent.once('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

describe('GET /v1/tasks', () => {
  test('has a last line only if it was asked for a part', async () => {
    for (const type of ['a', 'b', 'a']) await at.node.submit(type, null)
    const all = await ask('/v1/tasks?type=a')
    expect(all.lines.map(({ type }) => type)).toEqual(['a', 'a'])
    for (const part of ['limit=1', 'cursor=x', 'limit=5&cursor=x']) {
      const page = await ask(`/v1/tasks?type=a&${part}`)
      expect(page.lines.at(-1)).toEqual({ v: 1, cursor: null, matched: 2 })
    }
  })

  test('in brief has neither payloads nor results', async () => {
    const { id } = await at.node.submit('a', { secret: true })
    const { lines } = await ask('/v1/tasks?fields=brief')
    expect(lines).toEqual([expect.objectContaining({ id, type: 'a', state: 'queued' })])
    for (const field of ['payload', 'result', 'labels', 'dependsOn']) {
      expect(lines[0]).not.toHaveProperty(field)
    }
  })

  test('hands on all that it is asked for', async () => {
    const query = new URLSearchParams({
      state: 'failed,queued',
      type: 'a',
      tag: 'b',
      node: 'c',
      ref: 'd',
      q: 'e f',
      since: '2026-01-02T03:04:05+02:00',
      until: '2026-01-02T03:04:05Z',
      sort: '-durationMs',
      cursor: 'g',
      limit: '7'
    })
    await ask(`/v1/tasks?${String(query)}`)
    expect(at.node.listed).toEqual({
      ...Object.fromEntries(query),
      state: ['failed', 'queued'],
      limit: 7
    })
  })

  test.each([
    ['state=failed,gone', /state.*waiting, delayed, queued/],
    ['sort=age', /^sort: .*submittedAt/],
    ['limit=0', /^limit: .*1/],
    ['fields=all', /^fields: must be brief/],
    ['since=yesterday', /^since: must be a date and time with its offset/],
    [`q=${'x'.repeat(257)}`, /^q: .*256/],
    ['colour=red', /colour/]
  ])('%s: is refused by its name, with what is allowed', async (query, words) => {
    const { status, lines } = await ask(`/v1/tasks?${query}`)
    expect(status).toBe(400)
    expect(lines[0]).toMatchObject({ error: { name: 'InvalidOptionError' } })
    expect((lines[0] as { error: { message: string } }).error.message).toMatch(words)
  })

  test('the client leaves the last line out, and asks for states as the node reads them', async () => {
    await at.node.submit('a', null)
    const client = await Client.open({ data: at.folder })
    const found: string[] = []
    for await (const { type } of client.list({ state: ['queued', 'failed'], limit: 5 })) {
      found.push(type)
    }
    expect(found).toEqual(['a'])
    expect(at.node.listed).toMatchObject({ state: ['queued', 'failed'], limit: 5 })
  })
})

test('GET /v1/tasks/counts counts those that fit', async () => {
  for (const type of ['a', 'b', 'a']) await at.node.submit(type, null)
  const { lines } = await ask('/v1/tasks/counts?type=a&state=queued')
  expect(lines).toEqual([
    expect.objectContaining({
      v: 1,
      total: 2,
      states: expect.objectContaining({ queued: 2, failed: 0 }) as unknown,
      types: { a: expect.objectContaining({ queued: 2 }) as unknown },
      nodes: { 'computer-a/1': expect.objectContaining({ queued: 2 }) as unknown }
    })
  ])
})

describe('GET /v1/events?snapshot=true', () => {
  const firstLine = (path: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const socketPath = join(at.folder, 'api.sock')
      const sent = request({ socketPath, path }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
          const [line] = text.split('\n').filter(Boolean)
          if (line === undefined) return
          response.destroy()
          resolve(JSON.parse(line) as Record<string, unknown>)
        })
      })
      sent.once('error', reject)
      sent.end()
    })

  test('is the live view, as it is asked for', async () => {
    const line = await firstLine('/v1/events?snapshot=true&rows=7&since=boot-of-fake:0&event=node')
    expect(line).toMatchObject({ v: 1, event: 'view:live' })
    const { since, rows, wants } = at.node.watched
    expect({ since, rows }).toEqual({ since: 'boot-of-fake:0', rows: 7 })
    const event = { v: 1 as const, at: '', cursor: '' }
    expect(wants!({ ...event, event: 'node:left' })).toBe(true)
    expect(wants!({ ...event, event: 'task:failed' })).toBe(false)
  })

  test.each(['snapshot=1', 'snapshot=true&rows=1001', 'snapshot=true&rows=0'])(
    '%s is refused',
    async query => {
      expect((await ask(`/v1/events?${query}`)).status).toBe(400)
    }
  )
})
