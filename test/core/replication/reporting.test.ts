/** When an outcome may be told, and when it may be forgotten. */
import { describe, expect, test } from 'vitest'
import { isSettled, type TaskRecord } from '../../../src/core/task/record.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, outcomeBy } from '../../support/tasks.ts'
import '../forbid.ts'

/** A boot of which only hearsay comes here. */
const OTHER = bootOf('c')

/** A node hears of a write of that boot. */
function hear(pump: Pump, node: PumpNode, after: number, record: TaskRecord): void {
  const batch = { kind: 'batch', origin: OTHER, after, records: [record], writes: [0] } as const
  node.feed({ kind: 'message', from: 'b', message: batch })
  pump.settle()
}

test('an outcome counts as told only when it is on two disks, and is not forgotten before', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const taskId = a.submit({ retentionMs: 0 })
  pump.settle()
  b.holdDisk = true
  a.end(taskId)
  for (let i = 0; i < 5; i++) pump.pass(200)
  expect(a.state(taskId)).toBe('completed')
  expect(a.core.view.isReported(taskId)).toBe(false)
  expect(a.of('settled')).toEqual([])
  b.releaseDisk()
  pump.settle()
  expect(a.core.view.isReported(taskId)).toBe(true)
  expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
  expect(a.core.view.record(taskId)).toBeDefined()
  for (let i = 0; i < 15; i++) pump.pass(200)
  expect(a.core.view.record(taskId)).toBeUndefined()
})

test('what has been forgotten while its outcome waited for a second disk is not told', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const taskId = a.submit()
  pump.settle()
  b.holdDisk = true
  a.fail(taskId)
  pump.settle()
  expect(a.state(taskId)).toBe('failed')
  // Others have seen it settle in another way while this node was away, and have forgotten it.
  a.feed({ kind: 'message', from: b.id, message: { kind: 'pruned', ids: [taskId] } })
  expect(a.core.view.record(taskId)).toBeUndefined()
  b.releaseDisk()
  for (let i = 0; i < 30; i++) pump.pass(200)
  expect(a.of('settled')).toEqual([])
})

test('what has been forgotten before its outcome was on disk is not waited for', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  b.worker(1)
  const taskId = b.submit()
  pump.settle()
  a.holdDisk = true
  a.submit()
  b.fail(taskId)
  for (let i = 0; i < 5; i++) pump.pass(200)
  expect(a.state(taskId)).toBe('failed')
  a.feed({ kind: 'message', from: b.id, message: { kind: 'pruned', ids: [taskId] } })
  expect(a.core.view.record(taskId)).toBeUndefined()
  a.core.assertInvariants()
})

test('a failure that somebody has undone while it waited for a second disk is not told, and how it ended then is', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const other = OTHER
  const taskId = a.submit({ maxRetries: 0 })
  pump.settle()
  b.holdDisk = true
  a.fail(taskId)
  pump.settle()
  const wrote = (after: number, record: TaskRecord): void => hear(pump, a, after, record)
  const claimed = { ...a.record(taskId).claim, epoch: 1, holder: other, cause: 'reclaim' } as const
  const undone = { ...a.record(taskId), claim: claimed, outcome: null }
  wrote(0, undone)
  expect(isSettled(a.record(taskId))).toBe(false)
  b.releaseDisk()
  pump.settle()
  expect(a.core.view.isReported(taskId)).toBe(false)
  expect(a.of('settled')).toEqual([])
  const outcome = outcomeBy(other, { epoch: 1 })
  wrote(1, { ...undone, outcome })
  for (let i = 0; i < 5; i++) pump.pass(200)
  expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
})

describe('a failure that is overtaken, by how somebody else ended the task, is not told for that', () => {
  function failing(): { pump: Pump; a: PumpNode; b: PumpNode; taskId: string } {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    a.worker(1)
    const taskId = a.submit()
    pump.settle()
    b.holdDisk = true
    return { pump, a, b, taskId }
  }

  function wait(pump: Pump): void {
    for (let i = 0; i < 5; i++) pump.pass(200)
  }

  function complete(pump: Pump, node: PumpNode, taskId: string): void {
    hear(pump, node, 0, { ...node.record(taskId), outcome: outcomeBy(OTHER) })
    expect(node.state(taskId)).toBe('completed')
  }

  test('while it waits for a second disk: that is told once it is on this one', () => {
    const { pump, a, b, taskId } = failing()
    a.fail(taskId)
    pump.settle()
    a.holdDisk = true
    complete(pump, a, taskId)
    b.releaseDisk()
    wait(pump)
    expect(a.of('settled')).toEqual([])
    a.releaseDisk()
    wait(pump)
    expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
  })

  test('while it waits for a second disk, when that is on this one already: it is told with the second', () => {
    const { pump, a, b, taskId } = failing()
    a.fail(taskId)
    pump.settle()
    complete(pump, a, taskId)
    expect(a.of('settled')).toEqual([])
    b.releaseDisk()
    wait(pump)
    expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
  })

  test('while it is on its way to disk: that comes there with the next flush', () => {
    const { pump, a, taskId } = failing()
    a.holdDisk = true
    a.fail(taskId)
    pump.settle()
    complete(pump, a, taskId)
    a.releaseFlush()
    wait(pump)
    expect(a.of('settled')).toEqual([])
    a.releaseFlush()
    wait(pump)
    expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
  })
})

test('an outcome that all others have is not forgotten before it was told, though it waits behind another', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(2)
  const [first, second] = [a.submit({ retentionMs: 0 }), a.submit({ retentionMs: 0 })]
  for (let i = 0; i < 5; i++) pump.pass(200)
  a.holdDisk = b.holdDisk = true
  a.submit()
  // What goes to disk next begins with the first task, whose last write is the last of all.
  const { epoch } = a.running.get(first)!
  a.cancel(first)
  a.end(second)
  const upTo = a.core.view.mergedVector().get(a.boot)!
  a.feed({ kind: 'tail', taskId: first, epoch, tail: 'the last line' })
  expect(a.core.view.mergedVector().get(a.boot)).toBe(upTo + 1)
  a.releaseFlush()
  a.releaseDisk()
  pump.settle()
  const vector = new Map([[a.boot, upTo]])
  a.feed({ kind: 'message', from: b.id, message: { kind: 'ack', boot: b.boot, vector } })
  for (let i = 0; i < 10; i++) pump.pass(200)
  expect(a.of('settled')).toEqual([])
  expect(a.state(second)).toBe('completed')
  b.releaseDisk()
  for (let i = 0; i < 20; i++) pump.pass(200)
  expect(a.of('settled').map(({ taskId }) => taskId)).toEqual([first, second])
  expect(a.state(second)).toBe('unknown')
})

test('an outcome that comes once more after it was reported is not kept in mind for another report', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const taskId = a.submit()
  pump.settle()
  a.end(taskId)
  for (let i = 0; i < 5; i++) pump.pass(200)
  expect(b.core.view.isReported(taskId)).toBe(true)
  const dependencies = [b.record(taskId)]
  const message = { kind: 'grant', request: 0, boot: a.boot, records: [], dependencies } as const
  b.feed({ kind: 'message', from: a.id, message })
  expect(() => b.core.assertInvariants()).not.toThrow()
})

test('how a task has ended is not told before a computer has it that came while its large result was waited for', () => {
  const pump = pumpOf([])
  const a = pump.add(bootOf('a'), {}, undefined, 'c0/a')
  a.worker(1)
  for (let i = 0; i < 6; i++) pump.pass(200)
  const taskId = a.submit()
  pump.settle()
  a.holdDisk = true
  a.endWith(taskId, { hash: 'ab'.repeat(32), bytes: 20_000 })
  const b = pump.add(bootOf('b'), {}, undefined, 'c0/b')
  pump.link(a, b)
  pump.lose = (_from, to, { kind }) => to === b.id && kind === 'offer'
  pump.settle()
  a.releaseDisk()
  for (let i = 0; i < 3; i++) pump.pass(200)
  expect(a.waitsFor(taskId)).toEqual(['report on blob copies'])
  const c = pump.add(bootOf('c'), {}, undefined, 'c1/c')
  c.holdDisk = true
  for (const other of [a, b]) pump.link(other, c)
  for (let i = 0; i < 12; i++) pump.pass(200)
  expect(c.disk.blobs.size).toBe(1)
  expect(a.waitsFor(taskId)).toEqual(['report on copies'])
  expect(a.of('settled')).toEqual([])
  c.releaseDisk()
  for (let i = 0; i < 6; i++) pump.pass(200)
  expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
})
