/** What the engine does under load: in which order it takes things, in which portions, and what a fault costs. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Core } from '../../../src/core/core.ts'
import type { Effect } from '../../../src/core/effect.ts'
import type { Input } from '../../../src/core/input.ts'
import { Engine, type Observer, type Ports } from '../../../src/node/runtime/engine.ts'
import { Failures } from '../../../src/node/runtime/failures.ts'
import { DRAFT, bootOf, heartbeatOf } from '../../support/tasks.ts'
import { until } from '../../support/until.ts'

const STEP_MS = 1

/** An engine whose steps take a ms each, by its own clock; and what they were about. */
async function slowEngine(effectsOf: (input: Input) => Effect[] = () => []) {
  let now = 1_700_000_000_000
  const clock = { aheadMs: 0 }
  const taken: Input[] = []
  const ticks: (() => void)[] = []
  const failed: string[] = []
  const done: string[] = []
  const nothing = async (): Promise<void> => {}
  const core = {
    idle: { isAtRest: false, nextTickMs: () => 200 },
    step(_now: number, input: Input) {
      now += STEP_MS
      taken.push(input)
      return effectsOf(input)
    }
  }
  const ports = {
    transport: {
      start: nothing,
      stop: nothing,
      send: (to: string) => void done.push(to),
      publish() {
        throw new Error('it cannot be published')
      }
    },
    journal: {
      close: nothing,
      write() {
        throw new Error('no disk')
      }
    },
    blobs: {},
    runner: { onEnded() {}, onOutput() {}, onProgress() {}, useBlobs() {}, stop: nothing },
    clock: {
      now: () => now,
      aheadMs: () => clock.aheadMs,
      every(_ms: number, callback: () => void) {
        ticks.push(callback)
        return () => {}
      }
    }
  }
  const observer = {
    failed: (kind: string) => void failed.push(kind),
    disk: (failure: unknown) => void failed.push(`disk: ${String(failure)}`),
    clockSet: (ms: number) => void done.push(`clock ${ms}`),
    turned() {}
  }
  const engine = new Engine(
    core as unknown as Core,
    ports as unknown as Ports,
    observer as unknown as Observer
  )
  await engine.start()
  await turn()
  taken.length = 0
  /** The timer of the tick, which was due at a time, fires. */
  const tick = (lateMs: number): void => {
    now += lateMs
    ticks.at(-1)!()
  }
  const kinds = (): string[] => taken.map(kindOf)
  return { engine, taken, kinds, tick, failed, done, clock }
}

function kindOf(input: Input): string {
  return input.kind === 'message' ? input.message.kind : input.kind
}

function submit(engine: Engine, request: number): void {
  engine.feed({ kind: 'submit', request, id: null, draft: DRAFT, acks: null })
}

const from = bootOf('b')
const heartbeat: Input = { kind: 'message', from: 'b', message: heartbeatOf(from) }
const news: Input = { kind: 'message', from: 'b', message: { kind: 'find', boot: from, ids: [] } }

test('work is done in portions, and the event loop has its turn between them', async () => {
  const { engine, taken } = await slowEngine()
  for (let i = 0; i < 100; i++) submit(engine, i)
  const first = taken.length
  expect(first).toBeLessThan(20)
  await turn()
  expect(taken.length).toBeLessThan(first + 20)
  await until(() => taken.length === 100, 'all of it to be taken in')
  expect(taken.map(input => (input as { request: number }).request)).toEqual(
    Array.from({ length: 100 }, (_, i) => i)
  )
  await engine.stop()
})

test('heartbeats, links and acknowledgements are taken at once, however many tasks wait', async () => {
  const { engine, kinds, taken } = await slowEngine()
  for (let i = 0; i < 2000; i++) submit(engine, i)
  const before = taken.length
  engine.feed(heartbeat)
  engine.feed({
    kind: 'message',
    from: 'b',
    message: { kind: 'ack', boot: from, vector: new Map() }
  })
  engine.feed({ kind: 'link', peer: 'b', up: false })
  expect(kinds().slice(before)).toEqual(['heartbeat', 'ack', 'link'])
  await engine.stop()
})

test('the tick is taken at once, and says how long what waits has waited', async () => {
  const { engine, taken, tick, kinds } = await slowEngine()
  for (let i = 0; i < 500; i++) submit(engine, i)
  for (let i = 0; i < 5; i++) await turn()
  const before = taken.length
  tick(3000)
  expect(kinds()[before]).toBe('tick')
  expect((taken[before] as { loopLagMs: number }).loopLagMs).toBeGreaterThan(3000)
  await engine.stop()
})

test('what waited before the last tick is in the lag, also if it has been taken since', async () => {
  const { engine, taken, tick } = await slowEngine()
  for (let i = 0; i < 1000; i++) submit(engine, i)
  await until(() => engine.waitingTasks() === 0, 'all of it to be taken in')
  tick(-2000)
  const { loopLagMs } = taken.at(-1) as { loopLagMs: number }
  expect(loopLagMs).toBeGreaterThan(900)
  await engine.stop()
})

test('new tasks and news are taken in turn', async () => {
  const { engine, kinds } = await slowEngine()
  for (let i = 0; i < 100; i++) submit(engine, i)
  for (let i = 0; i < 20; i++) engine.feed(news)
  await until(() => kinds().filter(kind => kind === 'find').length === 20, 'the news')
  expect(kinds().lastIndexOf('find')).toBeLessThan(60)
  await engine.stop()
})

test('what comes from others faster than it is taken in does not pile up', async () => {
  const { engine, taken } = await slowEngine()
  for (let i = 0; i < 5000; i++) engine.feed(news)
  expect(taken.length).toBeGreaterThan(5000 - 300)
  await engine.stop()
})

test('an effect that fails is told, and costs none of the others', async () => {
  const { engine, failed, done } = await slowEngine(input =>
    input.kind === 'link'
      ? [
          { kind: 'publish', message: heartbeatOf(from) },
          { kind: 'send', to: 'c', message: heartbeatOf(from) }
        ]
      : []
  )
  engine.feed({ kind: 'link', peer: 'b', up: true })
  expect(failed).toEqual(['publish'])
  expect(done).toEqual(['c'])
  await engine.stop()
})

test('a write that fails at once is a failure of the disk', async () => {
  const flush = {} as Extract<Effect, { kind: 'persist' }>['flush']
  const { engine, failed } = await slowEngine(input =>
    input.kind === 'link' ? [{ kind: 'persist', flush }] : []
  )
  engine.feed({ kind: 'link', peer: 'b', up: true })
  await until(() => failed.length > 0, 'the failure')
  expect(failed).toEqual(['disk: Error: no disk'])
  await engine.stop()
})

test('a fault is said at once, and then once in a minute, with how often', () => {
  let now = 0
  const said: string[] = []
  const failures = new Failures({ error: message => void said.push(message) }, { now: () => now })
  for (let i = 0; i < 1000; i++) failures.note('the effect send', new Error('one'))
  failures.note('the effect publish', new Error('two'))
  expect(said).toHaveLength(2)
  now = 61_000
  failures.note('the effect send', new Error('three'))
  expect(said).toHaveLength(3)
  expect(said[2]).toMatch(/999 times before.*the effect send.*three/s)
})

test('a clock that was set is read before anything else is taken in, once', async () => {
  const { engine, clock, kinds, taken, done } = await slowEngine()
  clock.aheadMs = -5000
  engine.feed({ kind: 'wake' })
  engine.feed({ kind: 'wake' })
  expect(kinds()).toEqual(['clock', 'wake', 'wake'])
  expect(taken[0]).toEqual({ kind: 'clock', aheadMs: -5000 })
  clock.aheadMs = 1000
  engine.feed({ kind: 'wake' })
  expect(kinds().slice(3)).toEqual(['clock', 'wake'])
  expect(done).toEqual(['clock -5000', 'clock 6000'])
})
