/** A goodbye has to be heard by somebody who stays, or the node that said it counts as crashed for ever. */
import { describe, expect, test } from 'vitest'
import { announce, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

type Three = [PumpNode, PumpNode, PumpNode]

/** So many nodes that know each other. */
function cluster(count: number): { pump: Pump; nodes: Three } {
  const pump = pumpOf(['a', 'b', 'c'].slice(0, count).map(node => bootOf(node)))
  for (const node of pump.nodes) announce(pump, node)
  passing(pump, 2000)
  return { pump, nodes: pump.nodes as Three }
}

function leave(pump: Pump, node: PumpNode, abort = false): void {
  node.feed({ kind: 'leave', abort })
  passing(pump, 3000)
  if (hasLeft(node)) pump.crash(node)
  pump.settle()
}

function hasLeft(node: PumpNode): boolean {
  return node.of('left').length > 0
}

/** What a node thinks of another. */
function statusOf(pump: Pump, node: PumpNode, of: PumpNode): string | undefined {
  return node.core.view
    .members(pump.now)
    .find(({ heartbeat }) => heartbeat.boot.startsWith(`${of.id}/`))?.status
}

describe('a node that leaves', () => {
  test('with nobody who would miss it goes at once', () => {
    const { pump, nodes } = cluster(2)
    const [a, b] = nodes
    leave(pump, a)
    expect(hasLeft(a)).toBe(true)
    expect(b.core.view.isWaitingToLeave).toBe(false)
    b.feed({ kind: 'leave', abort: false })
    expect(hasLeft(b)).toBe(true)
  })

  test('waits for a member that has crashed, whose tasks settle by its goodbye', () => {
    const { pump, nodes } = cluster(2)
    const [a, b] = nodes
    pump.lose = (_, to) => to === b.id
    const once = a.submit({ delivery: 'at-most-once' }, 0)
    pump.settle()
    pump.lose = () => false
    pump.crash(b)
    passing(pump, 1000)
    expect(statusOf(pump, a, b)).toBe('crashed')
    leave(pump, a)
    expect(hasLeft(a)).toBe(false)
    expect(a.core.view.isWaitingToLeave).toBe(true)
    const back = pump.restart(b, bootOf('b', 2))
    announce(pump, back)
    passing(pump, 3000)
    expect(hasLeft(a)).toBe(true)
    pump.crash(a)
    expect(statusOf(pump, back, a)).toBe('left')
    back.worker(1)
    back.end(once)
    expect(back.state(once)).toBe('completed')
  })

  test('waits for a link if all break at the moment of its goodbye', () => {
    const { pump, nodes } = cluster(2)
    const [a, b] = nodes
    pump.lose = (_from, _to, { kind }) => kind === 'goodbye'
    a.feed({ kind: 'leave', abort: false })
    pump.settle()
    pump.lose = () => false
    pump.link(a, b, false)
    passing(pump, 20_000)
    expect(hasLeft(a)).toBe(false)
    pump.link(a, b)
    passing(pump, 3000)
    expect(hasLeft(a)).toBe(true)
    expect(statusOf(pump, b, a)).toBe('left')
  })

  test('goes when its goodbye is on a disk, so that a crash of whoever heard it loses nothing', () => {
    const { pump, nodes } = cluster(2)
    const [a, b] = nodes
    b.holdDisk = true
    a.feed({ kind: 'leave', abort: false })
    passing(pump, 3000)
    expect(hasLeft(a)).toBe(false)
    b.releaseDisk()
    passing(pump, 1000)
    expect(hasLeft(a)).toBe(true)
    pump.crash(a, b)
    const back = pump.restart(b, bootOf('b', 2))
    passing(pump, 1000)
    expect(statusOf(pump, back, a)).toBe('left')
  })

  test('has to be heard by one who stays', () => {
    const { pump, nodes } = cluster(3)
    const [a, b, c] = nodes
    for (const other of [a, b]) pump.link(c, other, false)
    pump.probing = false
    passing(pump, 1000)
    for (const node of [a, b]) node.feed({ kind: 'leave', abort: false })
    passing(pump, 5000)
    expect([a, b].map(hasLeft)).toEqual([false, false])
    pump.link(c, b)
    passing(pump, 5000)
    expect(hasLeft(b)).toBe(true)
    for (const other of [a, b]) expect(statusOf(pump, c, other)).toBe('left')
  })

  test('that has no time left goes all the same', () => {
    const { pump, nodes } = cluster(3)
    const [a, b, c] = nodes
    pump.crash(b, c)
    leave(pump, a)
    expect(hasLeft(a)).toBe(false)
    leave(pump, a, true)
    expect(hasLeft(a)).toBe(true)
  })
})

describe('nodes that leave one after the other', () => {
  test('and the last one starts again: what it took along settles, and the others are heard', () => {
    const { pump, nodes } = cluster(3)
    const [a, b, c] = nodes
    const tasks = [a.submit(), a.submit({ delivery: 'at-most-once' })]
    passing(pump, 1000)
    for (const node of [a, b]) leave(pump, node)
    leave(pump, c)
    expect(nodes.map(hasLeft)).toEqual([true, true, false])
    leave(pump, c, true)
    const last = pump.restart(c, bootOf('c', 2))
    announce(pump, last)
    last.worker(2)
    passing(pump, 3000)
    for (const id of tasks) last.end(id)
    passing(pump, 1000)
    const first = pump.restart(a, bootOf('a', 2))
    announce(pump, first)
    passing(pump, 3000)
    expect(tasks.map(id => first.state(id))).toEqual(['completed', 'completed'])
    expect(statusOf(pump, last, first)).toBe('alive')
  })

  test('and the first one starts again: it waits for the last one with what may run only once', () => {
    const { pump, nodes } = cluster(2)
    const [a, b] = nodes
    const tasks = [a.submit(), a.submit({ delivery: 'at-most-once' })]
    passing(pump, 1000)
    leave(pump, a)
    b.worker(1)
    const [done] = [...b.running.keys()]
    b.end(done!)
    leave(pump, b, true)
    const first = pump.restart(a, bootOf('a', 2))
    announce(pump, first)
    first.worker(2)
    passing(pump, 10_000)
    const last = pump.restart(b, bootOf('b', 2))
    announce(pump, last)
    last.worker(2)
    passing(pump, 10_000)
    for (const node of [first, last]) for (const id of node.running.keys()) node.end(id)
    passing(pump, 5000)
    for (const node of [first, last]) {
      expect(tasks.map(id => node.record(id).outcome?.status ?? 'open')).not.toContain('open')
    }
  })
})
