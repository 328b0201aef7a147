/** The examples do what they say, with nodes in processes of their own. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasPython } from '../clients/python.ts'
import { until } from '../support/until.ts'
import { Computer, hearsay, root } from './programs.ts'

const examples = join(root, 'config/examples')

let computer: Computer

beforeEach(async () => {
  computer = await Computer.make()
})
afterEach(() => computer.end())

describe.skipIf(!hasPython())('documents', () => {
  let server: Server
  let base: string
  let tooEarly: number

  beforeEach(async () => {
    tooEarly = 0
    server = createServer((request, response) => {
      const name = request.url ?? ''
      if (name === '/busy.txt' && tooEarly++ < 2) {
        response.writeHead(429, { 'retry-after': '0.05' }).end()
      } else if (name === '/missing.txt') response.writeHead(404).end()
      else response.end('word '.repeat(name.length))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  test('are counted on other nodes, a busy server is asked again, and what is missing is left out', async () => {
    const handlers = join(examples, 'documents/handlers.ts')
    await computer.start('computer-a/1', '--handlers', handlers)
    await computer.start('computer-b/1', '--handlers', handlers)
    const names = ['/a.txt', '/busy.txt', '/missing.txt']
    const urls = names.map(name => base + name)
    const pipeline = computer.python('documents/pipeline.py', ...urls)
    expect(await pipeline.output()).toBe(
      `Words of 3 documents\n     9  ${base}/busy.txt\n     6  ${base}/a.txt\n`
    )
    expect(tooEarly).toBeGreaterThan(2)
  })
})

test('a file of tasks that refer to each other is submitted and waited for', async () => {
  await computer.start('computer-a/1', '--handlers', join(examples, 'refs/handlers.ts'))
  const file = join(examples, 'refs/tasks.ndjson')
  const submitted = computer.node(hearsay, 'submit', '--each', file, '--wait', '--json')
  const text = await submitted.output()
  expect(text).toContain('"ONCE UPON A TIME THERE WAS A QUEUE"')
  const listed = await computer.node(hearsay, 'ls', '--tag', 'book', '--json').output()
  const tasks = listed.trim().split('\n')
  expect(tasks.map(line => (JSON.parse(line) as { ref: string }).ref).toSorted()).toEqual([
    'book',
    'part-1',
    'part-2'
  ])
})

describe.skipIf(!hasPython())('model', () => {
  test('a worker in Python serves what is submitted on another node, with a model that it loads once', async () => {
    await computer.start('computer-a/1')
    await computer.start('computer-b/1')
    const worker = computer.python('model/worker.py')
    const flags = ['--node', 'computer-a/1', '--label=model=stand-in', '--wait', '--json']
    const submit = (payload: string): Promise<string> =>
      computer.node(hearsay, 'submit', 'generate', payload, ...flags).output()
    const answers = [await submit('{"prompt":"abc"}'), await submit('{"prompt":"xyz"}')]
    expect(
      answers.map(
        text => (JSON.parse(text.trim().split('\n').at(-1)!) as { result: unknown }).result
      )
    ).toEqual([
      { text: 'cba', answered: 1 },
      { text: 'zyx', answered: 2 }
    ])
    worker.process.kill('SIGINT')
    expect(await worker.ended(), worker.stderr).toBe(0)
  })
})

test('two agents hand work to each other over two nodes', async () => {
  await computer.start('computer-a/1')
  await computer.start('computer-b/1')
  await until(async () => {
    const nodes = await computer.node(hearsay, 'nodes', '--node', 'computer-a/1', '--json').output()
    return nodes.split('\n').filter(line => line.includes('"connected":true')).length === 2
  }, 'the nodes to meet')
  const agents = computer.node(
    join(examples, 'agents/two-agents.ts'),
    'computer-a/1',
    'computer-b/1'
  )
  expect(await agents.output()).toBe('{"verdict":"change","text":"Queues are fair."}\n')
})
