/** Tasks under idempotency keys: whoever submits a key means the same task, also in the same instant. */
import { describe, expect, test } from 'vitest'
import { bootOf } from '../../support/tasks.ts'
import { announce } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import '../forbid.ts'
import { KeyTombstones } from '../../../src/core/gc/key-tombstones.ts'
import { CREATED_MAX } from '../../../src/core/task/record.ts'
import { decode, encode } from '../../../src/wire/codec.ts'

const KEY = { idempotencyKey: 'order 66' }

function clusterOf(count: number): { pump: Pump; nodes: readonly PumpNode[] } {
  const pump = pumpOf(['a', 'b', 'c', 'd', 'e', 'f'].slice(0, count).map(name => bootOf(name)))
  for (let i = 0; i < 6; i++) pump.pass(200)
  for (const node of pump.nodes) node.worker(1)
  return { pump, nodes: pump.nodes }
}

function runs(nodes: readonly PumpNode[]): number {
  return nodes.reduce((sum, node) => sum + node.of('start').length, 0)
}

describe('a key that is submitted', () => {
  test('twice at one node names one task, and the second answer says so', () => {
    const { pump, nodes } = clusterOf(2)
    const [a] = nodes as [PumpNode]
    const first = a.submit(KEY)
    pump.settle()
    expect(a.submit(KEY)).toBe(first)
    pump.settle()
    const answers = a.of('accepted').map(({ taskId, deduplicated }) => [taskId, deduplicated])
    expect(answers).toEqual([
      [first, 'no'],
      [first, 'same']
    ])
    expect([...a.core.view.records()]).toHaveLength(1)
  })

  test('at another node is on the disk of the first one, too', () => {
    const { pump, nodes } = clusterOf(3)
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.submit(KEY)
    pump.settle()
    pump.pass(200)
    b.submit(KEY)
    b.submit(KEY, 2)
    for (let i = 0; i < 12; i++) pump.pass(200)
    expect(b.of('accepted')[0]).toMatchObject({ acks: 1, short: false, deduplicated: 'same' })
    expect(b.of('accepted').slice(1)).toMatchObject([
      { acks: 2, short: false, deduplicated: 'same' }
    ])
  })

  test('on more nodes in one instant than a record remembers is one task, which a newcomer hears of, too', () => {
    const pump = pumpOf(Array.from({ length: CREATED_MAX + 4 }, (_, i) => bootOf(`n${i}`)))
    for (let i = 0; i < 6; i++) pump.pass(200)
    const unreadable = new Set<string>()
    pump.lose = (from, to, message) => {
      const decoded = decode(encode(message))
      if (!decoded.ok || decoded.unreadable !== undefined) unreadable.add(`${from} ${to}`)
      return false
    }
    const ids = new Set(pump.nodes.map(node => node.submit(KEY)))
    for (let i = 0; i < 12; i++) pump.pass(200)
    expect(ids.size).toBe(1)
    const [id] = ids as unknown as [string]
    const newcomer = pump.add(bootOf('z'))
    for (const other of pump.nodes.slice(0, -1)) pump.link(newcomer, other)
    for (let i = 0; i < 12; i++) pump.pass(200)
    expect(unreadable.size).toBe(0)
    for (const node of pump.nodes) expect(node.record(id)).toEqual(pump.nodes[0]!.record(id))
    newcomer.worker(1)
    for (let i = 0; i < 12; i++) pump.pass(200)
    expect(runs(pump.nodes)).toBe(1)
  })

  test('again after a restart of a node that is alone is answered at once', () => {
    const pump = pumpOf([bootOf('a')])
    const [before] = pump.nodes as [PumpNode]
    const first = before.submit(KEY)
    pump.settle()
    pump.crash(before)
    const after = pump.restart(before, bootOf('a', 2))
    after.submit(KEY)
    pump.settle()
    expect(after.of('accepted')).toMatchObject([{ taskId: first, acks: 0, deduplicated: 'same' }])
  })

  test('again before others have it waits for them like the first time', () => {
    const { pump, nodes } = clusterOf(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    b.holdDisk = true
    a.submit(KEY, 1)
    pump.settle()
    a.submit(KEY, 1)
    pump.settle()
    expect(a.of('accepted')).toEqual([])
    b.releaseDisk()
    pump.settle()
    pump.pass(200)
    expect(a.of('accepted').map(({ acks, short }) => [acks, short])).toEqual([
      [1, false],
      [1, false]
    ])
  })

  test('again while it is on its way to disk is answered when it is there, whatever else happens', () => {
    const pump = pumpOf([bootOf('a')])
    const a = pump.nodes[0]!
    for (let i = 0; i < 6; i++) pump.pass(200)
    a.holdDisk = true
    a.submit(KEY)
    a.submit(KEY)
    pump.settle()
    expect(a.of('accepted')).toEqual([])
    a.releaseDisk()
    pump.settle()
    expect(a.of('accepted').map(({ deduplicated }) => deduplicated)).toContain('same')
  })

  test('on six nodes in the same instant names one task, which runs once, and one of them was first', () => {
    const { pump, nodes } = clusterOf(6)
    const ids = new Set(nodes.map(node => node.submit(KEY)))
    pump.settle()
    pump.pass(200)
    expect(ids.size).toBe(1)
    const [id] = ids as unknown as [string]
    expect(runs(nodes)).toBe(1)
    const runner = nodes.find(node => node.running.has(id))!
    runner.end(id)
    pump.settle()
    pump.pass(200)
    expect(runs(nodes)).toBe(1)
    for (const node of nodes) expect(node.state(id)).toBe('completed')
    const answers = nodes.flatMap(node => node.of('accepted').map(a => a.deduplicated))
    expect(answers.toSorted()).toEqual(['no', 'same', 'same', 'same', 'same', 'same'])
  })

  describe('whose task has been forgotten for lack of room', () => {
    const RETAINED_MS = 60_000
    const few = { settledMax: 1, roomMs: 0, roomPressedMs: 0, retainCompletedMs: RETAINED_MS }

    /** The first of two tasks under keys, both completed: only the second is still there. */
    function forgotten(): { pump: Pump; nodes: readonly PumpNode[]; id: string } {
      const pump = pumpOf([bootOf('a'), bootOf('b')], few)
      for (let i = 0; i < 6; i++) pump.pass(200)
      const a = pump.nodes[0]!
      a.worker(1)
      const ids = ['order 66', 'order 67'].map(idempotencyKey => {
        const id = a.submit({ idempotencyKey })
        pump.settle()
        a.end(id)
        pump.settle()
        return id
      })
      for (let i = 0; i < 20; i++) pump.pass(200)
      for (const node of pump.nodes) expect(node.core.view.record(ids[0]!)).toBeUndefined()
      return { pump, nodes: pump.nodes, id: ids[0]! }
    }

    test('is not run again on any node, and the answer says why', () => {
      const { pump, nodes, id } = forgotten()
      for (const node of nodes) {
        expect(node.submit(KEY)).toBe(id)
        pump.settle()
        expect(node.of('accepted').at(-1)).toMatchObject({ taskId: id, deduplicated: 'forgotten' })
        expect(node.core.view.isForgotten(id)).toBe(true)
      }
      expect(runs(nodes)).toBe(2)
    })

    test('is not run again after a restart either', () => {
      const { pump, nodes, id } = forgotten()
      const [a] = nodes as [PumpNode]
      pump.crash(a)
      const again = pump.restart(a, bootOf('a', 2))
      again.submit(KEY)
      pump.settle()
      expect(again.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'forgotten' }])
    })

    describe('submitted at a node that came later', () => {
      function newcomer(): { pump: Pump; nodes: readonly PumpNode[]; id: string; late: PumpNode } {
        const { pump, nodes, id } = forgotten()
        const late = pump.add(bootOf('c'), few)
        for (const other of nodes.slice(0, 2)) pump.link(late, other)
        pump.settle()
        late.worker(1)
        return { pump, nodes, id, late }
      }

      test.each([0, 6])('is not run again, %i ticks after it has met the others', ticks => {
        const { pump, nodes, id, late } = newcomer()
        for (let i = 0; i < ticks; i++) pump.pass(200)
        late.submit(KEY)
        late.submit(KEY)
        for (let i = 0; i < 12; i++) pump.pass(200)
        const answer = { taskId: id, deduplicated: 'forgotten' }
        expect(late.of('accepted')).toMatchObject([answer, answer])
        expect(runs(nodes)).toBe(2)
      })

      test('names a new task if nobody has had one of that key', () => {
        const { pump, nodes, late } = newcomer()
        const id = late.submit({ idempotencyKey: 'order 68' })
        for (let i = 0; i < 12; i++) pump.pass(200)
        expect(late.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'no' }])
        expect(runs(nodes)).toBe(3)
      })

      test('names the task that somebody still has', () => {
        const { pump, nodes, late } = newcomer()
        const id = late.submit({ idempotencyKey: 'order 67' })
        for (let i = 0; i < 12; i++) pump.pass(200)
        expect(late.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'same' }])
        expect(runs(nodes)).toBe(2)
      })

      test('names the task that comes there before the others answer, though it is forgotten by then', () => {
        const { pump, nodes, late } = newcomer()
        const [a] = nodes as [PumpNode]
        pump.lose = (_from, to, { kind }) => to === late.id && kind === 'found'
        const id = late.submit({ idempotencyKey: 'order 68' })
        expect(a.submit({ idempotencyKey: 'order 68', retentionMs: 0 })).toBe(id)
        for (let i = 0; i < 3; i++) pump.pass(200)
        expect(late.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'same' }])
        for (const node of [...nodes, late]) if (node.running.has(id)) node.end(id)
        for (let i = 0; i < 30; i++) pump.pass(200)
        expect(late.core.view.record(id)).toBeUndefined()
        expect(late.of('accepted')).toHaveLength(1)
        expect(runs([...nodes, late])).toBe(3)
      })

      test('waits no longer for an answer than whoever looks for a task', () => {
        const { pump, id, late } = newcomer()
        pump.lose = (_from, to, { kind }) => to === late.id && kind === 'found'
        late.submit(KEY)
        for (let i = 0; i < 15; i++) pump.pass(200)
        expect(late.of('accepted')).toMatchObject([{ taskId: id, deduplicated: 'no' }])
      })
    })

    test('names a new task when the time is over for which the old one was to be kept', () => {
      const { pump, nodes, id } = forgotten()
      const [a] = nodes as [PumpNode]
      pump.pass(RETAINED_MS)
      expect(a.core.view.isForgotten(id)).toBe(false)
      expect(a.disk.spent.size).toBe(0)
      expect(a.submit(KEY)).toBe(id)
      for (let i = 0; i < 6; i++) pump.pass(200)
      expect(a.running.has(id)).toBe(true)
    })
  })

  describe('once more, while its task is forgotten here and there,', () => {
    const RETAINED_MS = 2000
    const short = { retainCompletedMs: RETAINED_MS }

    function clusterWith(count: number): { pump: Pump; nodes: readonly PumpNode[] } {
      const boots = ['a', 'b', 'c', 'd'].slice(0, count).map(name => bootOf(name))
      const pump = pumpOf(boots, short)
      for (const node of pump.nodes) announce(pump, node)
      for (let i = 0; i < 6; i++) pump.pass(200)
      return { pump, nodes: pump.nodes }
    }

    function later(pump: Pump, ms: number): void {
      for (let passed = 0; passed < ms; passed += 200) pump.pass(200)
    }

    test('on a node that dies before anybody hears of it: nothing runs again when it is back', () => {
      const { pump, nodes } = clusterWith(3)
      const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
      a.worker(1)
      pump.lose = from => from === c.id
      const id = c.submit(KEY)
      pump.settle()
      expect(c.disk.tasks.has(id)).toBe(true)
      pump.crash(c)
      pump.lose = () => false
      a.submit(KEY)
      later(pump, 1000)
      a.end(id)
      later(pump, 3 * RETAINED_MS)
      const again = pump.restart(c, bootOf('c', 2))
      for (const node of [b, again]) node.worker(1)
      later(pump, 3 * RETAINED_MS)
      expect(runs(pump.nodes)).toBe(1)
      for (const node of pump.alive()) expect(node.core.view.record(id)).toBeUndefined()
    })

    test('by one that has forgotten it: others who have not tell it before it may start', () => {
      const { pump, nodes } = clusterWith(3)
      const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
      a.worker(1)
      // It forgets it later than the others.
      c.skewMs = -4000
      const id = a.submit(KEY)
      later(pump, 1000)
      a.end(id)
      later(pump, RETAINED_MS + 2000)
      expect(nodes.map(node => node.state(id))).toEqual(['unknown', 'unknown', 'completed'])
      for (const node of [b, c]) node.worker(1)
      b.submit(KEY)
      pump.settle()
      later(pump, 400)
      expect(nodes.map(node => node.state(id))).toEqual(['completed', 'completed', 'completed'])
      expect(b.of('accepted').at(-1)).toMatchObject({ taskId: id, deduplicated: 'same' })
      later(pump, 10_000)
      expect(runs(nodes)).toBe(1)
      for (const node of nodes) expect(node.core.view.record(id)).toBeUndefined()
      b.submit(KEY)
      later(pump, 1000)
      expect(runs(nodes)).toBe(2)
    })
  })

  test('on a node that has just started waits until it may have met others', () => {
    const pump = pumpOf([bootOf('a')])
    const a = pump.nodes[0]!
    a.worker(1)
    const id = a.submit(KEY)
    pump.settle()
    expect(a.waitsFor(id)).toContain('claim on confirmation')
    for (let i = 0; i < 5; i++) pump.pass(200)
    expect(a.running.has(id)).toBe(true)
  })

  test('on a node that leaves is not handed on before all others have heard of it', () => {
    const { pump, nodes } = clusterOf(3)
    const [a, , c] = nodes as [PumpNode, PumpNode, PumpNode]
    c.holdDisk = true
    const id = a.submit(KEY)
    pump.settle()
    a.feed({ kind: 'leave', abort: false })
    pump.settle()
    expect(runs(nodes)).toBe(0)
    c.releaseDisk()
    for (let i = 0; i < 20; i++) pump.pass(200)
    expect(runs(nodes)).toBe(1)
    expect(nodes.some(node => node.running.has(id))).toBe(true)
  })

  test('is not started before all others have heard of it', () => {
    const { pump, nodes } = clusterOf(3)
    const [a, , c] = nodes as [PumpNode, PumpNode, PumpNode]
    c.holdDisk = true
    const id = a.submit(KEY)
    pump.settle()
    expect(a.waitsFor(id)).toContain('claim on confirmation')
    expect(runs(nodes)).toBe(0)
    c.releaseDisk()
    pump.settle()
    pump.pass(200)
    expect(runs(nodes)).toBe(1)
  })

  test('with another payload keeps the first one, and says so', () => {
    const { pump, nodes } = clusterOf(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    const id = a.submit({ ...KEY, payload: '1' })
    pump.settle()
    b.submit({ ...KEY, payload: '2' })
    pump.settle()
    expect(b.of('accepted').map(({ deduplicated }) => deduplicated)).toEqual(['different'])
    expect(b.record(id).spec.payload).toBe('1')
  })

  const keys = ['1', '2', '3', '4', '5', '6'].map(idempotencyKey => ({ idempotencyKey }))

  test.each(keys)(
    'with other dependencies in the same instant waits for those that stand: %j',
    key => {
      const { pump, nodes } = clusterOf(2)
      const [a, b] = nodes as [PumpNode, PumpNode]
      const first = a.submit({ type: 'unknown' })
      const second = b.submit({ type: 'unknown' })
      pump.settle()
      const id = a.submit({ ...key, dependsOn: [first] })
      pump.now++
      b.submit({ ...key, dependsOn: [second] })
      pump.settle()
      pump.pass(200)
      for (const node of nodes) {
        expect(node.record(id).spec.dependsOn).toEqual([first])
        expect(node.core.view.openDependencies(node.record(id))).toEqual([first])
      }
      b.cancel(second)
      pump.pass(200)
      for (const node of nodes) expect(node.state(id)).toBe('waiting')
      a.cancel(first)
      pump.pass(200)
      for (const node of nodes) expect(node.state(id)).toBe('cancelled')
    }
  )

  test('and forgotten before a task that depends on it is heard of keeps no thief from taking that one', () => {
    const { pump, nodes } = clusterOf(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.worker(0)
    const needed = a.submit({ ...KEY, retentionMs: 0 })
    for (let i = 0; i < 12; i++) pump.pass(200)
    b.end(needed)
    pump.settle()
    // Only b looks what is past its time.
    for (let i = 0; i < 12; i++) {
      pump.now += 200
      b.feed({ kind: 'tick' })
      pump.settle()
    }
    expect([a, b].map(node => node.state(needed))).toEqual(['completed', 'unknown'])
    const taskId = a.submit({ dependsOn: [needed] })
    for (let i = 0; i < 12; i++) pump.pass(200)
    expect(b.of('start').map(({ run }) => run.taskId)).toEqual([needed, taskId])
  })

  test('again after its task has been pruned names a new task', () => {
    const { pump, nodes } = clusterOf(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    const submitted = { ...KEY, retentionMs: 0 }
    const id = a.submit(submitted)
    pump.settle()
    pump.pass(200)
    const runner = nodes.find(node => node.running.has(id))!
    runner.end(id)
    for (let i = 0; i < 20; i++) pump.pass(500)
    for (const node of nodes) expect(node.core.view.record(id)).toBeUndefined()
    b.submit(submitted)
    pump.settle()
    pump.pass(200)
    expect(b.of('accepted').at(-1)).toMatchObject({ taskId: id, deduplicated: 'no' })
    expect(runs(nodes)).toBe(2)
  })
})

test('a key tombstone whose time is over goes from memory as well as from the disk', () => {
  const tombstones = new KeyTombstones()
  tombstones.note('x', 10)
  tombstones.note('y', 30)
  tombstones.tidy(20)
  expect(() => tombstones.assertInvariants()).not.toThrow()
  expect([...tombstones.takeChanged()]).toEqual([
    ['x', 0],
    ['y', 30]
  ])
})
