/** Agents that work for others: tasks that they claim, report on and finish, over two real nodes. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import type { Node } from '../../src/index.ts'
import { endAll, privateOptions, startNode } from '../library/nodes.ts'
import { until } from '../support/until.ts'
import { Agent, stopAgents } from './agent.ts'

type Claimed = {
  claim: string | null
  task: {
    id: string
    attempt: number
    payload: string | null
    isCut: boolean
    dependencies: { id: string; result: string | null }[]
  } | null
}
type Updated = { wanted: boolean; reason: string | null; draining: boolean }

let first: Node
let second: Node
const apis: Api[] = []
const folders: string[] = []

beforeAll(async () => {
  const nodes: Node[] = []
  for (let i = 0; i < 2; i++) {
    const options = await privateOptions()
    const node = await startNode(options)
    apis.push(await startApi(node, options.data!))
    folders.push(options.data!)
    nodes.push(node)
  }
  ;[first, second] = nodes as [Node, Node]
})
afterEach(stopAgents)
afterAll(async () => {
  for (const api of apis) await api.close()
  await endAll()
})

const agentOn = (place: number, ...flags: string[]): Promise<Agent> =>
  Agent.start(folders[place]!, ...flags)

async function claimed(agent: Agent, ...types: string[]): Promise<{ claim: string } & Claimed> {
  const got = await agent.call<Claimed>('claim', { types })
  expect(got.claim).not.toBeNull()
  return got as { claim: string } & Claimed
}

test('two agents hand work to each other, over two nodes', async () => {
  const [asks, works] = [await agentOn(0), await agentOn(1)]
  const { tasks } = await asks.call<{ tasks: { id: string }[] }>('submit', {
    tasks: [{ type: 'review', payload: { text: 'see here' } }]
  })
  const { claim, task } = await claimed(works, 'review')
  expect(task).toMatchObject({ id: tasks[0]!.id, attempt: 1, payload: '{"text":"see here"}' })
  const told = await works.call<Updated>('update', {
    claim,
    fraction: 0.5,
    message: 'reading',
    log: ['line one', 'line two']
  })
  expect(told).toEqual({ wanted: true, reason: null, draining: false })
  await works.call('finish', { claim, outcome: 'completed', result: { ok: true } })
  const waited = await asks.call<{ ended: { result: string }[] }>('wait', { ids: [tasks[0]!.id] })
  expect(waited.ended[0]!.result).toBe('{"ok":true}')
  const log = await asks.call<{ text: string }>('logs', { id: tasks[0]!.id })
  expect(log.text).toMatch(/line one\nline two\n$/)
})

test('an agent that is killed loses its task to another, which goes on from what it saved', async () => {
  const [dies, lives] = [await agentOn(0), await agentOn(1)]
  const id = await first.createTask('long', null)
  const { claim, task } = await claimed(dies, 'long')
  expect(task).toMatchObject({ checkpoint: null })
  await dies.call('update', { claim, checkpoint: 'half of it' })
  expect(first.why(id).words).toMatch(/goes on from a checkpoint of 10 bytes/)
  process.kill(dies.pid, 'SIGKILL')
  const again = await claimed(lives, 'long')
  expect(again.task).toMatchObject({ id, attempt: 1, checkpoint: 'half of it' })
  await lives.call('finish', { claim: again.claim, outcome: 'completed', result: 1 })
  await first.waitForTask(id)
  expect(first.task(id).lost).toHaveLength(1)
})

test('what an agent has not finished is given back when its stdin ends, and nothing is lost', async () => {
  const [leaves, stays] = [await agentOn(0), await agentOn(1)]
  const id = await first.createTask('given-back', null, { maxRetries: 0 })
  await claimed(leaves, 'given-back')
  await leaves.stop()
  const { claim } = await claimed(stays, 'given-back')
  await stays.call('finish', { claim, outcome: 'completed' })
  expect(await second.waitForTask(id)).toBeNull()
  expect(second.task(id).lost).toEqual([])
})

test('a claim that finds nothing returns in time, and leaves nothing behind', async () => {
  const agent = await agentOn(0)
  const got = await agent.call<Claimed>('claim', { types: ['nothing'], waitMs: 50 })
  expect(got).toMatchObject({ claim: null, task: null })
  const external = (): number =>
    first
      .nodes()
      .find(({ self }) => self)!
      .pools.filter(({ external }) => external).length
  await until(() => external() === 0, 'the worker to be gone')
})

test('failures are tried again or not, and a task that is given back uses no retry', async () => {
  const agent = await agentOn(0)
  const id = await first.createTask('hard', null, { maxRetries: 1, backoff: { delay: 1 } })
  const error = { name: 'Puzzled', message: 'what is this' }
  let { claim } = await claimed(agent, 'hard')
  await agent.call('finish', { claim, outcome: 'released' })
  ;({ claim } = await claimed(agent, 'hard'))
  await agent.call('finish', { claim, outcome: 'failed', error })
  const next = await claimed(agent, 'hard')
  expect(next.task!.attempt).toBe(2)
  await agent.call('finish', { claim: next.claim, outcome: 'failed', error, retryable: false })
  await expect(first.waitForTask(id)).rejects.toMatchObject(error)
})

test('a cancelled task is not wanted any more, and its claim ends by being released', async () => {
  const agent = await agentOn(0)
  const id = await first.createTask('unwanted', null)
  const { claim } = await claimed(agent, 'unwanted')
  await second.cancel(id)
  const told = await until(async () => {
    const answer = await agent.call<Updated>('update', { claim })
    return answer.wanted ? null : answer
  }, 'the agent to hear of it')
  expect(told).toMatchObject({ wanted: false, reason: expect.stringMatching(/Cancel/) as string })
  await agent.call('finish', { claim, outcome: 'released' })
  await expect(agent.call('finish', { claim, outcome: 'completed', result: 1 })).rejects.toThrow(
    /^Lease(Lost|Ended)/
  )
})

test('the same end twice is no mistake, another one is', async () => {
  const agent = await agentOn(0)
  await first.createTask('twice', null)
  const { claim } = await claimed(agent, 'twice')
  const end = { claim, outcome: 'completed', result: [1] }
  await agent.call('finish', end)
  await agent.call('finish', end)
  await expect(agent.call('finish', { ...end, result: [2] })).rejects.toThrow(/^LeaseEnded/)
})

test('results of dependencies come with a task, and long payloads in part', async () => {
  const agent = await agentOn(1)
  const part = await first.createTask('part', 'x'.repeat(30_000))
  const whole = await first.createTask('whole', null, { dependsOn: [part] })
  const got = await claimed(agent, 'part', 'whole')
  expect(got.task).toMatchObject({ id: part, isCut: true })
  expect(got.task!.payload!.length).toBeLessThan(20_000)
  await agent.call('finish', { claim: got.claim, outcome: 'completed', result: 42 })
  const { claim, task } = await claimed(agent, 'part', 'whole')
  expect(task).toMatchObject({ id: whole, dependencies: [{ id: part, result: '42' }] })
  await agent.call('finish', { claim, outcome: 'completed' })
})

test.each([
  ['claim', { types: [] }, /types/],
  ['claim', { types: ['command'] }, /shell commands cannot be claimed/],
  ['claim', { types: ['a'], waitMs: 46_000 }, /waitMs/],
  ['update', { claim: 'none' }, /^LeaseLost/],
  ['finish', { claim: 'none', outcome: 'completed' }, /^LeaseLost/],
  ['finish', { claim: 'none', outcome: 'failed' }, /an error belongs to/],
  ['finish', { claim: 'none', outcome: 'completed', error: { message: 'x' } }, /an error belongs/],
  ['finish', { claim: 'none', outcome: 'released', result: 1 }, /a result belongs/],
  ['finish', { claim: 'none', outcome: 'done' }, /outcome/]
])('%s with %o is refused in words', async (name, input, words) => {
  const agent = await agentOn(0)
  await expect(agent.call(name, input)).rejects.toThrow(words)
})

test('no more than sixteen claims are open or wait at a time', async () => {
  const agent = await agentOn(0)
  const claims = Array.from({ length: 17 }, () =>
    agent.call<Claimed>('claim', { types: ['nothing'], waitMs: 1000 })
  )
  const ended = await Promise.allSettled(claims)
  const refused = ended.filter(({ status }) => status === 'rejected')
  expect(refused).toMatchObject([
    { reason: { message: expect.stringMatching(/16 claims are open or wait/) as string } }
  ])
})

test('only types that the user named are claimed', async () => {
  const bound = await agentOn(0, '--types', 'review')
  await expect(bound.call('claim', { types: ['other'] })).rejects.toThrow(/not allowed here/)
})
