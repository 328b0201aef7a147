/** Whether a task may be started, what keeps it from that, and the state that people see. */
import { describe, expect, test } from 'vitest'
import { rendezvousWeight } from '../../../src/core/base/rendezvous.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, idOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import { stateOf, type Readiness } from '../../../src/core/queue/readiness.ts'

const A = bootOf('a')

function pair(): { pump: Pump; a: PumpNode; b: PumpNode } {
  const pump = pumpOf([A, bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  pump.pass(1000)
  return { pump, a, b }
}

const readiness = (node: PumpNode, id: string): Readiness =>
  node.core.view.readiness(node.record(id))

describe('a task', () => {
  test('is ready where it waits for nothing but a slot, also if its holder can never run it', () => {
    const { pump, a, b } = pair()
    const id = a.submit()
    pump.settle()
    expect([a, b].map(node => readiness(node, id))).toEqual(['Ready', 'Ready'])
    expect(a.state(id)).toBe('queued')
    a.worker(1)
    pump.pass(1000)
    expect([a, b].map(node => readiness(node, id))).toEqual(['Running', 'Running'])
    a.end(id)
    pump.pass(1000)
    expect([a, b].map(node => readiness(node, id))).toEqual(['Settled', 'Settled'])
  })

  test('names what lasts longest first', () => {
    const { pump, a } = pair()
    a.worker(1)
    const first = a.submit({ type: 'other' })
    const id = a.submit({ dependsOn: [first], notBefore: pump.now + 5000 })
    expect([readiness(a, id), a.state(id)]).toEqual(['DependencyOpen', 'waiting'])
    a.worker(1, ['other'])
    a.end(first)
    expect([readiness(a, id), a.state(id)]).toEqual(['NotBefore', 'delayed'])
    pump.pass(5000)
    expect([readiness(a, id), a.state(id)]).toEqual(['Ready', 'queued'])
  })

  test('may be ready at its holder, where one of its dependencies has not been heard of here', () => {
    const { pump, a, b } = pair()
    const id = a.submit({ dependsOn: [idOf(bootOf('z'), 1)] })
    pump.settle()
    for (let i = 0; i < 3; i++) pump.pass(1000)
    expect([a, b].map(node => readiness(node, id))).toEqual(['DependencyOpen', 'DependencyOpen'])
    expect([a, b].map(node => node.core.view.isReady(id))).toEqual([false, true])
  })

  test('that was started, and has not been called, waits for a slot once others know of it', () => {
    const { pump, a, b } = pair()
    a.worker(1)
    b.holdDisk = true
    const once = a.submit({ delivery: 'at-most-once' })
    pump.settle()
    expect([readiness(a, once), a.state(once)]).toEqual(['StartUnconfirmed', 'queued'])
    expect(b.record(once)).toBeDefined()
    pump.pass(1000)
    const other = a.submit({ priority: 10 })
    expect(readiness(a, other)).toBe('Running')
    b.releaseDisk()
    pump.pass(1000)
    expect([readiness(a, once), a.state(once)]).toEqual(['SlotsBusy', 'queued'])
    a.end(other)
    pump.settle()
    expect(readiness(a, once)).toBe('Running')
  })
})

test('the state of a task that has settled is its outcome', () => {
  for (const status of ['completed', 'failed', 'cancelled'] as const) {
    expect(stateOf(taskOf(A, 1, { outcome: outcomeBy(A, { status }) }), 'Settled')).toBe(status)
  }
})

test('a task is queued again when it was claimed anew after a start or a failure', () => {
  const { pump, a } = pair()
  a.worker(1)
  const backoff = { delayMs: 5000, factor: 2, maxDelayMs: 5000, jitter: 0 }
  const id = a.submit({ maxRetries: 1, backoff })
  pump.settle()
  a.fail(id)
  expect([readiness(a, id), a.state(id)]).toEqual(['Backoff', 'delayed'])
  a.worker(0)
  pump.pass(5000)
  expect([readiness(a, id), a.state(id)]).toEqual(['Ready', 'queued'])
})

test('a task under a key is ready where another node holds it, whatever this one still waits for who was given the key too', () => {
  const pump = pumpOf(['a', 'b', 'c'].map(id => bootOf(id)))
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  pump.pass(1000)
  const id = a.submit({ idempotencyKey: 'once' })
  b.submit({ idempotencyKey: 'once' })
  const isFirst = rendezvousWeight(id, a.id) > rendezvousWeight(id, b.id)
  const [holder, other] = isFirst ? [a, b] : [b, a]
  // What the third one has to confirm does not come to the one that does not hold the task.
  pump.lose = (from, to) => from === c.id && to === other.id
  pump.pass(1000)
  expect(other.record(id).claim.holder).toBe(holder.boot)
  expect([holder, other].map(node => readiness(node, id))).toEqual(['Ready', 'Ready'])
})
