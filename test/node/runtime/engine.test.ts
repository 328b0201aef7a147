/** When the engine writes to disk: what happens in one turn of the event loop is one write. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Core } from '../../../src/core/core.ts'
import type { Effect, Flush } from '../../../src/core/effect.ts'
import { Engine, type Observer, type Ports } from '../../../src/node/runtime/engine.ts'
import type { RunEnded } from '../../../src/ports/ports.ts'
import { DRAFT, bootOf } from '../../support/tasks.ts'
import { until } from '../../support/until.ts'

/** An engine without a network, and a disk that takes a write when it is told to. */
async function engineWith(endAtOnce: boolean) {
  const flushes: Flush[] = []
  let landed = Promise.withResolvers<void>()
  let ended: RunEnded = () => {}
  const ignored = (): void => {}
  const ports = {
    transport: { start: async () => {}, stop: async () => {}, publish: ignored, send: ignored },
    journal: {
      write(flush: Flush) {
        flushes.push(flush)
        return landed.promise
      },
      close: async () => {}
    },
    blobs: {},
    runner: {
      onEnded: (given: RunEnded) => void (ended = given),
      onOutput: ignored,
      onProgress: ignored,
      useBlobs: ignored,
      start({ taskId, epoch }: { taskId: string; epoch: number }) {
        if (endAtOnce) queueMicrotask(() => ended(taskId, epoch, DONE, 0))
      },
      stop: async () => {}
    },
    clock: { now: () => 1_700_000_000_000, aheadMs: () => 0, every: () => ignored }
  }
  const observer = new Proxy({}, { get: () => ignored })
  const core = new Core({ boot: bootOf('a'), name: 'a/1', version: '0.0.0', labels: {} })
  const engine = new Engine(core, ports as unknown as Ports, observer as unknown as Observer)
  await engine.start()
  engine.feed({ kind: 'worker', slots: 4, handlers: [DRAFT.type] })
  const land = (): void => {
    const { resolve } = landed
    landed = Promise.withResolvers()
    resolve()
  }
  /** A write that has landed is taken note of, and another one may follow. */
  const settle = async (): Promise<void> => {
    land()
    await turn()
    await turn()
  }
  await turn()
  for (let told = -1; told < flushes.length;) {
    told = flushes.length
    await settle()
  }
  flushes.length = 0
  return { engine, flushes, settle }
}

const DONE = { status: 'completed', result: 'null' } as const

let requests = 0
function submit(engine: Engine): void {
  engine.feed({ kind: 'submit', request: ++requests, id: null, draft: DRAFT, acks: null })
}

test('tasks that are submitted in one turn are one write, and none before its end', async () => {
  const { engine, flushes } = await engineWith(false)
  for (let i = 0; i < 10; i++) submit(engine)
  expect(flushes).toEqual([])
  await until(() => flushes.length > 0, 'a write')
  expect(flushes).toHaveLength(1)
  expect(flushes[0]!.tasks).toHaveLength(10)
  await engine.stop()
})

test('a task that ends in the turn in which it begins is written once, as it ended', async () => {
  const { engine, flushes, settle } = await engineWith(true)
  submit(engine)
  await until(() => flushes.length > 0, 'a write')
  await settle()
  expect(flushes).toHaveLength(1)
  expect(flushes[0]!.tasks[0]!.record).toMatchObject({
    started: { epoch: 0 },
    outcome: { status: 'completed' }
  })
  await engine.stop()
})

test('what comes while a write is under way is the next one, as soon as that has landed', async () => {
  const { engine, flushes, settle } = await engineWith(false)
  submit(engine)
  await until(() => flushes.length > 0, 'a write')
  for (let i = 0; i < 3; i++) {
    submit(engine)
    await turn()
  }
  expect(flushes).toHaveLength(1)
  await settle()
  expect(flushes.map(({ tasks }) => tasks.length)).toEqual([1, 3])
  await engine.stop()
})

test('an engine that is stopped by what it does while it is at rest leaves no timer behind', async () => {
  const timers = new Set<object>()
  const asked: number[] = []
  const idle = { isAtRest: true, nextTickMs: () => 1000 }
  const effects: Effect[] = []
  const core = { idle, step: () => effects.splice(0) }
  const nothing = async (): Promise<void> => {}
  const ports = {
    transport: { start: nothing, stop: nothing },
    journal: { close: nothing },
    blobs: {},
    runner: {
      onEnded() {},
      onOutput() {},
      onProgress() {},
      useBlobs() {},
      stop: nothing
    },
    clock: {
      now: () => 0,
      aheadMs: () => 0,
      every(ms: number) {
        asked.push(ms)
        const timer = {}
        timers.add(timer)
        return () => void timers.delete(timer)
      }
    }
  }
  const stopped: Promise<void>[] = []
  const observer = { left: () => void stopped.push(engine.stop()), turned() {} }
  const engine: Engine = new Engine(
    core as unknown as Core,
    ports as unknown as Ports,
    observer as unknown as Observer
  )
  await engine.start()
  expect(timers.size).toBe(1)
  // Behind the time for which the core has asked, and not just before it.
  expect(asked[0]).toBeGreaterThan(1000)
  effects.push({ kind: 'left' })
  idle.isAtRest = false
  engine.feed({ kind: 'wake' })
  await Promise.all(stopped)
  expect(timers.size).toBe(0)
})
