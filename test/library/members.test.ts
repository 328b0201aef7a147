/** The cluster as programs see it: who is there, how many have a task, what becomes of work when a node leaves. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createNode, type NodeOptions } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, forget, privateOptions, startNode } from './nodes.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await endAll()
})

describe('members', () => {
  test('an expected one is listed until it is seen, and then once', async () => {
    const a = await startNode({ computer: 'computer-a', instance: 1 })
    a.registerWorker('computer-b/3')
    expect(a.nodes().map(({ name, status }) => [name, status])).toEqual([
      ['computer-a/1', 'alive'],
      ['computer-b/3', null]
    ])
    expect(a.getSystemStatus().members).toMatchObject({ alive: 1, expected: 2 })
    const health = a.checkWorkerHealth().find(({ name }) => name === 'computer-b/3')
    expect(health).toMatchObject({ status: null, heartbeatAgeMs: null })
    const b = await startNode({ computer: 'computer-b', instance: 3, labels: { gpu: '1' } })
    expect(a.nodes().map(({ name, status, id }) => [name, status, id])).toEqual([
      ['computer-a/1', 'alive', a.id],
      ['computer-b/3', 'alive', b.id]
    ])
    expect(a.nodes()[1]).toMatchObject({ labels: { gpu: '1' }, self: false, connected: true })
    for (const name of ['computer-b', 'computer-b/', '/3', 'a/b/c', 3]) {
      expect(() => a.registerWorker(name as string)).toThrow(/a worker is named computer\/instance/)
    }
  })

  test('a name that nobody has counts in majorities, on all nodes, until it is forgotten', async () => {
    const a = await startNode()
    const b = await startNode()
    const nobody = ['computer-x/1', 'computer-x/2', 'computer-x/3']
    for (const name of nobody) a.registerWorker(name)
    for (const node of [a, b]) {
      await until(
        () => node.nodes().filter(({ status }) => status === null).length === 3,
        `${node.name} to show who is expected`
      )
      expect(node.getSystemStatus()).toMatchObject({ quorum: false, members: { expected: 5 } })
      expect(node.diagnosis().expected).toEqual(nobody)
    }
    for (const name of nobody) a.forget(name)
    for (const node of [a, b]) {
      await until(() => node.nodes().length === 2, `${node.name} to show two`)
      expect(node.getSystemStatus()).toMatchObject({ quorum: true, members: { expected: 2 } })
      expect(node.diagnosis().expected).toEqual([])
    }
  })

  test('one that is forgotten is not shown as a stranger instead', async () => {
    const a = await startNode()
    const b = await startNode()
    const c = await startNode()
    await c.leave(0)
    forget(c)
    for (const node of [a, b]) {
      await until(
        () => node.nodes().find(({ id }) => id === c.id)?.status === 'left',
        'c to be gone'
      )
    }
    a.forget(c.name)
    for (const node of [a, b]) {
      await until(() => node.nodes().length === 2, `${node.name} to show two`)
      expect(node.getSystemStatus().members.expected).toBe(2)
    }
  })

  test('idle ones are in sync within seconds, and stay so', async () => {
    const a = await startNode()
    const b = await startNode()
    b.registerTaskHandler('quick', () => 1)
    await b.startWorker()
    await a.waitForTask(await a.createTask('quick', null))
    for (const node of [a, b]) {
      await until(() => node.getSystemStatus().members.synced === 2, `${node.name} to be in sync`)
    }
    expect(a.getSystemStatus()).toMatchObject({
      cluster: 'test',
      node: a.name,
      members: { alive: 2, connected: 2, synced: 2, expected: 2 },
      tasks: { completed: 1, queued: 0, running: 0, failed: 0 }
    })
  })
})

describe('acks', () => {
  test('more than there are: NotReplicatedError, with the id of the task, which stands', async () => {
    const alone = await startNode()
    const error: unknown = await alone.createTask('any', 1, { acks: 1 }).catch((e: unknown) => e)
    expect(error).toMatchObject({
      name: 'NotReplicatedError',
      message: expect.stringMatching(/stands.*; no node has a handler for any/) as string
    })
    const { taskId } = error as { taskId: string }
    expect(alone.task(taskId)).toMatchObject({ type: 'any', payload: 1 })
  })

  test('as many as there are: another node has it on its disk', async () => {
    const a = await startNode()
    const b = await startNode()
    const { id, acks, warnings } = await a.submit('any', 1, { acks: 1 })
    expect(acks).toBe(1)
    expect(warnings).toHaveLength(1)
    expect(b.task(id)).toMatchObject({ payload: 1, submittedBy: a.name })
  })

  test('none: accepted at once, also alone; unasked, one is awaited if there is another', async () => {
    const a = await startNode()
    expect(await a.submit('any', 1, { acks: 0 })).toMatchObject({ acks: 0 })
    const alone = await a.submit('any', 1)
    expect(alone.warnings).toContain(
      'no other node has confirmed the task: it is on the disk of this one only'
    )
    await startNode()
    expect(await a.submit('any', 1)).toMatchObject({ acks: 1 })
  })
})

describe('leaving', () => {
  test('hands on what is queued and what is aborted, and ends all waits here', async () => {
    const a = await startNode({ concurrency: 1 })
    const b = await startNode()
    const aborted = Promise.withResolvers<void>()
    a.registerTaskHandler('work', async (_: null, { signal }: { signal: AbortSignal }) => {
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      aborted.resolve()
    })
    await a.startWorker()
    const ids = [await a.createTask('work', 1), await a.createTask('work', 2)]
    await until(() => a.task(ids[0]!).state === 'running', 'the first one to run')
    b.registerTaskHandler('work', (payload: number) => payload * 10)
    const open = await a.createTask('nobody-has-this', null)
    const waiting = a.waitForTask(open)
    const ended = expect(waiting).rejects.toMatchObject({ name: 'NodeClosedError' })
    const left = a.leave(60_000)
    await b.startWorker()
    expect(await b.waitForTask(ids[1]!)).toBe(20)
    expect(b.task(ids[0]!).state).toBe('running')
    // A second call with less patience: the first one ends, too.
    await a.leave(0)
    await left
    await ended
    await aborted.promise
    expect(await b.waitForTask(ids[0]!)).toBe(10)
    forget(a)
    await until(() => b.nodes().find(({ id }) => id === a.id)?.status === 'left', 'a to have left')
    expect(b.nodes().find(({ id }) => id === a.id)).toMatchObject({
      draining: false,
      running: 0,
      queued: 0
    })
    await expect(a.createTask('work', 3)).rejects.toMatchObject({ name: 'NodeClosedError' })
    const late = a.waitForTask(open)
    await expect(late).rejects.toMatchObject({ name: 'NodeClosedError' })
  })

  test('twice is once', async () => {
    const a = await startNode()
    await expect(a.leave('soon' as unknown as number)).rejects.toThrow(/graceMs must be from 0/)
    await Promise.all([a.leave(), a.leave()])
    await a.leave()
    await a.closed
    forget(a)
  })
})

describe('options of a node', () => {
  test.each<[NodeOptions | object, RegExp]>([
    [{ cluster: 'Upper' }, /^cluster cannot be "Upper": allowed is/],
    [{ computer: 'a/b' }, /^computer cannot be "a\/b"/],
    [{ instance: -1 }, /^instance cannot be -1/],
    [{ instance: 'a-b' }, /^instance cannot be "a-b"/],
    [{ data: '' }, /^data cannot be ""/],
    [{ listen: [] }, /^listen cannot be \[\]/],
    [{ peers: ['10.0.0.1'] }, /^peers cannot be/],
    [{ mdns: 'yes' }, /^mdns cannot be "yes"/],
    [{ roster: ['a/1', 'a/1'] }, /^roster cannot be/],
    [{ handlers: 'file.ts' }, /^handlers cannot be "file.ts"/],
    [{ concurrency: 0 }, /^concurrency cannot be 0/],
    [{ labels: { gpu: 1 } }, /^labels cannot be/],
    [{ labels: { gpu: '\ud83d' } }, /^labels cannot be/],
    [{ key: 'hearsay-key-1:secret' }, /the cluster key is cut off/],
    [{ keyFile: '/no/such/file', key: undefined }, /keyFile|key file/],
    [{ computre: 'a' }, /^computre is no option: did you mean computer\?/]
  ])('%j is refused by name, and opens nothing', async (wrong, message) => {
    const options: NodeOptions = { ...(await privateOptions()), ...wrong }
    if ('keyFile' in wrong) delete options.key
    const made = createNode(options)
    await expect(made).rejects.toMatchObject({ name: 'InvalidOptionError' })
    await expect(made).rejects.toThrow(message)
    await expect(made).rejects.not.toThrow(/secret/)
  })

  test('without a key anywhere it rejects with NoClusterKeyError, and says how to make one', async () => {
    const { key: _, ...options } = await privateOptions()
    const home = options.data ?? ''
    for (const name of ['HEARSAY_KEY', 'HEARSAY_KEY_FILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('XDG_CONFIG_HOME', home)
    const made = createNode(options)
    await expect(made).rejects.toMatchObject({ name: 'NoClusterKeyError' })
    await expect(made).rejects.toThrow(/hearsay key new --save --cluster test/)
  })

  test('two nodes of one data folder: the second is refused', async () => {
    const options = await privateOptions()
    const { data = '' } = options
    await startNode({ data })
    await expect(createNode(options)).rejects.toMatchObject({ name: 'DataFolderLockedError' })
  })
})
