/** What the options of a task do, in cores that are driven by hand. */
import { describe, expect, test } from 'vitest'
import { bootOf, entryOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import { announce, cluster } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import '../forbid.ts'
import { backoffMs } from '../../../src/core/task/backoff.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../../../src/core/options.ts'
import { Timers } from '../../../src/core/queue/timers.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]
const TICK_MS = 200

/** Lets time pass in ticks, as the shell does. */
function wait(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += TICK_MS) pump.pass(Math.min(TICK_MS, ms - passed))
}

function alone(): { pump: Pump; a: PumpNode } {
  const pump = pumpOf([A])
  const a = pump.nodes[0]!
  a.worker(1)
  return { pump, a }
}

describe('a task whose handler fails', () => {
  const backoff = { delayMs: 1000, factor: 2, maxDelayMs: 3000, jitter: 0 }

  test('is tried again by the same holder, after waits that grow, and then fails for good', () => {
    const { pump, a } = alone()
    const id = a.submit({ maxRetries: 3, backoff, priority: 7 })
    for (const [attempt, waitMs] of [1000, 2000, 3000].entries()) {
      expect(a.running.get(id)).toMatchObject({ attempt: attempt + 1, epoch: attempt })
      a.fail(id)
      expect(a.state(id)).toBe('delayed')
      expect(a.record(id).outcome).toMatchObject({ status: 'failed', error: { name: 'Error' } })
      pump.pass(waitMs - 1)
      expect(a.running.size).toBe(0)
      pump.pass(1)
    }
    expect(a.running.get(id)).toMatchObject({ attempt: 4, epoch: 3 })
    expect(a.record(id).spec.priority).toBe(7)
    a.fail(id)
    expect(a.state(id)).toBe('failed')
    expect(a.record(id).outcome).toMatchObject({ epoch: 3, reason: 'HandlerError' })
  })

  test('may complete in a later attempt', () => {
    const { pump, a } = alone()
    const id = a.submit({ maxRetries: 1, backoff })
    a.fail(id, 'Timeout')
    pump.pass(1000)
    a.end(id)
    pump.settle()
    expect(a.record(id).outcome).toMatchObject({ status: 'completed', error: null, reason: null })
  })

  test.each(['NonRetryable', 'TooLarge', 'PayloadRejected'] as const)(
    'is not tried again after %s',
    reason => {
      const { a } = alone()
      const id = a.submit({ maxRetries: 3 })
      a.fail(id, reason)
      expect(a.record(id).outcome).toMatchObject({ status: 'failed', reason })
      expect(a.state(id)).toBe('failed')
    }
  )

  test('is not tried again if it may be started only once', () => {
    const { pump, a } = alone()
    const id = a.submit({ maxRetries: 3, delivery: 'at-most-once' })
    pump.settle()
    a.fail(id)
    expect(a.state(id)).toBe('failed')
  })

  test('is told of by an event', () => {
    const { a } = alone()
    const id = a.submit({ maxRetries: 1 })
    a.fail(id)
    const names = a.of('notify').map(({ event }) => event.name)
    expect(names).toEqual(['task:submitted', 'task:queued', 'task:started', 'task:retrying'])
    expect(a.state(id)).toBe('delayed')
  })

  test('keeps its wait, its attempt and its priority where it is reclaimed', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit({ maxRetries: 1, backoff: { ...backoff, delayMs: 5000, maxDelayMs: 5000 } })
    pump.settle()
    a.fail(id)
    pump.settle()
    pump.crash(a)
    b.worker(1)
    wait(pump, 2000)
    expect(b.record(id).claim).toMatchObject({
      holder: b.boot,
      attempt: 2,
      cause: 'reclaim',
      epoch: 2
    })
    expect(b.running.size).toBe(0)
    wait(pump, 3200)
    expect(b.running.get(id)).toMatchObject({ attempt: 2, epoch: 2 })
  })
})

describe('the wait before another attempt', () => {
  const id = taskOf(A, 1).spec.id

  test('differs from task to task by no more than the jitter', () => {
    const waits = Array.from({ length: 200 }, (_, i) =>
      backoffMs(TASK_DEFAULTS.backoff, taskOf(A, i + 1).spec.id, 1)
    )
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(800)
    expect(Math.max(...waits)).toBeLessThanOrEqual(1200)
    expect(new Set(waits).size).toBeGreaterThan(190)
  })

  test('is the same wherever it is computed', () => {
    expect(backoffMs(TASK_DEFAULTS.backoff, id, 2)).toBe(backoffMs(TASK_DEFAULTS.backoff, id, 2))
  })

  test('is a time, whatever the options and however many attempts there were', () => {
    const { backoffMsMax, backoffFactorMax, maxRetriesMax } = TASK_LIMITS
    for (const delayMs of [0, 1, backoffMsMax]) {
      for (const factor of [1, 1.5, backoffFactorMax]) {
        for (const attempt of [1, 2, 155, 156, maxRetriesMax + 1]) {
          for (const jitter of [0, 1]) {
            const wait = backoffMs(
              { delayMs, factor, maxDelayMs: backoffMsMax, jitter },
              id,
              attempt
            )
            expect(wait).toBeGreaterThanOrEqual(0)
            expect(wait).toBeLessThanOrEqual(backoffMsMax)
          }
        }
      }
    }
    const none = { delayMs: 0, factor: backoffFactorMax, maxDelayMs: 1000, jitter: 1 }
    expect(backoffMs(none, id, maxRetriesMax)).toBe(0)
  })

  test('never exceeds its bound, however many attempts there were', () => {
    for (const attempt of [10, 100, 1000]) {
      expect(backoffMs(TASK_DEFAULTS.backoff, id, attempt)).toBeLessThanOrEqual(300_000)
    }
  })
})

describe('a handler that asks to be called again later', () => {
  const deferred = {
    status: 'failed',
    reason: 'HandlerError',
    retryAfterMs: 2000,
    error: { name: 'RetryAfterError', message: 'later', stack: null }
  } as const

  test('is, and that uses no retry', () => {
    const { pump, a } = alone()
    const id = a.submit()
    for (let epoch = 0; epoch < 3; epoch++) {
      expect(a.running.get(id)).toMatchObject({ attempt: 1, epoch })
      a.end(id, deferred)
      expect(a.state(id)).toBe('delayed')
      pump.pass(2000)
    }
  })

  test('is not if the task may be started only once', () => {
    const { pump, a } = alone()
    const id = a.submit({ delivery: 'at-most-once' })
    pump.settle()
    a.end(id, deferred)
    expect(a.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HandlerError' })
  })
})

describe('a handler that could not be loaded, and so was not called', () => {
  test('gives its task to another node, at once and without a retry', () => {
    const pump = pumpOf([A, B])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit({ maxRetries: 0 })
    pump.settle()
    expect(a.running.has(id)).toBe(true)
    b.worker(1)
    // As a node does: first it offers the type no longer.
    a.worker(1, [])
    const error = { name: 'HandlersFileError', message: 'a package is gone', stack: null }
    a.end(id, { status: 'failed', reason: 'HandlerError', error, retryAfterMs: 0 })
    pump.pass(3000)
    expect(b.running.get(id)).toMatchObject({ attempt: 1 })
  })
})

describe('a task with a start time', () => {
  test('is delayed until then, wherever it is looked at, and is not stolen before', () => {
    const pump = pumpOf([A, B])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    b.worker(1)
    const id = a.submit({ notBefore: pump.now + 1000 })
    pump.settle()
    wait(pump, 800)
    for (const node of [a, b]) expect(node.state(id)).toBe('delayed')
    expect(a.record(id).claim.epoch).toBe(0)
    wait(pump, 200)
    expect(b.running.has(id)).toBe(true)
  })

  test('waits for its dependencies, too', () => {
    const { pump, a } = alone()
    const first = a.submit()
    const second = a.submit({ dependsOn: [first], notBefore: pump.now + 500 })
    expect(a.state(second)).toBe('waiting')
    a.end(first)
    expect(a.state(second)).toBe('delayed')
    pump.pass(500)
    expect(a.running.has(second)).toBe(true)
  })
})

describe('a task with a deadline', () => {
  test.each([
    ['runs', {}],
    ['is delayed', { notBefore: 2_000_000 }],
    ['has no handler', { type: 'unknown' }]
  ])('fails then if it %s', (_, draft) => {
    const { pump, a } = alone()
    const id = a.submit({ ...draft, deadlineMs: 1000 })
    pump.pass(999)
    expect(['running', 'delayed', 'queued']).toContain(a.state(id))
    pump.pass(1)
    expect(a.record(id).outcome).toMatchObject({ status: 'failed', reason: 'DeadlineExceeded' })
    expect(a.running.size).toBe(0)
    expect(a.of('abort')).toHaveLength('type' in draft || 'notBefore' in draft ? 0 : 1)
  })

  test('fails also in the middle of its retries', () => {
    const { pump, a } = alone()
    const id = a.submit({ maxRetries: 5, deadlineMs: 500 })
    a.fail(id)
    pump.pass(500)
    expect(a.record(id).outcome).toMatchObject({ reason: 'DeadlineExceeded', epoch: 1 })
    expect(a.state(id)).toBe('failed')
  })
})

describe('a cancelled task', () => {
  function pair(): { pump: Pump; a: PumpNode; b: PumpNode } {
    const pump = pumpOf([A, B])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    a.worker(1)
    return { pump, a, b }
  }

  test.each([
    ['runs', {}],
    ['is queued', { type: 'unknown' }],
    ['is delayed', { notBefore: 9_000_000 }],
    ['waits', { dependsOn: [taskOf(C, 9).spec.id] }]
  ])('settles as cancelled by its holder if it %s, from whichever node', (_, draft) => {
    const { pump, a, b } = pair()
    const id = a.submit(draft)
    pump.settle()
    b.cancel(id)
    for (const node of [a, b]) {
      expect(node.state(id)).toBe('cancelled')
      expect(node.record(id).outcome).toMatchObject({ reason: 'CancelledByUser', by: A })
      expect(node.record(id).cancelRequest).toMatchObject({ by: B })
    }
    expect(a.running.size).toBe(0)
  })

  test('that waits for another attempt is not tried again', () => {
    const { pump, a, b } = pair()
    const id = a.submit({ maxRetries: 3 })
    a.fail(id)
    pump.settle()
    b.cancel(id)
    wait(pump, 2000)
    expect(a.running.size).toBe(0)
    expect(b.state(id)).toBe('cancelled')
  })

  test('whose holder is cut off is cancelled when it is back', () => {
    const { pump, a, b } = pair()
    const id = a.submit()
    pump.settle()
    pump.link(a, b, false)
    pump.settle()
    b.cancel(id)
    expect(b.state(id)).toBe('running')
    pump.link(a, b)
    wait(pump, 2000)
    for (const node of [a, b]) expect(node.state(id)).toBe('cancelled')
    expect(a.running.size).toBe(0)
  })

  test('whose holder dies is cancelled by whoever takes it, also after a restart', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit()
    pump.settle()
    pump.probing = false
    pump.link(a, b, false)
    b.cancel(id)
    pump.crash(a, b)
    pump.probing = true
    const again = pump.restart(b, bootOf('b', 9))
    announce(pump, again)
    again.worker(1)
    wait(pump, 4000)
    expect(again.state(id)).toBe('cancelled')
    expect(again.running.size).toBe(0)
  })

  test('that completes before its holder hears of it has completed', () => {
    const { pump, a, b } = pair()
    const id = a.submit()
    pump.settle()
    pump.lose = (from, _to, message) => from === 'b' && message.kind === 'batch'
    b.cancel(id)
    a.end(id)
    pump.settle()
    for (const node of [a, b]) expect(node.state(id)).toBe('completed')
  })

  test('that has settled stays as it is', () => {
    const { a } = alone()
    const id = a.submit()
    a.end(id)
    a.cancel(id)
    expect(a.record(id)).toMatchObject({ cancelRequest: null, outcome: { status: 'completed' } })
  })
})

describe('a task that depends on one that fails', () => {
  test.each([
    ['is cancelled', 'cancel', 'cancelled'],
    ['runs, if it says so', 'run', 'running']
  ] as const)('%s', (_, onDependencyFailure, state) => {
    const { a } = alone()
    const first = a.submit()
    const second = a.submit({ dependsOn: [first], onDependencyFailure })
    a.fail(first)
    expect(a.state(second)).toBe(state)
  })

  test('that was pruned runs as well, if it says so', () => {
    const { pump, a } = alone()
    const first = a.submit({ retentionMs: 0 })
    a.end(first)
    wait(pump, 1000)
    expect(a.core.view.record(first)).toBeUndefined()
    const second = a.submit({ dependsOn: [first], onDependencyFailure: 'run' })
    expect(a.state(second)).toBe('running')
    expect(() => a.submit({ dependsOn: [first] })).toThrow('undefined')
    expect(a.of('refused').at(-1)).toMatchObject({ dependency: first })
  })

  test('is not cancelled as long as the other one may still be tried again', () => {
    const { a } = alone()
    const first = a.submit({ maxRetries: 1 })
    const second = a.submit({ dependsOn: [first] })
    a.fail(first)
    expect(a.state(second)).toBe('waiting')
  })
})

describe('timers', () => {
  test('name a task once each time that one of its times has come', () => {
    const timers = new Timers()
    const entry = entryOf(taskOf(A, 1, { spec: { notBefore: 10, deadlineMs: 20, submittedAt: 0 } }))
    timers.update(entry, 0)
    timers.update(entry, 0)
    expect(timers.due(9)).toEqual([])
    expect(timers.due(10)).toEqual([entry])
    timers.update(entry, 10)
    expect(timers.due(19)).toEqual([])
    expect(timers.due(25)).toEqual([entry])
    timers.update(entry, 25)
    expect(timers.due(1e9)).toEqual([])
  })

  test('forget a task that has settled', () => {
    const timers = new Timers()
    const entry = entryOf(taskOf(A, 1, { spec: { notBefore: 10 } }))
    timers.update(entry, 0)
    entry.record = { ...entry.record, outcome: outcomeBy(A) }
    timers.update(entry, 5)
    expect(timers.due(10)).toEqual([])
  })
})
