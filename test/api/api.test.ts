/**
 * The local API over a real socket, with its real client, against a node without a network.
 */
import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { request } from 'node:http'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { startApi, type Api } from '../../src/api/server.ts'
import { until } from '../support/until.ts'
import { FakeNode } from './fake-node.ts'
import { serveFakeNode } from './served.ts'

const UNKNOWN_ID = '00000000-0000-8000-8000-000000000000'

const collect = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

const at = serveFakeNode()
let client: Client

beforeEach(async () => {
  client = await Client.open({ data: at.folder })
})

describe('the socket', () => {
  test('is for its owner only, and nothing else is left in the folder', async () => {
    const stats = await lstat(join(at.folder, 'api.sock'))
    expect(stats.mode & 0o777).toBe(0o600)
    expect(await readdir(at.folder)).toEqual(['api.sock'])
  })

  test('goes when the API closes', async () => {
    await at.api.close()
    expect(await readdir(at.folder)).toEqual([])
  })

  test('that a crashed node left behind is replaced', async () => {
    const crashed = join(at.folder, 'crashed')
    await mkdir(crashed)
    const script = `require('net').createServer().listen(${JSON.stringify(join(crashed, 'api.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`
    expect(() => execFileSync(process.execPath, ['-e', script])).toThrow()
    await expect(Client.open({ data: crashed })).rejects.toMatchObject({ name: 'NoNodeError' })
    const second = await startApi(new FakeNode('computer-b/2'), crashed)
    const status = await (await Client.open({ data: crashed })).status()
    expect(status.node).toBe('computer-b/2')
    await second.close()
  })

  test('of a living node is not taken away', async () => {
    const second = startApi(new FakeNode('computer-b/2'), at.folder)
    await expect(second).rejects.toMatchObject({ name: 'DataFolderLockedError' })
    expect((await client.status()).node).toBe('computer-a/1')
  })

  test('is refused where something else lies, or where its path is too long', async () => {
    const taken = join(at.folder, 'taken')
    await mkdir(taken)
    await writeFile(join(taken, 'api.sock'), 'precious')
    await expect(startApi(at.node, taken)).rejects.toMatchObject({ name: 'DataFolderError' })
    const deep = join(at.folder, 'x'.repeat(100))
    await mkdir(deep)
    await expect(startApi(at.node, deep)).rejects.toThrow(/too long for a socket/)
  })

  test('fits into the longest path that the kernel takes, and not one byte more', async () => {
    const room = 107 - '/.sXXXXXX/s'.length - Buffer.byteLength(at.folder) - 1
    const longest = join(at.folder, 'x'.repeat(room))
    const longer = join(at.folder, 'x'.repeat(room + 1))
    await mkdir(longest)
    await mkdir(longer)
    const fits = await startApi(at.node, longest)
    expect((await (await Client.open({ data: longest })).status()).node).toBe(at.node.name)
    await fits.close()
    await expect(startApi(at.node, longer)).rejects.toThrow(/1 bytes too long/)
  })
})

describe('tasks', () => {
  test('what is submitted arrives as it was sent', async () => {
    const payload = { text: 'grüße', list: [1, null, { deep: true }] }
    const submitted = await client.submit('resize', payload, { priority: 8, tags: ['a'] })
    expect(submitted).toEqual({
      v: 1,
      id: expect.any(String) as string,
      deduplicated: false,
      acks: 1,
      warnings: []
    })
    expect(at.node.submissions).toEqual([
      { type: 'resize', payload, options: { priority: 8, tags: ['a'] } }
    ])
    expect(await client.get(submitted.id)).toEqual(at.node.task(submitted.id))
  })

  test('shortened dependencies are completed by the node, whole ones may be unknown to it', async () => {
    const { id } = await client.submit('first')
    await client.submit('second', null, { dependsOn: [id.slice(0, 20), UNKNOWN_ID] })
    expect(at.node.submissions[1]?.options['dependsOn']).toEqual([id, UNKNOWN_ID])
    const third = client.submit('third', null, { dependsOn: ['nothing-like-it'] })
    await expect(third).rejects.toMatchObject({ name: 'UnknownTaskError' })
  })

  test.each([
    ['rejected', {}, 'PayloadRejectedError'],
    ['large', {}, 'TooLargeError'],
    ['resize', { priority: 99 }, 'InvalidOptionError'],
    ['alone', {}, 'NotReplicatedError']
  ])('the refusal of %s with %o comes back as %s', async (type, options, name) => {
    await expect(client.submit(type, null, options)).rejects.toMatchObject({ name })
  })

  test('a task that is not replicated as asked comes back with its id', async () => {
    const error: unknown = await client.submit('alone').catch((e: unknown) => e)
    expect(error).toMatchObject({ taskId: await at.node.resolveId('') })
  })

  test('a mistake of the node is told without its stack', async () => {
    const error = await client.submit('broken').catch((e: unknown) => e as Error)
    expect((error as Error).message).toBe('the node failed: TypeError: a mistake in hearsay')
  })

  test('a part of an id is enough, if it fits one task', async () => {
    const { id } = await client.submit('a')
    expect((await client.get(id.slice(9, 30))).id).toBe(id)
    await client.submit('b')
    await expect(client.get(id.slice(0, 8))).rejects.toMatchObject({ name: 'AmbiguousTaskError' })
    await expect(client.get('zz/../?#')).rejects.toMatchObject({ name: 'UnknownTaskError' })
  })

  test('a list of thousands arrives whole, in order and filtered', async () => {
    for (let i = 0; i < 5000; i++)
      await at.node.submit(i % 2 === 0 ? 'even' : 'odd', 'x'.repeat(100))
    const all = await collect(client.list())
    expect(all).toEqual([...at.node.tasks()])
    const some = await collect(client.list({ type: 'odd', limit: 7 }))
    expect(some).toEqual([...at.node.tasks({ type: 'odd', limit: 7 })])
  })

  test('a list that breaks in the middle is an error, not a short list', async () => {
    await at.node.submit('explodes', null)
    for (let i = 0; i < 3; i++) await at.node.submit('fine', null)
    const seen: string[] = []
    const read = (async () => {
      for await (const task of client.list()) seen.push(task.type)
    })()
    await expect(read).rejects.toThrow('the list broke')
    expect(seen).toEqual(['fine', 'fine', 'fine'])
  })

  test.each([{ state: 'sleeping' }, { limit: 0 }, { limit: 1.5 }, { colour: 'red' }])(
    'the filter %o is refused',
    async filter => {
      const list = collect(client.list(filter as never))
      await expect(list).rejects.toMatchObject({ name: 'InvalidOptionError' })
    }
  )
})

describe('waiting', () => {
  test('ends when the task settles, however it ended', async () => {
    const { id } = await client.submit('slow')
    const wait = client.wait(id)
    await until(() => at.node.waiting === 1, 'the wait to arrive')
    at.node.settle(id, { state: 'failed', error: { name: 'Oops', message: 'no' } })
    expect(await wait).toMatchObject({ state: 'failed', error: { name: 'Oops', message: 'no' } })
    expect((await client.wait(id)).state).toBe('failed')
  })

  test('ends with WaitTimeoutError after the time that was given', async () => {
    const { id } = await client.submit('slow')
    await expect(client.wait(id, 20)).rejects.toMatchObject({ name: 'WaitTimeoutError' })
    expect(at.node.waitsGivenUp).toBe(1)
  })

  test('ends at the node when the client goes away', async () => {
    const { id } = await client.submit('slow')
    const given = new AbortController()
    const wait = client.wait(id, undefined, given.signal)
    await until(() => at.node.waiting === 1, 'the wait to arrive')
    given.abort(new Error('enough'))
    await expect(wait).rejects.toThrow('enough')
    await until(() => at.node.waitsGivenUp === 1, 'the wait to end at the node')
  })

  test('ends with NodeClosedError when the API closes', async () => {
    const { id } = await client.submit('slow')
    const wait = client.wait(id)
    await until(() => at.node.waiting === 1, 'the wait to arrive')
    const refused = expect(wait).rejects.toMatchObject({ name: 'NodeClosedError' })
    await at.api.close()
    await refused
  })

  test('works for a thousand tasks at once', async () => {
    const ids: string[] = []
    for (let i = 0; i < 1000; i++) ids.push((await at.node.submit('slow', i)).id)
    const waits = Promise.all(ids.map(id => client.wait(id)))
    await until(() => at.node.waiting === 1000, 'all waits to arrive')
    for (const id of ids) at.node.settle(id, { state: 'completed' })
    expect((await waits).map(task => task.id)).toEqual(ids)
  })
})

describe('events', () => {
  test('arrive as they happen, and end when the reader goes away', async () => {
    const ended = new AbortController()
    const events = client.events({}, ended.signal)[Symbol.asyncIterator]()
    const first = events.next()
    await until(() => at.node.listening === 1, 'the subscription')
    at.node.emit('task:queued', { taskId: 'one' })
    at.node.emit('task:started', { taskId: 'one' })
    expect((await first).value).toMatchObject({ event: 'task:queued', taskId: 'one' })
    expect((await events.next()).value).toMatchObject({ event: 'task:started' })
    const last = events.next()
    ended.abort(new Error('enough'))
    await expect(last).rejects.toThrow('enough')
    await until(() => at.node.listening === 0, 'the node to stop telling')
  })

  test('end quietly when the API closes', async () => {
    const all = collect(client.events())
    await until(() => at.node.listening === 1, 'the subscription')
    at.node.emit('node:left')
    await at.api.close()
    expect((await all).map(event => event.event)).toEqual(['node:left'])
  })

  test('that a reader is too slow for are dropped and counted, never piled up', async () => {
    const total = 80_000
    const socket = connect(join(at.folder, 'api.sock'))
    socket.pause()
    socket.write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await until(() => at.node.listening === 1, 'the subscription')
    const padding = 'x'.repeat(200)
    for (let i = 0; i < total; i++) {
      at.node.emit('task:queued', { number: i, padding })
      if (i % 1000 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    let text = ''
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    socket.resume()
    await until(() => text.includes(`"number":${total - 1},`), 'the newest event')
    socket.destroy()
    const seen = text.match(/"number":\d+/g)?.length ?? 0
    const lost = [...text.matchAll(/"events:lost","cursor":"[^"]*","count":(\d+)/g)].map(match =>
      Number(match[1])
    )
    expect(lost.length).toBeGreaterThan(0)
    expect(seen + lost.reduce((a, b) => a + b, 0)).toBe(total)
  })
})

describe('bad requests', () => {
  const send = (method: string, path: string, body?: string | Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request({ socketPath: join(at.folder, 'api.sock'), method, path }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () => resolve(`${response.statusCode} ${text}`))
      })
      sent.on('error', reject)
      sent.end(body)
    })

  test.each([
    ['GET', '/v1/nothing', undefined, 404, 'InvalidOptionError'],
    ['DELETE', '/v1/tasks', undefined, 404, 'InvalidOptionError'],
    ['POST', '/v1/tasks', '{', 400, 'InvalidOptionError'],
    ['POST', '/v1/tasks', '[]', 400, 'InvalidOptionError'],
    ['POST', '/v1/tasks', '{"type":7}', 400, 'InvalidOptionError'],
    ['POST', '/v1/tasks', '{"type":"a","more":1}', 400, 'InvalidOptionError'],
    ['POST', '/v1/tasks', Buffer.alloc(1_048_577, 32), 413, 'TooLargeError'],
    ['GET', '/v1/tasks/0/wait?timeoutMs=soon', undefined, 400, 'InvalidOptionError'],
    ['GET', '/v1/tasks/0/wait?timeoutMs=-1', undefined, 400, 'InvalidOptionError'],
    ['GET', '/v1/tasks/%ff', undefined, 404, 'UnknownTaskError']
  ])('%s %s is answered with a problem', async (method, path, body, status, name) => {
    const answer = await send(method, path, body)
    expect(answer).toMatch(new RegExp(`^${status} `))
    expect(JSON.parse(answer.slice(4))).toMatchObject({ v: 1, error: { name } })
    expect((await client.status()).node).toBe(at.node.name)
  })

  test('a payload nested a hundred thousand deep does not hurt the node', async () => {
    const deep = `{"type":"a","payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    await send('POST', '/v1/tasks', deep)
    expect((await client.status()).node).toBe(at.node.name)
  })
})

describe('finding a node', () => {
  const place = async (cluster: string, name: string): Promise<Api> => {
    const path = join(at.folder, 'hearsay', cluster, name.replace('/', '-'))
    await mkdir(path, { recursive: true })
    return startApi(new FakeNode(name, cluster), path)
  }

  test('none is needed when there is only one; dead ones do not count', async () => {
    const env = { XDG_DATA_HOME: at.folder }
    await expect(Client.open({ env })).rejects.toThrow(/start one with "hearsay start"/)
    const dead = await place('six', 'computer-a/1')
    const alive = await place('six', 'computer-b-3/2')
    await dead.close()
    expect((await (await Client.open({ env })).status()).node).toBe('computer-b-3/2')
    await alive.close()
    await expect(Client.open({ env })).rejects.toMatchObject({ name: 'NoNodeError' })
  })

  test('several: the error lists them, and a name or a cluster picks one', async () => {
    const env = { XDG_DATA_HOME: at.folder }
    const all = [
      await place('six', 'computer-a/1'),
      await place('six', 'computer-b/2'),
      await place('own', 'computer-a/1')
    ]
    const many = Client.open({ env })
    await expect(many).rejects.toThrow(/--cluster own --node computer-a\/1.*computer-b\/2/)
    const opened = await Client.open({ env, node: 'computer-b/2' })
    expect((await opened.status()).node).toBe('computer-b/2')
    expect((await (await Client.open({ env, cluster: 'own' })).status()).cluster).toBe('own')
    await expect(Client.open({ env, node: 'computer-a/1' })).rejects.toThrow(/several/)
    await expect(Client.open({ env, node: 'computer-c/9' })).rejects.toThrow(/no node "computer-c/)
    await expect(Client.open({ env, node: '..' })).rejects.toThrow(/computer\/instance/)
    await Promise.all(all.map(one => one.close()))
  })

  test('several of one cluster: any of them will do for who says so', async () => {
    const env = { XDG_DATA_HOME: at.folder }
    const all = [await place('six', 'computer-a/1'), await place('six', 'computer-a/2')]
    await expect(Client.open({ env })).rejects.toThrow(/: --node computer-a\/1, or --node comp/)
    expect((await (await Client.open({ env, any: true })).status()).cluster).toBe('six')
    all.push(await place('own', 'computer-a/1'))
    await expect(Client.open({ env, any: true })).rejects.toThrow(/--cluster own, or --cluster six/)
    await Promise.all(all.map(one => one.close()))
  })

  test('a kept connection that the node closes as it is used again is replaced, once', async () => {
    const other = join(at.folder, 'other')
    await mkdir(other)
    let connections = 0
    let isGenerous = true
    const server = createServer(socket => {
      connections++
      let requests = 0
      socket
        .on('error', () => {})
        .on('data', () => {
          if (++requests > 1 || !isGenerous) return socket.destroy()
          return socket.write('HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"v": 1}')
        })
    })
    await new Promise<void>(resolve => server.listen(join(other, 'api.sock'), resolve))
    const patient = await Client.open({ data: other })
    const dialled = connections
    expect(await patient.status()).toEqual({ v: 1 })
    expect(await patient.status()).toEqual({ v: 1 })
    expect(connections - dialled).toBe(2)
    expect(await patient.status()).toEqual({ v: 1 })
    isGenerous = false
    await expect(patient.status()).rejects.toMatchObject({ name: 'NoNodeError' })
    await expect(patient.status()).rejects.toThrow(/it went away/)
    await new Promise(resolve => server.close(resolve))
  })

  test('a node that went away after it was found is an error that says so', async () => {
    await client.status()
    await at.api.close()
    await expect(client.status()).rejects.toMatchObject({ name: 'NoNodeError' })
  })

  test('something that is no node is not waited for', async () => {
    const other = join(at.folder, 'other')
    await mkdir(other)
    const server = createServer(socket => {
      socket.on('error', () => {}).resume()
      socket.end('SSH-2.0\r\n')
    })
    await new Promise<void>(resolve => server.listen(join(other, 'api.sock'), resolve))
    const odd = await Client.open({ data: other })
    await expect(odd.status()).rejects.toMatchObject({ name: 'NoNodeError' })
    await new Promise(resolve => server.close(resolve))
  })
})
