/**
 * Two hundred thousand tasks: lists, counts and searches are right, and the node goes on meanwhile. Heartbeats go out in
 * time, and no turn of the event loop is kept by a list.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Core } from '../../../src/core/core.ts'
import type { Message } from '../../../src/core/message.ts'
import type { StoredTask } from '../../../src/core/effect.ts'
import { Node } from '../../../src/node/node.ts'
import type { Ports } from '../../../src/node/runtime/engine.ts'
import { systemClock } from '../../../src/node/runtime/clock.ts'
import type { NodeSettings } from '../../../src/node/settings.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'

const TASKS = 200_000
const TYPES = ['resize', 'render', 'upload']
const SELF = bootOf('a', 2)
/** Heartbeats that are waited for: one a second. */
const HEARTBEATS = 3

const heartbeats = { sent: 0 }
let node: Node

beforeAll(async () => {
  const identity = { boot: SELF, name: 'a/1', version: '0.0.0', labels: {} }
  // All of them are kept.
  const core = new Core(identity, { settledMax: TASKS })
  core.restore({ tasks: stored(), vector: new Map([[bootOf('b'), TASKS]]), members: [] })
  node = new Node(core, ports(), {
    cluster: 'test',
    name: 'a/1',
    concurrency: 1,
    roster: [],
    acks: 0,
    graceMs: 0,
    log: { warn: () => {}, error: () => {} },
    onClosed: async () => {}
  } as unknown as NodeSettings)
  await node.open()
}, 120_000)

afterAll(async () => node.leave(0))

/** One in four is open. */
function* stored(): Generator<StoredTask> {
  const boot = bootOf('b')
  const at = Date.now() * 1000
  for (let seq = 1; seq <= TASKS; seq++) {
    // Some arrive out of order, as after a cut.
    const submittedAt = at + (seq % 100 === 0 ? -seq : seq)
    const spec = { type: TYPES[seq % 3]!, priority: 1 + (seq % 10), submittedAt }
    const outcome = seq % 4 === 0 ? null : outcomeBy(boot, { at: at + seq, durationMs: seq % 977 })
    yield { record: taskOf(boot, seq, { spec, outcome }), writes: [{ origin: boot, seq }] }
  }
}

function ports(): Ports {
  const nothing = (): void => {}
  const soon = async (): Promise<void> => {}
  return {
    transport: {
      id: 'a',
      start: soon,
      stop: soon,
      publish: ({ kind }: Message) => {
        if (kind === 'heartbeat') heartbeats.sent++
      },
      send: nothing,
      peers: () => [],
      async *askOutput() {}
    },
    journal: { write: soon, close: soon },
    blobs: {},
    runner: {
      handlers: [],
      external: { serve: nothing, drainAll: nothing },
      onHandlersChanged: nothing,
      onEnded: nothing,
      onOutput: nothing,
      onProgress: nothing,
      useBlobs: nothing,
      abort: soon,
      stop: soon
    },
    clock: systemClock
  } as unknown as Ports
}

/** What `work` gives, and how often the event loop went round meanwhile. */
async function meanwhile<T>(work: () => Promise<T>): Promise<{ result: T; turns: number }> {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  turn()
  const result = await work()
  isOver = true
  return { result, turns }
}

test('lists by every order, counts and searches, and gives the event loop its turns', async () => {
  const { result, turns } = await meanwhile(async () => {
    const [newest, urgent, found, counted] = await Promise.all([
      node.listTasks({ limit: 1000, fields: 'brief' }),
      node.listTasks({ sort: '-priority', state: 'queued', limit: 50, fields: 'brief' }),
      node.listTasks({ q: 'upload', limit: 1, fields: 'brief' }),
      node.countTasks()
    ])
    return { newest: [...newest.rows], urgent: [...urgent.rows], newestOf: newest, found, counted }
  })
  const { newest, urgent, newestOf, found, counted } = result
  expect(newest.map(({ submittedAt }) => submittedAt)).toEqual(
    newest
      .map(({ submittedAt }) => submittedAt)
      .toSorted()
      .toReversed()
  )
  expect(newestOf.matched).toBe(TASKS)
  expect(urgent.every(({ priority, state }) => priority === 9 && state === 'queued')).toBe(true)
  expect(urgent).toHaveLength(50)
  expect(found.matched).toBe(Math.floor((TASKS + 1) / 3))
  expect(counted).toMatchObject({
    total: TASKS,
    states: { queued: TASKS / 4, completed: (TASKS * 3) / 4, running: 0 }
  })
  expect(turns).toBeGreaterThan(20)
}, 120_000)

test('heartbeats go out while one list follows the other', async () => {
  const enough = heartbeats.sent + HEARTBEATS
  let lists = 0
  while (heartbeats.sent < enough) {
    const { matched } = await node.listTasks({ sort: 'durationMs', limit: 100, fields: 'brief' })
    expect(matched).toBe(TASKS)
    lists++
  }
  expect(lists).toBeGreaterThan(1)
}, 60_000)

test('pages through all of them', async () => {
  const seen = new Set<string>()
  const pageFrom = async (cursor?: string): Promise<string | null> => {
    const from = cursor === undefined ? {} : { cursor }
    const page = await node.listTasks({ limit: 20_000, fields: 'brief', ...from })
    for (const { id } of page.rows) seen.add(id)
    return page.cursor
  }
  let cursor = await pageFrom()
  while (cursor !== null) cursor = await pageFrom(cursor)
  expect(seen.size).toBe(TASKS)
}, 120_000)
