/** The wall clock is set while a node runs: what goes by it follows it, what goes by durations does not notice. */
import { describe, expect, test } from 'vitest'
import { clockOffsetOf } from '../../../src/core/membership/clock-offset.ts'
import type { CoreOptions } from '../../../src/core/options.ts'
import { announce, cluster, passing, starts } from '../../support/crashes.ts'
import { Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const HOUR_MS = 3_600_000
const START_MS = 100 * HOUR_MS

/** Nobody but this node is there. */
function lonely(options: Partial<CoreOptions> = {}): { pump: Pump; a: PumpNode } {
  const pump = new Pump()
  pump.now = START_MS
  const a = pump.add(bootOf('a'), options)
  announce(pump, a)
  passing(pump, 3000)
  return { pump, a }
}

/** Nodes that have been up for a while. */
function together(count: number): { pump: Pump; nodes: PumpNode[] } {
  const pump = new Pump()
  pump.now = START_MS
  const nodes = ['a', 'b', 'c', 'd'].slice(0, count).map(name => pump.add(bootOf(name)))
  for (const [i, x] of nodes.entries()) for (const y of nodes.slice(i + 1)) pump.link(x, y)
  for (const node of nodes) announce(pump, node)
  passing(pump, 15_000)
  return { pump, nodes }
}

const events = (node: PumpNode): string[] => node.of('notify').map(({ event }) => event.name)
const wallMs = (pump: Pump, node: PumpNode): number => node.core.view.wallMs(pump.now)
const offset = (node: PumpNode, of: PumpNode): number | null =>
  clockOffsetOf(node.core.view.member(of.id)!)

describe('what goes by the wall clock', () => {
  test('a task that waits for a time starts when the clock is set to it', () => {
    const { pump, a } = lonely()
    a.worker(1)
    const id = a.submit({ notBefore: pump.now + HOUR_MS })
    passing(pump, 1000)
    expect(a.state(id)).toBe('delayed')
    a.setClock(HOUR_MS)
    expect(starts(a, id)).toEqual([0])
  })

  test('a task whose time had come waits again when the clock is set back', () => {
    const { pump, a } = lonely()
    const id = a.submit({ notBefore: pump.now + 1000 })
    passing(pump, 2000)
    expect(a.state(id)).toBe('queued')
    a.setClock(-HOUR_MS)
    a.worker(1)
    passing(pump, 2000)
    expect(a.state(id)).toBe('delayed')
    pump.pass(HOUR_MS)
    passing(pump, 10_000)
    expect(starts(a, id)).toEqual([0])
  })

  test.each([
    ['forward, is over', HOUR_MS, 'failed'],
    ['back, is as much later', -HOUR_MS, 'queued']
  ])('a deadline, when the clock is set %s', (_, stepMs, state) => {
    const { pump, a } = lonely()
    const id = a.submit({ deadlineMs: 60_000 })
    a.setClock(stepMs)
    expect(a.state(id)).toBe(stepMs > 0 ? 'failed' : 'queued')
    passing(pump, 62_000)
    expect(a.state(id)).toBe(state)
  })

  test('retention', () => {
    const { pump, a } = lonely({ retainCompletedMs: HOUR_MS, roomMs: 0, settledMax: 0 })
    a.worker(1)
    const id = a.submit({ idempotencyKey: 'order 66' })
    pump.settle()
    a.end(id)
    pump.settle()
    const kept = (): boolean => a.core.view.isForgotten(id) || a.core.view.record(id) !== undefined
    a.setClock(-HOUR_MS)
    pump.pass(HOUR_MS + 10_000)
    expect(kept()).toBe(true)
    a.setClock(HOUR_MS)
    passing(pump, 1000)
    expect(kept()).toBe(false)
  })

  test.each([HOUR_MS, -HOUR_MS, 2000])('stamps, when it is set by %i ms', stepMs => {
    const { pump, a } = lonely()
    a.setClock(stepMs)
    const id = a.submit()
    expect(a.record(id).spec.submittedAt / 1000 - pump.now - stepMs).toBeLessThan(1)
    expect(wallMs(pump, a)).toBe(pump.now + stepMs)
  })

  test('stamps go on from the last one when it is set back by less than clocks may differ', () => {
    const { a } = lonely()
    const before = a.record(a.submit()).spec.submittedAt
    a.setClock(-5000)
    expect(a.record(a.submit()).spec.submittedAt).toBeGreaterThan(before)
  })

  test('says that it was set by more than a minute', () => {
    const { a } = lonely()
    a.setClock(50_000)
    expect(events(a)).not.toContain('node:clock-skew')
    a.setClock(0)
    a.setClock(-HOUR_MS)
    expect(events(a).filter(name => name === 'node:clock-skew')).toHaveLength(1)
  })
})

describe.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS]
])('when the clock is set %s', (_, stepMs) => {
  test('nobody has fallen silent, and nobody is heard the less for it', () => {
    const { pump, nodes } = together(3)
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    b.worker(1)
    const id = b.submit()
    pump.settle()
    for (const node of nodes) node.effects.length = 0
    a.setClock(stepMs)
    passing(pump, 30_000)
    const bad = ['node:suspect', 'node:unreachable', 'node:starved', 'node:crashed']
    for (const node of [a, b, c]) {
      expect(events(node).filter(name => bad.includes(name))).toEqual([])
      expect(node.record(id).claim.holder).toBe(b.boot)
    }
    expect(b.running.has(id)).toBe(true)
  })

  test('whoever is silent counts as unreachable as soon as ever', () => {
    const { pump, nodes } = together(3)
    const [a, , c] = nodes as [PumpNode, PumpNode, PumpNode]
    pump.probing = false
    pump.lose = from => from === c.id
    passing(pump, 3000)
    a.setClock(stepMs)
    const unreachable = (): boolean => events(a).includes('node:unreachable')
    passing(pump, 1000)
    expect(unreachable()).toBe(false)
    passing(pump, 60_000)
    expect(unreachable()).toBe(true)
  })

  test('and three clocks are heard, it is the same time as before for tasks', () => {
    const { pump, nodes } = together(3)
    const [a, b] = nodes as [PumpNode, PumpNode]
    const id = b.submit({ deadlineMs: 60_000 })
    pump.settle()
    a.setClock(stepMs)
    expect(wallMs(pump, a)).toBe(pump.now)
    passing(pump, 30_000)
    expect(wallMs(pump, a)).toBe(pump.now)
    for (const node of nodes) expect(node.state(id)).toBe('queued')
    expect(offset(a, b)).toBe(-stepMs)
    expect(offset(b, a)).toBe(stepMs)
  })

  test('to the time of one other, and two show what it showed, it is the same time as before for tasks', () => {
    const { pump, nodes } = together(4)
    const [a, b] = nodes as [PumpNode, PumpNode]
    b.setClock(stepMs)
    passing(pump, 30_000)
    a.setClock(stepMs)
    expect(wallMs(pump, a)).toBe(pump.now)
    passing(pump, 30_000)
    for (const node of nodes) expect(wallMs(pump, node)).toBe(pump.now)
  })

  test('and it was wrong before, it is the same time as before for tasks, and is not corrected any more', () => {
    const { pump, nodes } = together(4)
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.setClock(-stepMs)
    passing(pump, 30_000)
    expect(wallMs(pump, a)).toBe(pump.now)
    a.setClock(0)
    expect(wallMs(pump, a)).toBe(pump.now)
    expect(offset(a, b)).toBe(0)
    passing(pump, 30_000)
    expect(wallMs(pump, a)).toBe(pump.now)
  })

  test('on all nodes, it is another time for all of them, and no clock is wrong', () => {
    const { pump, nodes } = together(3)
    for (const node of nodes) node.setClock(stepMs)
    passing(pump, 60_000)
    for (const node of nodes) {
      expect(wallMs(pump, node)).toBe(pump.now + stepMs)
      for (const other of nodes) if (other !== node) expect(offset(node, other)).toBe(0)
    }
  })
})

test('a majority that slept does not correct the one whose clock is right', () => {
  // As where the sleep cannot be told from a clock that is set: the monotonic clock stood still.
  const { pump, nodes } = together(3)
  const [right, ...sleepers] = nodes as [PumpNode, PumpNode, PumpNode]
  const slept = 2 * HOUR_MS
  for (const sleeper of sleepers) sleeper.setClock(slept)
  right.setClock(slept)
  passing(pump, 30_000)
  for (const node of nodes) expect(wallMs(pump, node)).toBe(pump.now + slept)
})

test('a computer whose clocks all stood still hears first what has become of its tasks', () => {
  const pump = cluster(2)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  a.setClock(5000)
  expect(a.core.view.pausedBy).toBe(null)
  pump.lose = from => from === b.id
  a.setClock(HOUR_MS)
  expect(a.core.view.pausedBy).toBe('waking')
  pump.lose = () => false
  passing(pump, 15_000)
  expect(a.core.view.pausedBy).toBe(null)
})
