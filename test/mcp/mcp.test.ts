/**
 * `hearsay mcp` as an agent meets it: the official client over stdio, a process, and real nodes on 127.0.0.1.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Node } from '../../src/index.ts'
import { startApi, type Api } from '../../src/api/server.ts'
import { endAll, privateOptions, startNode } from '../library/nodes.ts'
import { Agent, stopAgents } from './agent.ts'

type Brief = { id: string; state: string; error: string | null; tags: string[] }
type Ended = { task: Brief; result: string | null; isCut: boolean }
type Waited = { ended: Ended[]; pending: string[]; problems: { problem: string }[]; next: string }
type Submitted = { tasks: { id: string; ref: string | null; deduplicated: boolean }[] }

const cli = fileURLToPath(new URL('../cli/children/cli.ts', import.meta.url))
let agent: Agent
let api: Api
let data: string

beforeAll(async () => {
  const options = await privateOptions()
  data = options.data!
  const node = await startNode(options)
  await handlers(node)
  api = await startApi(node, data)
  agent = await Agent.start(data)
})
afterAll(async () => {
  await stopAgents()
  await api.close()
  await endAll()
})

async function handlers(node: Node): Promise<void> {
  node.registerTaskHandler('shout', (payload: { text: string }, context) => {
    context.log(`shouting ${payload.text}`)
    return payload.text.toUpperCase()
  })
  node.registerTaskHandler('join', (_: unknown, { dependencies }) => Object.values(dependencies))
  node.registerTaskHandler('long', ({ length }: { length: number }) => 'é'.repeat(length))
  node.registerTaskHandler('fail', () => {
    throw new TypeError('this cannot be')
  })
  node.registerTaskHandler('hang', (_: unknown, { signal }) => sleep(600_000, null, { signal }))
  await node.startWorker()
}

async function submitOne(task: Record<string, unknown>): Promise<string> {
  const { tasks } = await agent.call<Submitted>('submit', { tasks: [task] })
  return tasks[0]!.id
}

async function ending(id: string): Promise<Ended> {
  const { ended } = await agent.call<Waited>('wait', { ids: [id] })
  return ended[0]!
}

test('a line that is no JSON is answered with a parse error, and the next one as ever', async () => {
  const child = spawn(process.execPath, [cli, 'mcp', '--data', data], {
    stdio: ['pipe', 'pipe', 'ignore']
  })
  child.stdin.write(
    '{"jsonrpc":"2.0","id":1,"method":"pi\n\n{"jsonrpc":"2.0","id":2,"method":"ping"}\n'
  )
  let text = ''
  for await (const piece of child.stdout.setEncoding('utf8')) {
    text += piece as string
    if (text.trim().split('\n').length === 2) child.stdin.end()
  }
  const answers = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as unknown)
  expect(answers).toContainEqual({
    jsonrpc: '2.0',
    id: null,
    error: { code: -32_700, message: expect.stringContaining('Parse error') as string }
  })
  expect(answers).toContainEqual({ jsonrpc: '2.0', id: 2, result: {} })
})

describe('what an agent is offered', () => {
  test('tools have schemas both ways, and say what they change', async () => {
    const { tools } = await agent.client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(
      'submit wait list get logs cancel retry status claim update finish'.split(' ')
    )
    for (const tool of tools) {
      expect(tool.inputSchema.type, tool.name).toBe('object')
      expect(tool.outputSchema?.type, tool.name).toBe('object')
      expect(tool.description!.length, tool.name).toBeGreaterThan(40)
    }
    const ofKind = (hint: 'readOnlyHint' | 'destructiveHint'): string[] =>
      tools.filter(({ annotations }) => annotations?.[hint]).map(({ name }) => name)
    expect(ofKind('readOnlyHint')).toEqual(['wait', 'list', 'get', 'logs', 'status'])
    expect(ofKind('destructiveHint')).toEqual(['cancel'])
  })

  test('those that show what others wrote say that it is data', async () => {
    const { tools } = await agent.client.listTools()
    for (const name of ['wait', 'list', 'get', 'logs', 'claim']) {
      expect(tools.find(tool => tool.name === name)!.description).toMatch(/never as instructions/)
    }
  })

  test('with --read-only there is nothing that changes anything', async () => {
    const reader = await Agent.start(data, '--read-only')
    const { tools } = await reader.client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['wait', 'list', 'get', 'logs', 'status'])
  })
})

describe('submitting and waiting', () => {
  test('a task is submitted, waited for, and its result is there', async () => {
    const id = await submitOne({ type: 'shout', payload: { text: 'hello' } })
    expect(await ending(id)).toMatchObject({ task: { id, state: 'completed' }, result: '"HELLO"' })
  })

  test('tasks of one call may depend on each other by name, in any order', async () => {
    const { tasks } = await agent.call<Submitted>('submit', {
      tasks: [
        { type: 'join', dependsOn: ['ref:b', 'ref:a'], ref: 'both' },
        { type: 'shout', payload: { text: 'a' }, ref: 'a' },
        { type: 'shout', payload: { text: 'b' }, ref: 'b' }
      ]
    })
    expect(tasks.map(({ ref }) => ref)).toEqual(['both', 'a', 'b'])
    expect((await ending(tasks[0]!.id)).result).toBe('["B","A"]')
  })

  test.each([
    [
      'a circle',
      [
        { type: 'join', ref: 'a', dependsOn: ['ref:b'] },
        { type: 'join', ref: 'b', dependsOn: ['ref:a'] }
      ],
      /in a circle: a, b/
    ],
    [
      'a name that nobody has',
      [{ type: 'join', dependsOn: ['ref:c'] }],
      /"ref:c", which no task here is/
    ],
    [
      'a name of two',
      [
        { type: 'join', ref: 'a' },
        { type: 'join', ref: 'a' }
      ],
      /tasks 0 and 1 have the same ref "a"/
    ],
    [
      'a name without its prefix',
      [
        { type: 'join', ref: 'a' },
        { type: 'join', dependsOn: ['a'] }
      ],
      /write "ref:a"/
    ],
    ['an option that is none', [{ type: 'join', prio: 3 }], /prio/],
    [
      'a duration without sense',
      [{ type: 'join', timeout: 'soon' }],
      /task 0 \(join\) was refused: InvalidOptionError: .*timeout/
    ],
    ['nothing', [], /tasks/]
  ])('%s is refused, and nothing is submitted', async (_, tasks, words) => {
    const before = await agent.call<{ tasks: Record<string, number> }>('status')
    await expect(agent.call('submit', { tasks })).rejects.toThrow(words)
    expect((await agent.call<typeof before>('status')).tasks).toEqual(before.tasks)
  })

  test('what was submitted before a refusal is named', async () => {
    const tasks = [
      { type: 'shout', payload: { text: 'x' } },
      { type: 'shout', deadline: 'never' }
    ]
    const refusal = agent.call('submit', { tasks })
    await expect(refusal).rejects.toThrow(
      /task 1 \(shout\) was refused: .*; submitted: [0-9a-f-]{36}$/
    )
  })

  test('one key is one task', async () => {
    const task = { type: 'shout', payload: { text: 'once' }, idempotencyKey: 'key-1' }
    const id = await submitOne(task)
    const { tasks } = await agent.call<Submitted>('submit', { tasks: [task] })
    expect(tasks).toMatchObject([{ id, deduplicated: true }])
  })

  test('a wait returns in time, and says what to do', async () => {
    const id = await submitOne({ type: 'hang' })
    const waited = await agent.call<Waited>('wait', { ids: [id], timeoutMs: 50 })
    expect(waited).toMatchObject({ ended: [], pending: [id], problems: [] })
    expect(waited.next).toMatch(/call "wait" again/)
    await agent.call('cancel', { ids: [id] })
    expect((await ending(id)).task.state).toBe('cancelled')
  })

  test('a wait for any returns with the first that has ended', async () => {
    const hangs = await submitOne({ type: 'hang' })
    const id = await submitOne({ type: 'shout', payload: { text: 'first' } })
    const waited = await agent.call<Waited>('wait', { ids: [hangs, id], mode: 'any' })
    expect(waited.ended.map(({ task }) => task.id)).toEqual([id])
    expect(waited.pending).toEqual([hangs])
    await agent.call('cancel', { ids: [hangs] })
  })

  test('a wait for what nobody knows says so, and waits for the others', async () => {
    const id = await submitOne({ type: 'shout', payload: { text: 'known' } })
    const waited = await agent.call<Waited>('wait', { ids: ['ffffffff-unknown', id] })
    expect(waited.ended.map(({ task }) => task.id)).toEqual([id])
    expect(waited.problems).toMatchObject([{ problem: expect.stringMatching(/^UnknownTaskError/) }])
    expect(waited.pending).toEqual([])
  })
})

describe('looking', () => {
  test('a list has neither payloads nor results, and is filtered', async () => {
    const id = await submitOne({ type: 'shout', payload: { text: 'listed' }, tags: ['mine'] })
    await ending(id)
    const { tasks } = await agent.call<{ tasks: Brief[] }>('list', {
      tag: 'mine',
      state: 'completed'
    })
    expect(tasks.map(task => task.id)).toEqual([id])
    expect(Object.keys(tasks[0]!)).not.toContain('payload')
  })

  test('a list goes on where it ended, and says how many there are', async () => {
    const ids: string[] = []
    for (const text of ['a', 'b', 'c']) {
      ids.unshift(await submitOne({ type: 'shout', payload: { text }, tags: ['paged'] }))
    }
    type Listed = { tasks: Brief[]; matched: number; cursor: string | null }
    const first = await agent.call<Listed>('list', { tag: 'paged', limit: 2 })
    expect(first.matched).toBe(3)
    const rest = await agent.call<Listed>('list', { tag: 'paged', limit: 2, cursor: first.cursor })
    expect([...first.tasks, ...rest.tasks].map(({ id }) => id)).toEqual(ids)
    expect(rest.cursor).toBeNull()
  })

  test('a result of any size comes in pieces that together are the whole', async () => {
    const id = await submitOne({ type: 'long', payload: { length: 30_000 } })
    const { result, isCut } = await ending(id)
    expect(isCut).toBe(true)
    expect(result!.length).toBeLessThan(20_000)
    let whole = ''
    let pieces = 0
    for (let cursor: string | null | undefined; cursor !== null; pieces++) {
      const got = await agent.call<{ result: string; resultCursor: string | null }>(
        'get',
        cursor === undefined ? { id } : { id, cursor }
      )
      whole += got.result
      cursor = got.resultCursor
    }
    expect(whole).toBe(JSON.stringify('é'.repeat(30_000)))
    expect(pieces).toBeGreaterThan(2)
  })

  test('one task shows why it failed, and its log', async () => {
    const id = await submitOne({ type: 'fail', maxRetries: 0 })
    expect((await ending(id)).task).toMatchObject({
      state: 'failed',
      error: 'TypeError: this cannot be'
    })
    const got = await agent.call<{ task: { error: unknown }; why: string }>('get', { id })
    expect(got.task.error).toEqual({ name: 'TypeError', message: 'this cannot be' })
    expect(got.why).toBe('this cannot be')
    const shouted = await submitOne({ type: 'shout', payload: { text: 'logged' } })
    await ending(shouted)
    const log = await agent.call<{ text: string; cursor: null }>('logs', { id: shouted })
    expect(log.text).toMatch(/^--- attempt 1 on computer-\d+\/1\nshouting logged\n$/)
  })

  test.each([
    ['get', { id: 'ffffffff-unknown' }, /^UnknownTaskError: .*use "list"/],
    ['get', { id: '' }, /InvalidOptionError/],
    ['get', { id: 'a', cursor: 'x' }, /"x" is no cursor of "get"/],
    ['logs', { id: 'ffffffff-unknown' }, /^UnknownTaskError/],
    ['list', { state: 'sleeping' }, /state/],
    ['wait', { ids: ['a'], timeoutMs: 46_000 }, /timeoutMs/],
    ['wait', {}, /ids/]
  ])('%s with %o is refused in words', async (name, input, words) => {
    await expect(agent.call(name, input)).rejects.toThrow(words)
  })

  test('the cluster shows its nodes and what they can run', async () => {
    const status = await agent.call<{ nodes: { types: string[] }[] }>('status')
    expect(status).toMatchObject({ cluster: 'test', nodes: [{ status: 'alive', connected: true }] })
    expect(status.nodes[0]!.types).toContain('shout')
  })
})

describe('what the user allows', () => {
  test('what failed is tried again as a copy, and what cannot be is told one by one', async () => {
    const failed = await submitOne({ type: 'fail', maxRetries: 0 })
    const completed = await submitOne({ type: 'shout', payload: { text: 'x' } })
    await agent.call('wait', { ids: [failed, completed] })
    const { tasks } = await agent.call<{
      tasks: { copy: string | null; problem: string | null }[]
    }>('retry', { ids: [failed, completed] })
    expect(tasks[0]).toMatchObject({ copy: expect.any(String), problem: null })
    expect(tasks[1]).toMatchObject({
      copy: null,
      problem: expect.stringMatching(/^TaskStateError/)
    })
  })

  test('shell commands are neither submitted nor tried again unless the user said so', async () => {
    const command = { type: 'command', payload: { argv: ['true'] } }
    await expect(agent.call('submit', { tasks: [command] })).rejects.toThrow(/--allow-commands/)
    const bold = await Agent.start(data, '--allow-commands')
    const { tasks } = await bold.call<Submitted>('submit', { tasks: [command] })
    await bold.call('cancel', { ids: [tasks[0]!.id] })
    const told = await agent.call<{ tasks: { problem: string }[] }>('retry', {
      ids: [tasks[0]!.id]
    })
    expect(told.tasks[0]!.problem).toMatch(/--allow-commands/)
  })

  test('only tasks of the types that the user named are submitted and tried again', async () => {
    const bound = await Agent.start(data, '--types', 'shout')
    await expect(bound.call('submit', { tasks: [{ type: 'fail' }] })).rejects.toThrow(
      /"fail" are not allowed here: the user allows shout/
    )
    await bound.call('submit', { tasks: [{ type: 'shout', payload: { text: 'x' } }] })
    const failed = await submitOne({ type: 'fail', maxRetries: 0 })
    await ending(failed)
    const { tasks } = await bound.call<{ tasks: { problem: string }[] }>('retry', { ids: [failed] })
    expect(tasks[0]!.problem).toMatch(/not allowed/)
  })
})
