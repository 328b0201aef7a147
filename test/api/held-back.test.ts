/** What a client of a node sees that is behind with its own work: answers come later, and its place is freed if it goes. */
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { until } from '../support/until.ts'
import { serveFakeNode } from './served.ts'

const at = serveFakeNode()

test('a submission is answered when the node has taken it, and the status says what it waits for', async () => {
  const client = await Client.open({ data: at.folder })
  const submitting = client.submit('held', 1)
  await until(() => at.node.held === 1, 'the node to be asked')
  expect((await client.status()).submitters).toEqual({ waiting: 1, heldBackBy: 'copies' })
  expect(at.node.submissions).toEqual([])
  at.node.letIn()
  await submitting
  expect(at.node.submissions).toMatchObject([{ type: 'let in', payload: 1 }])
})

test.each([
  ['one task', '/v1/tasks', '{"type":"held"}'],
  ['a batch', '/v1/batch', '{"line":1,"type":"held"}\n{"line":2,"type":"held"}\n']
])('a client that goes away frees the place of %s', async (_what, path, body) => {
  const headers = { host: 'localhost', 'content-type': 'application/json' }
  const socketPath = join(at.folder, 'api.sock')
  const sent = request({ socketPath, method: 'POST', path, headers })
  sent.on('error', () => {})
  sent.end(body)
  await until(() => at.node.held > 0, 'the node to be asked')
  sent.destroy()
  await until(() => at.node.held === 0, 'the place to be free')
  expect(at.node.submissions).toEqual([])
})

test('a batch is read no further than a bound while the node takes nothing', async () => {
  const client = await Client.open({ data: at.folder })
  let made = 0
  async function* lines() {
    for (; made < 5000; made++)
      yield { line: made + 1, type: 'held', payload: 'x'.repeat(2000), options: {} }
  }
  let answers = 0
  const reading = (async () => {
    for await (const _ of client.submitMany(lines())) answers++
  })()
  await until(() => at.node.held >= 1024, 'the node to be asked')
  let before = -1
  await until(() => {
    const stands = before === made
    before = made
    return stands
  }, 'the sender to stand still')
  expect(at.node.held).toBe(1024)
  expect(made).toBeLessThan(5000)
  const again = setInterval(() => at.node.letIn(), 5)
  await reading
  clearInterval(again)
  expect(answers).toBe(5000)
})
