/**
 * The document says what the node does: every question is in it, every answer keeps to what it says, and whatever is
 * refused is refused by a name that it gives.
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { Hono } from 'hono'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { routes } from '../../../src/api/routes.ts'
import { runOf } from '../../run/external/runs.ts'
import { until } from '../../support/until.ts'
import { FakeNode } from '../fake-node.ts'
import { serveFakeNode } from '../served.ts'

type Schema = { [key: string]: unknown }
type Media = Record<string, { schema: Schema }>
type Response = { description: string; content?: Media }
type Operation = {
  operationId: string
  summary: string
  parameters: { name: string; in: string; required: boolean; description?: string }[]
  requestBody?: { content: Media }
  responses: Record<string, Response>
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

type Call = { method: string; path: string; body?: string }
type Answer = { status: number; type: string; text: string }

const at = serveFakeNode()
let document: Document

beforeEach(async () => {
  document = JSON.parse((await ask({ method: 'GET', path: '/v1/openapi.json' })).text) as Document
})

/** @param enough ends the reading of a stream that has no end */
function ask({ method, path, body }: Call, enough?: RegExp): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(at.folder, 'api.sock'), method, path }, response => {
      const { statusCode = 0, headers } = response
      let text = ''
      const done = (): void => {
        resolve({ status: statusCode, type: headers['content-type'] ?? '', text })
      }
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
        if (enough?.test(text)) response.destroy()
      })
      response.once('end', done)
      response.once('close', done)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

function operations(): (Operation & { method: string; path: string })[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path }))
  )
}

function operation(id: string): Operation & { method: string; path: string } {
  const found = operations().find(({ operationId }) => operationId === id)
  if (found === undefined) throw new Error(`the document has no ${id}`)
  return found
}

/** A schema of the document, with what it refers to. */
function validator(schema: Schema): z.ZodType {
  const local = (value: unknown): Schema =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/components/schemas/', '"#/$defs/')) as Schema
  const whole = { ...local(schema), $defs: local(document.components.schemas) }
  return z.fromJSONSchema(whole as Parameters<typeof z.fromJSONSchema>[0])
}

/** Holds an answer to the document. */
function expectDescribed(id: string, { status, type, text }: Answer): void {
  const { responses } = operation(id)
  const response = responses[String(status)]
  expect(response, `${id} answered with ${status}: ${text}`).toBeDefined()
  if (response!.content === undefined) return expect(text).toBe('')
  const [[media, { schema }]] = Object.entries(response!.content) as [[string, { schema: Schema }]]
  expect(type.split(';')[0]).toBe(media)
  if (media === 'text/plain' || Object.keys(schema).length === 0) return
  const values =
    media === 'application/json' ? [text] : text.split('\n').filter(line => line !== '')
  for (const value of values) validator(schema).parse(JSON.parse(value))
  if (status >= 300) {
    const { name, advice } = (JSON.parse(text) as { error: Record<string, string> }).error
    expect(response!.description).toContain(`${name}: ${advice}`)
  }
}

const submit = (type: string, options: object = {}): Call => ({
  method: 'POST',
  path: '/v1/tasks',
  body: JSON.stringify({ type, payload: null, options })
})

const bulk = (body: object): Call => ({
  method: 'POST',
  path: '/v1/bulk',
  body: JSON.stringify(body)
})

async function submitted(type: string): Promise<string> {
  return (JSON.parse((await ask(submit(type))).text) as { id: string }).id
}

/** By the id of the operation: a question that is answered, and where to stop reading. */
type Asked = Call & { enough?: RegExp }
const ANSWERED: Record<string, (id: string) => Asked | Promise<Asked>> = {
  getOpenapi: () => ({ method: 'GET', path: '/v1/openapi.json' }),
  postTasks: () => submit('quick', { priority: 8 }),
  postBatch: () => ({
    method: 'POST',
    path: '/v1/batch?wait=true',
    body: '{"line":1,"type":"quick"}\n{"line":2,"type":"large"}\n'
  }),
  getTasks: () => ({ method: 'GET', path: '/v1/tasks?limit=1' }),
  getTasksCounts: () => ({ method: 'GET', path: '/v1/tasks/counts?state=queued,failed' }),
  getTasksByPartGraph: id => ({ method: 'GET', path: `/v1/tasks/${id}/graph?depth=2&max=10` }),
  getTimeline: () => ({ method: 'GET', path: '/v1/timeline?max=10' }),
  postBulk: () => ({
    method: 'POST',
    path: '/v1/bulk',
    body: '{"action":"cancel","filter":{"state":"queued"},"dryRun":true}'
  }),
  getTasksByPart: id => ({ method: 'GET', path: `/v1/tasks/${id}` }),
  getTasksByPartHistory: id => ({ method: 'GET', path: `/v1/tasks/${id}/history` }),
  getTasksByPartLogs: id => ({ method: 'GET', path: `/v1/tasks/${id}/logs?follow=false` }),
  getTasksByPartWhy: id => ({ method: 'GET', path: `/v1/tasks/${id}/why` }),
  getTasksByPartWait: id => ({ method: 'GET', path: `/v1/tasks/${id}/wait?timeoutMs=1000` }),
  postTasksByPartCancel: id => ({ method: 'POST', path: `/v1/tasks/${id}/cancel` }),
  postTasksByPartRetry: id => ({ method: 'POST', path: `/v1/tasks/${id}/retry` }),
  postWaits: id => ({
    method: 'POST',
    path: '/v1/waits',
    body: `{"line":1,"id":"${id}"}\n{"line":2,"id":"none such"}\n`
  }),
  putBlobs: () => ({ method: 'PUT', path: '/v1/blobs', body: '"large"' }),
  getBlobsByHash: () => ({ method: 'GET', path: `/v1/blobs/${'0'.repeat(64)}?bytes=7` }),
  getState: () => ({ method: 'GET', path: '/v1/state' }),
  postState: () => ({ method: 'POST', path: '/v1/state', body: 'a file' }),
  getNodes: () => ({ method: 'GET', path: '/v1/nodes' }),
  getStatus: () => ({ method: 'GET', path: '/v1/status' }),
  getDiagnosis: () => ({ method: 'GET', path: '/v1/diagnosis?clusters=one,two' }),
  getMetrics: () => ({ method: 'GET', path: '/v1/metrics' }),
  putLabels: () => ({ method: 'PUT', path: '/v1/labels', body: '{"gpu":"1"}' }),
  postDrain: () => ({ method: 'POST', path: '/v1/drain' }),
  postExpect: () => ({ method: 'POST', path: '/v1/expect?node=computer-b/2' }),
  postForget: () => ({ method: 'POST', path: '/v1/forget?node=computer-b/2' }),
  postReload: () => ({ method: 'POST', path: '/v1/reload' }),
  postLeave: () => ({ method: 'POST', path: '/v1/leave' }),
  getEvents: () => ({ method: 'GET', path: '/v1/events', enough: /^\n/ }),
  postWorkers: () => {
    void started().then(() => at.node.work.external.drainAll())
    return {
      method: 'POST',
      path: '/v1/workers',
      body: '{"types":["any"],"slots":1}',
      enough: /"drain"/
    }
  },
  postWorkersByWorkerDrain: async () => ({
    method: 'POST',
    path: `/v1/workers/${await worker()}/drain`
  }),
  deleteWorkersByWorker: async () => ({
    method: 'DELETE',
    path: `/v1/workers/${await worker()}`
  }),
  postClaims: () => {
    void started()
    return { method: 'POST', path: '/v1/claims', body: '{"types":["any"],"waitMs":10000}' }
  },
  postLeasesByLeaseProgress: () => onLease('progress', '{"fraction":0.5}'),
  postLeasesByLeaseLogs: () => onLease('logs', '{"lines":["one"]}'),
  postLeasesByLeaseExtend: () => onLease('extend', ''),
  postLeasesByLeaseCheckpoint: () => onLease('checkpoint', '{"page":7}'),
  postLeasesByLeaseComplete: () => onLease('complete', '{"result":{"ok":true}}'),
  postLeasesByLeaseFail: () => onLease('fail', '{"error":{"name":"Oops","message":"no"}}'),
  postLeasesByLeaseRelease: () => onLease('release', ''),
  postLeasesEnds: () => ({
    method: 'POST',
    path: '/v1/leases/ends',
    body: '{"lease":"none.0.1.x","release":{}}'
  })
}

/** A run, as soon as somebody is there for it. */
async function started(): Promise<void> {
  const { work } = at.node
  await until(() => work.pool !== undefined, 'a worker to be there')
  work.start(runOf())
}

async function onLease(what: string, body: string): Promise<Asked> {
  void started()
  const claimed = await ask({
    method: 'POST',
    path: '/v1/claims',
    body: '{"types":["any"],"waitMs":10000}'
  })
  const { lease } = JSON.parse(claimed.text) as { lease: string }
  return { method: 'POST', path: `/v1/leases/${lease}/${what}`, body }
}

/** The name of a worker that stays connected until the API closes. */
async function worker(): Promise<string> {
  const { work } = at.node
  const call = { method: 'POST', path: '/v1/workers', body: '{"types":["any"],"slots":1}' }
  void ask(call).catch(() => {})
  await until(() => work.pool !== undefined, 'the worker to be there')
  return work.pool!.name
}

/** Questions that are refused: by which name, of which operation. */
const REFUSED: readonly (readonly [string, string, Call])[] = [
  ['postTasks', 'InvalidOptionError', { method: 'POST', path: '/v1/tasks', body: '{' }],
  ['postTasks', 'InvalidOptionError', { method: 'POST', path: '/v1/tasks', body: '{"type":1}' }],
  ['postTasks', 'PayloadRejectedError', submit('rejected')],
  ['postTasks', 'NotReplicatedError', submit('alone')],
  ['postTasks', 'TooLargeError', { ...submit(''), body: `"${'x'.repeat(1_048_577)}"` }],
  ['getTasks', 'InvalidOptionError', { method: 'GET', path: '/v1/tasks?limit=none' }],
  ['getTasks', 'InvalidOptionError', { method: 'GET', path: '/v1/tasks?sort=age' }],
  ['getTasksCounts', 'InvalidOptionError', { method: 'GET', path: '/v1/tasks/counts?state=x' }],
  ['getTimeline', 'InvalidOptionError', { method: 'GET', path: '/v1/timeline?from=noon' }],
  ['getTasksByPartGraph', 'UnknownTaskError', { method: 'GET', path: '/v1/tasks/ffff/graph' }],
  ['postBulk', 'InvalidOptionError', bulk({ action: 'delete', filter: {} })],
  ['postBulk', 'InvalidOptionError', bulk({ action: 'cancel' })],
  ['postBulk', 'CountMismatchError', bulk({ action: 'cancel', filter: {}, expect: 7 })],
  ['getTasksByPart', 'UnknownTaskError', { method: 'GET', path: '/v1/tasks/ffff' }],
  ['getTasksByPartLogs', 'UnknownTaskError', { method: 'GET', path: '/v1/tasks/ffff/logs' }],
  ['getBlobsByHash', 'InvalidOptionError', { method: 'GET', path: '/v1/blobs/1?bytes=7' }],
  [
    'getBlobsByHash',
    'BlobUnavailableError',
    { method: 'GET', path: `/v1/blobs/${'f'.repeat(64)}?bytes=7` }
  ],
  ['postState', 'ForeignStateFileError', { method: 'POST', path: '/v1/state', body: 'foreign' }],
  ['postDrain', 'UnknownNodeError', { method: 'POST', path: '/v1/drain?node=nobody' }],
  ['postWorkers', 'InvalidOptionError', { method: 'POST', path: '/v1/workers', body: '{}' }],
  ['deleteWorkersByWorker', 'UnknownWorkerError', { method: 'DELETE', path: '/v1/workers/none' }],
  ['postLeasesByLeaseRelease', 'LeaseLost', { method: 'POST', path: '/v1/leases/none/release' }],
  ['putLabels', 'InvalidOptionError', { method: 'PUT', path: '/v1/labels', body: '{"gpu":1}' }]
]

describe('the document', () => {
  test('has every question that is answered, and no other', () => {
    const app = routes(new FakeNode(), new AbortController().signal)
    expect(app).toBeInstanceOf(Hono)
    const answered = app.routes.map(({ method, path }) => `${method} ${path}`)
    const described = operations().map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`
    )
    expect(described.sort()).toEqual([...new Set(answered)].sort())
  })

  test('names every operation once, and says what each part of a path is', () => {
    const ids = operations().map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, parameters, summary } of operations()) {
      expect(summary).toMatch(/^[A-Z].*[^.]$/)
      for (const { in: where, description } of parameters) {
        if (where === 'path') expect(description, path).toBeTruthy()
      }
    }
  })

  test('refers to nothing that it has not', () => {
    const text = JSON.stringify(document)
    const refs = [...text.matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref!)
    expect(refs.length).toBeGreaterThan(10)
    const known = Object.keys(document.components.schemas)
    for (const ref of refs) expect(known).toContain(ref.replace('#/components/schemas/', ''))
  })

  test('is tried below as a whole', () => {
    const ids = operations().map(({ operationId }) => operationId)
    expect(Object.keys(ANSWERED).sort()).toEqual(ids.sort())
  })
})

describe('an answer is what the document says', () => {
  test.each(Object.keys(ANSWERED))('%s', async id => {
    const task = await submitted(id.endsWith('Wait') || id === 'postWaits' ? 'quick' : 'slow')
    if (id.endsWith('Retry')) at.node.settle(task, { state: 'failed' })
    await ask({ method: 'PUT', path: '/v1/blobs', body: '"large"' })
    at.node.emit('task:queued', { taskId: task })
    at.node.entries.push({
      v: 1,
      at: new Date(0).toISOString(),
      attempt: 1,
      node: null,
      stream: 'log',
      text: 'said\n'
    })
    const { enough, ...call } = await ANSWERED[id]!(task)
    const answer = await ask(call, enough)
    expect(answer.status, answer.text).toBeLessThan(300)
    expectDescribed(id, answer)
  })
})

describe('a refusal is one that the document names', () => {
  test.each(REFUSED)('%s: %s', async (id, name, call) => {
    const answer = await ask(call)
    expect(JSON.parse(answer.text)).toMatchObject({ v: 1, error: { name } })
    expectDescribed(id, answer)
  })

  test('of every question: a query that it does not know', async () => {
    for (const { operationId, method, path } of operations()) {
      const full = path.replaceAll(/\{\w+\}/g, '0'.repeat(64))
      const call = { method: method.toUpperCase(), path: `${full}?no-such=1` }
      const answer = await ask(call)
      expect(answer.status, `${operationId}: ${answer.text}`).toBe(400)
      expectDescribed(operationId, answer)
    }
  })
})
