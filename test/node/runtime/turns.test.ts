/** Whoever waits for news of this node hears of them in the turn in which they come, and looks at nothing in between. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Input } from '../../../src/core/input.ts'
import type { NodeView } from '../../../src/node/api/node-api.ts'
import { Lookups } from '../../../src/node/tasks/lookups.ts'
import { othersConnected } from '../../../src/node/others.ts'
import { Tasks, type TasksOptions } from '../../../src/node/tasks/tasks.ts'
import { Turns } from '../../../src/node/runtime/turns.ts'
import { bootOf, idOf } from '../../support/tasks.ts'

const BOOT = bootOf('a')

/** What has become of a promise so far. */
function followed(promise: Promise<unknown>): { end: unknown } {
  const seen: { end: unknown } = { end: 'waits' }
  promise.then(
    value => (seen.end = value ?? 'resolved'),
    error => (seen.end = error)
  )
  return seen
}

test('it is looked at once, and then after each turn until it is over', async () => {
  const turns = new Turns()
  let looks = 0
  const waiting = followed(turns.until(() => ++looks === 3))
  await turn()
  expect(looks).toBe(1)
  turns.turned()
  await turn()
  expect(waiting.end).toBe('waits')
  turns.turned()
  await turn()
  expect(waiting.end).toBe('resolved')
  turns.turned()
  expect(looks).toBe(3)
})

test('what the look throws, or the reason of the signal, ends the wait; a time may end it, too', async () => {
  const turns = new Turns()
  let fails = false
  const looking = turns.until(() => {
    if (fails) throw new Error('the node has stopped')
    return false
  })
  const gone = new AbortController()
  const going = turns.until(() => false, gone.signal)
  fails = true
  turns.turned()
  gone.abort(new Error('the client has gone'))
  await expect(looking).rejects.toThrow('the node has stopped')
  await expect(going).rejects.toThrow('the client has gone')
  await expect(turns.until(() => true, gone.signal)).rejects.toThrow('the client has gone')
  await turns.until(() => false, undefined, 1)
})

/** Members as a node shows them. */
function node(turns: Turns) {
  const closed = Promise.withResolvers<null>()
  const others: Pick<NodeView, 'self' | 'connected' | 'status'>[] = []
  const looked = { name: 'a/1', closed: closed.promise, nodes: () => others as NodeView[] }
  const ready = (members: number, ms: number | null = null): Promise<void> =>
    othersConnected(looked, turns, members, ms)
  return { others, ready, close: () => closed.resolve(null) }
}

test('a node is ready in the turn in which the last of the others is connected', async () => {
  const turns = new Turns()
  const { others, ready } = node(turns)
  const waiting = followed(ready(2))
  others.push({ self: true, connected: true, status: 'alive' })
  others.push({ self: false, connected: true, status: 'alive' })
  others.push({ self: false, connected: false, status: 'alive' })
  turns.turned()
  await turn()
  expect(waiting.end).toBe('waits')
  others.push({ self: false, connected: true, status: 'alive' })
  turns.turned()
  await turn()
  expect(waiting.end).toBe('resolved')
})

test('a node that stops, or has met too few in time, says so', async () => {
  const { ready, close } = node(new Turns())
  await expect(ready(1, 1)).rejects.toMatchObject({
    name: 'NotReadyError',
    message: expect.stringContaining('0 other nodes are connected to a/1 after 1 ms, not 1')
  })
  const waiting = ready(1)
  close()
  await expect(waiting).rejects.toMatchObject({ name: 'NodeClosedError' })
})

/** A node that knows these tasks, and what it asks others. */
function asked() {
  const turns = new Turns()
  const inputs: Input[] = []
  const lookups = new Lookups(input => inputs.push(input))
  const known: string[] = []
  let looks = 0
  const tasks = new Tasks({
    turns,
    lookups,
    core: {
      isForgotten: () => false,
      get tasksTaken() {
        return known.length
      }
    },
    queries: {
      matching: (part: string) => {
        looks++
        return known.filter(id => id.includes(part))
      },
      record: () => {
        throw new Error('it is not known')
      }
    },
    assertOpen: () => {}
  } as unknown as TasksOptions)
  return { turns, lookups, inputs, known, tasks, looks: () => looks }
}

test('a task that is asked for by its id is found when it comes, or not when the others have answered', async () => {
  const { turns, lookups, inputs, known, tasks } = asked()
  const [first, second] = [idOf(BOOT, 1), idOf(BOOT, 2)]
  const coming = followed(tasks.resolveId(first))
  const missing = followed(tasks.resolveId(second))
  expect(inputs).toEqual([first, second].map(taskId => ({ kind: 'find', taskId })))
  known.push(first)
  lookups.found({ kind: 'found', taskId: second, isForgotten: false })
  await turn()
  expect([coming.end, missing.end]).toEqual(['waits', 'waits'])
  turns.turned()
  await turn()
  expect(coming.end).toBe(first)
  expect(missing.end).toMatchObject({ message: 'it is not known' })
})

test('for a part of an id all tasks are looked through when there is another one, not at every turn', async () => {
  const { turns, known, tasks, looks } = asked()
  const id = idOf(BOOT, 1)
  const coming = followed(tasks.resolveId(id.slice(-6)))
  turns.turned()
  turns.turned()
  expect(looks()).toBe(1)
  known.push(id)
  turns.turned()
  await turn()
  expect(coming.end).toBe(id)
  expect(looks()).toBe(2)
})
