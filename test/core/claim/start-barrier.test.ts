/**
 * Starts that another node has to know of first: what waits, what does not wait behind it, and what becomes of them.
 */
import { describe, expect, test } from 'vitest'
import { cluster, passing, starts } from '../../support/crashes.ts'
import type { Pump, PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'

const once = { delivery: 'at-most-once' } as const
const { startSlotMs, acksTimeoutMs } = CORE_DEFAULTS

/** Two nodes. The first has one slot and starts a task that may run at most once; the other's disk does not answer. */
function begun(): { pump: Pump; a: PumpNode; b: PumpNode; id: TaskId } {
  const pump = cluster(2)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  a.worker(1)
  b.holdDisk = true
  const id = a.submit(once)
  pump.settle()
  expect(a.record(id).started).toMatchObject({ epoch: 0, by: a.boot })
  expect(starts(a, id)).toEqual([])
  return { pump, a, b, id }
}

/** A start as above, and then no node is left that could know of it. */
function forsaken(): ReturnType<typeof begun> {
  const given = begun()
  given.pump.crash(given.b)
  passing(given.pump, 2000)
  return given
}

describe('a start that nobody has confirmed', () => {
  test('keeps its slot for a second, and what is behind it runs then', () => {
    const { pump, a, id } = begun()
    const plain = a.submit()
    passing(pump, startSlotMs - 200)
    expect(starts(a, plain)).toEqual([])
    passing(pump, 400)
    expect(starts(a, plain)).toEqual([0])
    expect(starts(a, id)).toEqual([])
    expect(a.core.view.self().running).toBe(1)
  })

  test('is called once it is known elsewhere and a slot is free, and once only', () => {
    const { pump, a, b, id } = begun()
    const plain = a.submit()
    passing(pump, 2 * startSlotMs)
    b.releaseDisk()
    passing(pump, 1000)
    expect(a.waitsFor(id)).toEqual(['start on slot'])
    expect(starts(a, id)).toEqual([])
    a.end(plain)
    passing(pump, 1000)
    expect(starts(a, id)).toEqual([0])
    a.end(id)
    passing(pump, 2 * acksTimeoutMs)
    expect(starts(a, id)).toEqual([0])
    expect(b.state(id)).toBe('completed')
  })

  test('comes before what is as urgent when a slot is free, and after what is more urgent', () => {
    const { pump, a, b, id } = begun()
    const plain = a.submit()
    passing(pump, 2 * startSlotMs)
    const [same, urgent] = [a.submit(), a.submit({ priority: 9 })]
    b.releaseDisk()
    passing(pump, 1000)
    for (const next of [plain, urgent, id, same]) {
      expect([...a.running.keys()]).toEqual([next])
      a.end(next)
      passing(pump, 400)
    }
  })

  test('gives up its slot where there are fewer now than tasks that have one, and is called when one is free', () => {
    const { pump, a, b, id } = begun()
    a.worker(2)
    const plain = a.submit()
    pump.settle()
    expect(starts(a, plain)).toEqual([0])
    a.worker(1)
    b.releaseDisk()
    pump.settle()
    expect(a.waitsFor(id)).toEqual(['start on slot'])
    expect([...a.running.keys()]).toEqual([plain])
    a.end(plain)
    passing(pump, 400)
    expect([...a.running.keys()]).toEqual([id])
  })

  test('is not given away, nor handed on, nor taken by others as long as its holder lives', () => {
    const { pump, a, b, id } = begun()
    const c = pump.add(bootOf('c'))
    c.holdDisk = true
    for (const other of [a, b]) pump.link(c, other)
    c.worker(4)
    b.feed({ kind: 'worker', slots: 4, handlers: ['work'] })
    passing(pump, acksTimeoutMs)
    a.feed({ kind: 'drain', node: a.id })
    passing(pump, acksTimeoutMs)
    expect(a.record(id).claim).toMatchObject({ epoch: 0, holder: a.boot })
    pump.probing = false
    for (const other of [b, c]) pump.link(a, other, false)
    passing(pump, 10 * CORE_DEFAULTS.unreachableMs)
    for (const node of [b, c]) node.releaseDisk()
    for (const other of [b, c]) pump.link(a, other)
    passing(pump, 3000)
    expect(pump.nodes.map(node => starts(node, id))).toEqual([[0], [], []])
  })

  test('is asked for again when somebody is linked', () => {
    const { pump, a, id } = forsaken()
    const c = pump.add(bootOf('c'))
    pump.link(a, c)
    passing(pump, 1000)
    expect(starts(a, id)).toEqual([0])
  })

  test('is asked for again and again, whatever is lost on the way', () => {
    const { pump, a, b, id } = begun()
    pump.lose = (_, __, { kind }) => kind === 'batch' || kind === 'ack'
    b.releaseDisk()
    passing(pump, 2 * acksTimeoutMs)
    pump.lose = () => false
    passing(pump, acksTimeoutMs + 1000)
    expect(starts(a, id)).toEqual([0])
  })

  test('is called when those it waits for have been forgotten', () => {
    const { pump, a, b, id } = forsaken()
    passing(pump, 2 * acksTimeoutMs)
    expect(starts(a, id)).toEqual([])
    a.feed({ kind: 'forget', name: 'test/b', node: b.id })
    passing(pump, 200)
    expect(starts(a, id)).toEqual([0])
  })

  test('is cancelled, or too late, without having been called', () => {
    const { pump, a } = forsaken()
    const late = a.submit({ ...once, deadlineMs: 3000 })
    const cancelled = a.submit(once)
    const { a: other, pump: others, id } = begun()
    other.cancel(id)
    a.cancel(cancelled)
    passing(others, 2000)
    passing(pump, 4000)
    expect(other.state(id)).toBe('cancelled')
    expect(a.state(cancelled)).toBe('cancelled')
    expect(a.record(late).outcome).toMatchObject({ reason: 'DeadlineExceeded' })
    expect([a.of('start'), a.of('abort'), other.of('start'), other.of('abort')].flat()).toEqual([])
  })

  test('is not called after its deadline, although it is confirmed then', () => {
    const { pump, a, b } = begun()
    const id = a.submit({ ...once, deadlineMs: 3000 })
    passing(pump, 4000)
    b.releaseDisk()
    passing(pump, 2000)
    expect(a.record(id).outcome).toMatchObject({ reason: 'DeadlineExceeded' })
    expect(starts(a, id)).toEqual([])
  })

  test('keeps its node from leaving: it runs as soon as somebody knows of it', () => {
    const { pump, a, b, id } = begun()
    a.feed({ kind: 'leave', abort: false })
    passing(pump, 2 * acksTimeoutMs)
    expect(a.of('left')).toEqual([])
    b.releaseDisk()
    passing(pump, 1000)
    expect(starts(a, id)).toEqual([0])
    a.end(id)
    passing(pump, 2000)
    expect(a.of('left')).toHaveLength(1)
    expect(b.state(id)).toBe('completed')
  })

  test('counts as a lost run where its node leaves before, and is called nowhere', () => {
    const { pump, a, b, id } = begun()
    a.feed({ kind: 'leave', abort: true })
    b.worker(1)
    passing(pump, 1000)
    b.releaseDisk()
    passing(pump, 3000)
    expect(a.of('left')).toHaveLength(1)
    expect(b.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
    expect([a, b].flatMap(node => starts(node, id))).toEqual([])
  })

  test('of a node that dies counts as a lost run where it has been heard of', () => {
    const { pump, a, b, id } = begun()
    b.worker(1)
    expect(b.record(id).started).toMatchObject({ by: a.boot })
    pump.crash(a)
    b.releaseDisk()
    passing(pump, 3000)
    expect(b.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
    expect(starts(b, id)).toEqual([])
  })

  test('of a node that dies is followed by another one where nobody has heard of it', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const id = a.submit(once)
    pump.settle()
    pump.lose = from => from === a.id
    a.worker(1)
    expect(a.record(id).started).toMatchObject({ by: a.boot })
    b.worker(1)
    pump.crash(a)
    passing(pump, 3000)
    expect([a, b, c].map(node => starts(node, id))).toEqual([[], [1], []])
  })

  test('of a node that starts again is lost: nobody can tell whether it was called', () => {
    const { pump, a, id } = forsaken()
    pump.crash(a)
    const again = pump.restart(a, bootOf('a', 2))
    again.worker(1)
    passing(pump, 3000)
    again.feed({ kind: 'forget', name: 'test/b', node: 'b' })
    passing(pump, 3000)
    expect(again.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
    expect(starts(again, id)).toEqual([])
  })

  test('goes on waiting where its node is told not to work alone', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const alone = pump.restart(a, bootOf('a', 2), { stopAfterIsolatedMs: 5000 })
    a.gone = true
    passing(pump, 3000)
    alone.worker(1)
    for (const node of [b, c]) node.holdDisk = true
    const id = alone.submit(once)
    pump.settle()
    pump.probing = false
    for (const other of [b, c]) pump.link(alone, other, false)
    passing(pump, 12_000)
    expect(alone.core.view.pausedBy).toBe('alone')
    for (const node of [b, c]) node.releaseDisk()
    for (const other of [b, c]) pump.link(alone, other)
    passing(pump, 5000)
    expect(starts(alone, id)).toEqual([0])
  })
})

describe('what may run at most once', () => {
  test('is not begun while nobody is there to know of it, and takes no slot', () => {
    const { pump, a, b } = forsaken()
    const later = a.submit(once)
    const plain = a.submit()
    pump.settle()
    expect(starts(a, plain)).toEqual([0])
    expect(a.record(later).started).toBe(null)
    expect(a.waitsFor(later)).toContain('start on member')
    const again = pump.restart(b, bootOf('b', 2))
    again.worker(1)
    passing(pump, 3000)
    expect([a, again].flatMap(node => starts(node, later))).toHaveLength(1)
  })

  test('and was not begun is run by others when its node dies', () => {
    const { pump, a, b } = forsaken()
    const later = a.submit(once)
    passing(pump, 1000)
    pump.crash(a)
    const [c, again] = [pump.restart(b, bootOf('b', 2)), pump.restart(a, bootOf('a', 2))]
    c.worker(1)
    passing(pump, 5000)
    expect([c, again].flatMap(node => starts(node, later))).toHaveLength(1)
  })

  test('and was not begun is handed on by a node that drains', () => {
    const { pump, a, b } = forsaken()
    const later = a.submit(once)
    a.feed({ kind: 'drain', node: a.id })
    const again = pump.restart(b, bootOf('b', 2))
    again.worker(1)
    passing(pump, 3000)
    expect(starts(again, later)).toHaveLength(1)
  })
})
