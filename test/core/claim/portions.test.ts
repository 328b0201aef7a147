/** What a gone node had not started is taken as slots come free; all else at once. */
import { describe, expect, test } from 'vitest'
import { cluster, first, passing } from '../../support/crashes.ts'
import type { Pump, PumpNode } from '../../support/pump.ts'
import '../forbid.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'

const { stepInMs, stealMax } = CORE_DEFAULTS

type Left = { pump: Pump; a: PumpNode; heirs: PumpNode[]; ids: TaskId[]; urgent: TaskId[] }

/** The first of three nodes dies with `count` tasks, and two that are more urgent. The others have a slot each. */
function left(count: number): Left {
  const pump = cluster(3)
  const [a, ...heirs] = pump.of as [PumpNode, PumpNode, PumpNode]
  const ids = Array.from({ length: count }, () => a.submit())
  const urgent = [a.submit({ priority: 9 }), a.submit({ priority: 9 })]
  pump.settle()
  // They come too late to steal.
  pump.lose = (_, to, { kind }) => to === a.id && kind === 'steal'
  for (const node of heirs) node.worker(1)
  return { pump, a, heirs, ids, urgent }
}

function heldBy(holder: PumpNode, ids: readonly TaskId[], seenBy: PumpNode): TaskId[] {
  return ids.filter(id => seenBy.record(id).claim.holder === holder.boot)
}

describe('of a backlog that a dead node leaves', () => {
  test('nobody takes more than there is room for', () => {
    const { pump, a, heirs, ids } = left(300)
    pump.crash(a)
    passing(pump, 4 * stepInMs)
    for (const node of heirs) {
      expect(heldBy(node, ids, node).length).toBeGreaterThan(1)
      expect(heldBy(node, ids, node).length).toBeLessThanOrEqual(20)
    }
  })

  test('the next portion is taken when room comes, and not with a tick only', () => {
    const { pump, a, heirs, ids } = left(300)
    pump.crash(a)
    pump.settle()
    for (let round = 0; round < 300; round++) {
      for (const node of heirs) for (const id of Array.from(node.running.keys())) node.end(id)
      pump.settle()
    }
    expect(ids.filter(id => heirs[0]!.state(id) !== 'completed')).toEqual([])
  })

  test('short tasks are taken many at a time, as by a thief', () => {
    const { pump, a, heirs, ids } = left(1000)
    pump.crash(a)
    pump.settle()
    for (let round = 0; round < 40; round++) {
      for (const node of heirs) for (const id of Array.from(node.running.keys())) node.end(id)
      pump.settle()
    }
    for (const node of heirs) {
      const atHand = heldBy(node, ids, node).filter(id => node.state(id) !== 'completed')
      expect(atHand.length).toBeGreaterThan(20)
      expect(atHand.length).toBeLessThanOrEqual(stealMax + 1)
    }
  })

  test('a handful is taken at once', () => {
    const { pump, a, heirs, ids } = left(12)
    pump.crash(a)
    pump.settle()
    expect(heldBy(a, ids, heirs[0]!)).toEqual([])
  })

  test('the most urgent comes first', () => {
    const { pump, a, heirs, urgent } = left(300)
    pump.crash(a)
    pump.settle()
    for (const id of urgent) {
      expect(first(id, heirs).record(id).claim.holder).toBe(first(id, heirs).boot)
    }
  })

  test('what was cancelled, or is too late, is taken at once', () => {
    const { pump, a, heirs, ids } = left(200)
    const late = Array.from({ length: 60 }, () => a.submit({ deadlineMs: 3000 }))
    pump.settle()
    pump.lose = (from, to) => from === a.id || to === a.id
    const cancelled = ids.slice(0, 100)
    for (const id of cancelled) heirs[0]!.cancel(id)
    pump.settle()
    pump.crash(a)
    passing(pump, 200)
    expect(new Set(cancelled.map(id => heirs[0]!.state(id)))).toEqual(new Set(['cancelled']))
    passing(pump, 3200)
    expect(new Set(late.map(id => heirs[0]!.state(id)))).toEqual(new Set(['failed']))
  })

  test('what waits for its time takes no room, and is taken by and by', () => {
    const { pump, a, heirs } = left(100)
    const delayed = Array.from({ length: 700 }, () => a.submit({ notBefore: pump.now + 60_000 }))
    pump.settle()
    pump.crash(a)
    pump.settle()
    expect(heldBy(a, delayed, heirs[0]!).length).toBeGreaterThan(0)
    passing(pump, 2000)
    expect(heldBy(a, delayed, heirs[0]!)).toEqual([])
  })

  test('what nobody can run is taken in portions, by whoever is first in line', () => {
    const { pump, a, heirs } = left(0)
    const strange = Array.from({ length: 900 }, () => a.submit({ type: 'strange' }))
    pump.settle()
    // So that nothing settles.
    for (const node of heirs) node.holdDisk = true
    pump.crash(a)
    pump.settle()
    for (const node of heirs) {
      expect(heldBy(node, strange, node).length).toBeGreaterThan(0)
      expect(heldBy(node, strange, node).length).toBeLessThanOrEqual(256)
      node.releaseDisk()
    }
    passing(pump, 2000)
    expect(heldBy(a, strange, heirs[0]!)).toEqual([])
  })
})

describe('the next in line', () => {
  test('does not step in while the first has no room and nor has it itself', () => {
    const { pump, a, heirs, ids } = left(300)
    pump.crash(a)
    passing(pump, 20 * stepInMs)
    for (const node of heirs) {
      const theirs = heldBy(node, ids, node)
      expect(theirs.filter(id => first(id, heirs) !== node)).toEqual([])
    }
  })

  test('helps the first who has no room, if it has nothing to do', () => {
    const { pump, a, heirs, ids } = left(60)
    pump.crash(a)
    pump.settle()
    const [busy, free] = heirs as [PumpNode, PumpNode]
    for (let round = 0; round < 100; round++) {
      for (const id of Array.from(free.running.keys())) free.end(id)
      pump.pass(100)
    }
    expect(ids.filter(id => !busy.running.has(id) && free.state(id) !== 'completed')).toEqual([])
  })
})
