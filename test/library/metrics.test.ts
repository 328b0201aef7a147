/** What real nodes have counted, each for itself and all together. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../support/until.ts'
import { NonRetryableError } from '../../src/index.ts'
import { endAll, startNode } from './nodes.ts'

afterAll(endAll)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

function tasksLines(text: string): string[] {
  return text
    .split('\n')
    .filter(line => line.startsWith('hearsay_tasks{'))
    .sort()
}

test('nodes count what they do, agree on the sum, and tell it over HTTP', async () => {
  const http = `127.0.0.1:${await freePort()}`
  const a = await startNode({ http })
  const b = await startNode()
  a.registerTaskHandler('half', ({ n }) => n / 2, {
    schema: z.object({ n: z.number().multipleOf(2, { error: 'is odd' }) })
  })
  b.registerTaskHandler('fail', () => {
    throw new NonRetryableError('as it should')
  })
  await Promise.all([a.startWorker(), b.startWorker()])

  const halves = await Promise.all([2, 4, 6].map(n => a.createTask('half', { n })))
  const failing = await a.createTask('fail', null)
  expect(await Promise.all(halves.map(id => b.waitForTask(id)))).toEqual([1, 2, 3])
  await expect(a.waitForTask(failing)).rejects.toThrow('as it should')

  // Refused where the schema is; accepted elsewhere, and failed for good where it would be run.
  await expect(a.createTask('half', { n: 1 })).rejects.toMatchObject({
    name: 'PayloadRejectedError',
    message: 'half does not take this payload: n: is odd: no task was created'
  })
  const odd = await b.createTask('half', { n: 1 })
  await expect(b.waitForTask(odd)).rejects.toMatchObject({ reason: 'PayloadRejected' })
  expect(b.task(odd)).toMatchObject({ state: 'failed', reason: 'PayloadRejected', attempt: 1 })

  const all = { completed: 3, failed: 2, retried: 0, processing: { count: 5 } }
  const known = (node: typeof a): number => node.getMetrics().cluster.processing.count
  await until(() => known(a) === 5 && known(b) === 5, 'both to know what both have done', 20_000)
  for (const node of [a, b]) expect(node.getMetrics().cluster).toMatchObject(all)
  expect(a.getMetrics().node).toMatchObject({ completed: 3, failed: 1 })
  expect(b.getMetrics().node.byType).toMatchObject({ fail: { completed: 0, failed: 1 } })

  expect(await (await fetch(`http://${http}/readyz`)).text()).toBe('ready\n')
  const text = await (await fetch(`http://${http}/metrics`)).text()
  expect(tasksLines(text)).toEqual([
    'hearsay_tasks{state="completed",type="half"} 3',
    'hearsay_tasks{state="failed",type="fail"} 1',
    'hearsay_tasks{state="failed",type="half"} 1'
  ])
  expect(tasksLines(await b.metricsText())).toEqual(tasksLines(text))
  expect(text).toContain('hearsay_tasks_submitted_total 4\n')
  await a.leave(0)
  await expect(fetch(`http://${http}/healthz`)).rejects.toThrow()
})
