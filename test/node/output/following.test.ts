/** A reader of output whose question is not answered at once: by the node that ran the task, or by another one. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { nodeOf, type NodeId } from '../../../src/core/base/ids.ts'
import type { OutputAnswer, OutputRequest } from '../../../src/core/message.ts'
import type { TaskRecord } from '../../../src/core/task/record.ts'
import type { CoreView, MemberView } from '../../../src/core/view.ts'
import { Following } from '../../../src/node/output/following.ts'
import { Logbook } from '../../../src/node/output/logbook.ts'
import { Turns } from '../../../src/node/runtime/turns.ts'
import type { Clock, Transport } from '../../../src/ports/ports.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'

const runner = bootOf('runner')
const other = bootOf('other')
/** It ran at `runner`, and has settled. */
const completed: TaskRecord = taskOf(other, 1, {
  started: { epoch: 0, at: 1, by: runner },
  outcome: outcomeBy(runner)
})
const { id: taskId } = completed.spec

function bookOf(): Logbook {
  const book = new Logbook(() => 1000)
  book.begin({
    ...completed.spec,
    taskId,
    epoch: 0,
    attempt: 1,
    dependencies: new Map(),
    pool: 'default',
    slot: 0
  })
  book.say(taskId, 0, 'stdout', Buffer.from('all of it\n'))
  book.end(taskId, 0)
  return book
}

/** What a reader sees, and how often each node was asked. @param broken how many questions to each are broken off */
async function read(
  broken: Readonly<Record<NodeId, number>>,
  record: TaskRecord = completed
): Promise<{ texts: string[]; asked: Record<NodeId, number> }> {
  const asked: Record<NodeId, number> = { runner: 0, other: 0 }
  const books: Record<NodeId, Logbook> = { runner: bookOf(), other: new Logbook(() => 1000) }
  const linked = [runner, other].map(boot => ({ linked: true, heartbeat: { boot } }))
  const core = {
    record: () => record,
    members: () => linked as unknown as MemberView[],
    isLinked: () => true
  } as unknown as CoreView
  const transport = {
    id: 'reader',
    async *askOutput(node: NodeId, request: OutputRequest): AsyncGenerator<OutputAnswer> {
      if (request.kind === 'attempts' && asked[node]!++ < (broken[node] ?? 0)) {
        throw new Error('the answer was broken off')
      }
      yield* books[node]!.answer(request)
    }
  } as unknown as Transport
  const following = new Following({
    core,
    transport,
    clock: { now: () => 1000, aheadMs: () => 0 } as unknown as Clock,
    logbook: new Logbook(() => 1000),
    nameOf: boot => nodeOf(boot),
    turns: new Turns(),
    assertNotClosed: () => {}
  })
  const texts: string[] = []
  for await (const { text } of following.read(taskId, false, new AbortController().signal)) {
    texts.push(text)
  }
  return { texts, asked }
}

test('the node that ran the task is asked again: nobody else has what it has', async () => {
  const { texts, asked } = await read({ runner: 2, other: 0 })
  expect(texts).toEqual(['all of it\n'])
  expect(asked).toEqual({ runner: 3, other: 1 })
})

test('nobody waits for the others, nor for ever', async () => {
  expect((await read({ runner: 0, other: 9 })).asked).toEqual({ runner: 1, other: 1 })
  const { texts, asked } = await read({ runner: 9, other: 0 })
  expect(texts).toEqual([])
  expect(asked['runner']).toBe(4)
})

test('that nobody has what a cancelled run said is said, and not taken for silence', async () => {
  const status = { status: 'cancelled', reason: 'CancelledByUser' } as const
  const cancelled = { ...completed, outcome: outcomeBy(runner, status) }
  expect((await read({ runner: 0, other: 0 }, cancelled)).texts).toEqual(['all of it\n'])
  const { texts } = await read({ runner: 9, other: 0 }, cancelled)
  expect(texts).toEqual(['runner: it cannot be asked, and nobody else has the output\n'])
})

test('a reader that follows hears of the next run in the turn in which it starts, and looks at nothing in between', async () => {
  let record: TaskRecord = taskOf(other, 1)
  let looks = 0
  const books: Record<NodeId, Logbook> = { runner: bookOf() }
  const turns = new Turns()
  const core = {
    record() {
      looks++
      return record
    },
    members: () => [{ linked: true, heartbeat: { boot: runner } }] as unknown as MemberView[],
    isLinked: () => true
  } as unknown as CoreView
  const transport = {
    id: 'reader',
    askOutput: (node: NodeId, request: OutputRequest) => {
      if (record.started === null) return new Logbook(() => 1000).answer(request)
      return books[node]!.answer(request)
    }
  } as unknown as Transport
  const following = new Following({
    core,
    transport,
    clock: { now: () => 1000, aheadMs: () => 0 } as unknown as Clock,
    logbook: new Logbook(() => 1000),
    nameOf: boot => nodeOf(boot),
    turns,
    assertNotClosed: () => {}
  })
  const texts: string[] = []
  const reading = (async () => {
    const all = following.read(taskId, true, new AbortController().signal)
    for await (const { text } of all) texts.push(text)
  })()
  await turn()
  await turn()
  const before = looks
  await turn()
  expect([looks, texts]).toEqual([before, []])
  turns.turned()
  expect(looks).toBe(before + 1)
  record = completed
  turns.turned()
  await reading
  expect(texts).toEqual(['all of it\n'])
})
