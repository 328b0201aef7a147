/** Of several nodes of one cluster on this computer any is asked, and another where one does not answer: if it does no harm. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Client } from '../../../src/api/client.ts'
import { startApi, type Api } from '../../../src/api/server.ts'
import { run } from '../../cli/run.ts'
import { until } from '../../support/until.ts'
import { FakeNode } from '../fake-node.ts'

let home: string
let said: string[]
let apis: Map<string, Api>
let stopped: { server: Server; sockets: Set<Socket> }[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hearsay-instances-'))
  said = []
  apis = new Map()
  stopped = []
  vi.stubEnv('XDG_DATA_HOME', home)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const { server, sockets } of stopped) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  await Promise.all([...apis.values()].map(api => api.close()))
  await rm(home, { recursive: true, force: true })
})

async function folderOf(name: string): Promise<string> {
  const folder = join(home, 'hearsay', 'six', name.replace('/', '-'))
  await mkdir(folder, { recursive: true })
  return folder
}

async function serve(name: string): Promise<FakeNode> {
  const node = new FakeNode(name, 'six')
  apis.set(name, await startApi(node, await folderOf(name)))
  return node
}

/** What a node is that was stopped by a signal: connections are accepted, and nothing comes. */
async function serveNothing(name: string): Promise<Set<Socket>> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => void sockets.add(socket))
  const path = join(await folderOf(name), 'api.sock')
  await new Promise<void>(resolve => server.listen(path, resolve))
  stopped.push({ server, sockets })
  return sockets
}

const open = (): Promise<Client> => Client.open({ any: true }, text => said.push(text))
const MOVED = 'a/1 has not answered for 5 s: a/2 is asked'

async function* lines(ids: readonly string[]): AsyncGenerator<{ line: number; id: string }> {
  for (const [i, id] of ids.entries()) yield { line: i + 1, id }
}

describe('a node that is silent', () => {
  test('is said to be so, and another one is asked: for reads and for submissions under a key', async () => {
    await serveNothing('a/1')
    const node = await serve('a/2')
    const [reader, submitter] = [await open(), await open()]
    const [status, submitted] = await Promise.all([
      reader.status(),
      submitter.submit('a', 1, { idempotencyKey: 'k' })
    ])
    expect(status.node).toBe('a/2')
    expect(node.task(submitted.id).type).toBe('a')
    expect(said.filter(text => text === MOVED)).toHaveLength(2)
  }, 30_000)

  test('is waited for by a plain submission, which might be done twice', async () => {
    const sockets = await serveNothing('a/1')
    const node = await serve('a/2')
    const submitting = (await open()).submit('a', 1)
    const failing = expect(submitting).rejects.toMatchObject({ name: 'NoNodeError' })
    const words = /^a\/1 has not answered for 5 s, and is waited for; no other is asked/
    await until(() => said.some(text => words.test(text)), 'it to be said', 30_000)
    for (const socket of sockets) socket.destroy()
    await failing
    expect(node.submissions).toEqual([])
  }, 60_000)

  test('is waited for if it is the only one, which is said', async () => {
    const sockets = await serveNothing('a/1')
    const reading = (await open()).status()
    const failing = expect(reading).rejects.toMatchObject({ name: 'NoNodeError' })
    await until(() => said.length > 0, 'it to be said', 30_000)
    expect(said).toEqual(['a/1 has not answered for 5 s, and is waited for'])
    for (const socket of sockets) socket.destroy()
    await failing
  }, 60_000)
})

describe('a node that has gone', () => {
  test('cannot have done anything: a plain submission goes to another one', async () => {
    await serve('a/1')
    const node = await serve('a/2')
    const client = await open()
    await apis.get('a/1')!.close()
    const { id } = await client.submit('a', 1)
    expect(node.task(id).type).toBe('a')
    expect(said.at(-1)).toBe('a/1 does not answer any more: a/2 is asked')
  })

  test('while tasks are waited for leaves what is missing to another one, and tells nothing twice', async () => {
    const [first, second] = [await serve('a/1'), await serve('a/2')]
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      ids.push((await first.submit('slow', i)).id)
      expect((await second.submit('slow', i)).id).toBe(ids[i])
    }
    const told: number[] = []
    const waiting = (async () => {
      for await (const answer of (await open()).waitEach(lines(ids))) told.push(answer.line)
    })()
    await until(() => first.waiting === 3, 'the waits')
    first.settle(ids[1]!, { state: 'completed' })
    await until(() => told.length === 1, 'the first end')
    await apis.get('a/1')!.close()
    await until(() => second.waiting === 2, 'the others to be asked for')
    for (const id of [ids[0]!, ids[2]!]) second.settle(id, { state: 'completed' })
    await waiting
    expect(told.toSorted((x, y) => x - y)).toEqual([1, 2, 3])
    expect(told[0]).toBe(2)
  })
})

test('verbs ask any of them and say which; what concerns one alone is not guessed', async () => {
  await serve('a/1')
  await serve('a/2')
  const listed = await run(['status', '--json'])
  expect(listed.code).toBe(0)
  expect(JSON.parse(listed.stdout)).toMatchObject({ node: 'a/1' })
  expect(listed.stderr).toBe(
    'hearsay: a/1 is asked: 2 nodes of its cluster run here, --node picks one\n'
  )
  const picked = await run(['status', '--json', '--node', 'a/2'])
  expect(picked).toMatchObject({ code: 0, stderr: '' })
  for (const own of [['leave'], ['label'], ['metrics'], ['drain']]) {
    const refused = await run(own)
    expect(refused, own[0]).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/several nodes run on this computer, pick one/)
  }
  expect((await run(['drain', 'a/1'])).code).toBe(0)
})
