/** What a caller is told of a task that it submits, and when. */
import { expect, test } from 'vitest'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

function alone(): { settle: () => void; node: PumpNode } {
  const pump = pumpOf([bootOf('a')])
  const [node] = pump.nodes as [PumpNode]
  return { settle: () => pump.settle(), node }
}

test('the id is told before the task is on disk: a chain of a hundred takes two flushes', () => {
  const { settle, node } = alone()
  const before = node.of('persist').length
  node.holdDisk = true
  for (let link = 0; link < 100; link++) {
    const named = node.of('created').map(({ taskId }) => taskId)
    expect(named).toHaveLength(link)
    node.submit({ dependsOn: named.slice(-1) })
    settle()
  }
  expect(node.of('accepted')).toEqual([])
  node.releaseDisk()
  settle()
  expect(node.of('accepted')).toHaveLength(100)
  expect(node.of('persist').length - before).toBe(2)
})

test('the id of a key is told also if its task is there already', () => {
  const { settle, node } = alone()
  const first = node.submit({ idempotencyKey: 'k' })
  settle()
  const second = node.submit({ idempotencyKey: 'k' })
  settle()
  expect(second).toBe(first)
  expect(node.of('created').map(({ request, taskId }) => [request, taskId])).toEqual([
    [1, first],
    [2, first]
  ])
})

/** At `b` a task is submitted under a key, and waits: nobody takes its payload. */
function waiting(): { pump: Pump; a: PumpNode; b: PumpNode; id: string; isKept: () => void } {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  for (let i = 0; i < 6; i++) pump.pass(200)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  let isLost = true
  pump.lose = (_from, to, { kind }) => isLost && to === a.id && kind === 'offer'
  const payload = { hash: 'ab'.repeat(32), bytes: 10_000 }
  b.disk.blobs.set(payload.hash, payload)
  const id = b.submit({ idempotencyKey: 'k', payload })
  pump.pass(200)
  expect(b.core.view.record(id)).toBeUndefined()
  return { pump, a, b, id, isKept: () => void (isLost = false) }
}

test('what waits for a copy of its payload takes the task of its key when that comes, though it is forgotten by then', () => {
  const { pump, a, b, id } = waiting()
  expect(a.submit({ idempotencyKey: 'k', retentionMs: 0 })).toBe(id)
  for (let i = 0; i < 3; i++) pump.pass(200)
  expect(b.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'different' }])
  a.end(id)
  for (let i = 0; i < 50; i++) pump.pass(200)
  expect(b.core.view.record(id)).toBeUndefined()
  expect(b.of('accepted')).toHaveLength(1)
  expect(a.of('start')).toHaveLength(1)
})

test('what waits for a copy of its payload creates the task of its key once the copy is there', () => {
  const { pump, a, b, id, isKept } = waiting()
  isKept()
  for (let i = 0; i < 50; i++) pump.pass(200)
  expect(b.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'no' }])
  expect(a.of('start')).toHaveLength(1)
})
