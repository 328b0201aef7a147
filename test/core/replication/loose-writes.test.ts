/** What is on a disk whose vector was given up: it reaches the others, unless they had it and have pruned it. */
import { describe, expect, test } from 'vitest'
import '../forbid.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'

const A = bootOf('a')
const B = bootOf('b')
const C = bootOf('c')
const OPTIONS = { bootQuietMs: 0 }

/** A node that has settled a task while it was alone, and another that has never heard of it. */
function alone(): { pump: Pump; a: PumpNode; b: PumpNode; id: string } {
  const pump = pumpOf([A, B], OPTIONS)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  pump.link(a, b, false)
  a.worker(1)
  const id = a.submit({ retentionMs: 20_000 }, 0)
  pump.settle()
  a.end(id)
  pump.pass(2000)
  return { pump, a, b, id }
}

/** It dies, and its journal turns out to be damaged. */
function tear(pump: Pump, node: PumpNode): void {
  pump.crash(node)
  node.disk.distrust()
}

function live(pump: Pump, seconds: number): void {
  for (let second = 0; second < seconds; second++) pump.pass(1000)
}

describe('a task that only a damaged disk has', () => {
  test('reaches the others once they have told what they have, and is pruned everywhere', () => {
    const { pump, a, b, id } = alone()
    tear(pump, a)
    const again = pump.restart(a, bootOf('a', 2))
    pump.settle()
    live(pump, 3)
    expect(b.state(id)).toBe('completed')
    live(pump, 60)
    expect([again.state(id), b.state(id)]).toEqual(['unknown', 'unknown'])
    expect(again.disk.tasks.size + b.disk.tasks.size).toBe(0)
  })

  test('is not lost if the node dies once more before that', () => {
    const { pump, a, b, id } = alone()
    pump.crash(b)
    tear(pump, a)
    const second = pump.restart(a, bootOf('a', 2))
    second.cancel(id)
    pump.pass(1000)
    pump.crash(second)
    const third = pump.restart(second, bootOf('a', 3))
    const back = pump.restart(b, bootOf('b', 2))
    live(pump, 3)
    expect([third.state(id), back.state(id)]).toEqual(['completed', 'completed'])
  })

  test('is kept as it is while a member may know more of it', () => {
    const { pump, a, id } = alone()
    pump.lose = () => true
    tear(pump, a)
    const again = pump.restart(a, bootOf('a', 2))
    live(pump, 3)
    expect(again.record(id).created).toEqual([{ origin: A, seq: 1 }])
  })
})

test('what only a damaged disk knows of a task stays there, though others tell of it and it is stored anew', () => {
  const pump = pumpOf([A, B], OPTIONS)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  const id = b.submit()
  pump.settle()
  pump.link(a, b, false)
  a.cancel(id)
  tear(pump, a)
  // It hears from the other who made the task, and dies before it may write anew that it is cancelled.
  const second = pump.restart(a, bootOf('a', 2), { bootQuietMs: 60_000 })
  live(pump, 3)
  expect([...second.disk.vector]).toEqual([[B, 1]])
  pump.crash(second)
  const third = pump.restart(second, bootOf('a', 3), OPTIONS)
  live(pump, 3)
  expect([third.state(id), b.state(id)]).toEqual(['cancelled', 'cancelled'])
})

test('how a task ended is not forgotten while only a damaged disk knows of it', () => {
  const pump = pumpOf([A, B], OPTIONS)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const id = a.submit({ retentionMs: 1000 })
  pump.settle()
  expect(b.state(id)).toBe('running')
  pump.link(a, b, false)
  a.end(id)
  pump.pass(2000)
  tear(pump, a)
  // It hears from the other who made the task, before it may write anew how that ended.
  const again = pump.restart(a, bootOf('a', 2), { bootQuietMs: 4000 })
  live(pump, 3)
  expect(again.state(id)).toBe('completed')
  live(pump, 60)
  expect([again.state(id), b.state(id)]).toEqual(['unknown', 'unknown'])
  b.worker(1)
  live(pump, 10)
  expect([...again.running.keys(), ...b.running.keys()]).toEqual([])
})

test.each([true, false])(
  'what the others had and have pruned is not told to them as new, whether the disk knows them: %s',
  isKnown => {
    const pump = pumpOf([A, B], OPTIONS)
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit({ retentionMs: 1000 })
    pump.settle()
    a.end(id)
    pump.settle()
    const kept = a.disk.copy()
    live(pump, 60)
    expect([a.state(id), b.state(id)]).toEqual(['unknown', 'unknown'])
    pump.crash(a)
    kept.distrust()
    if (!isKnown) kept.members.clear()
    const again = pump.add(bootOf('a', 2), OPTIONS, kept, a.name)
    live(pump, 5)
    pump.link(again, b)
    pump.settle()
    live(pump, 60)
    expect(again.state(id)).toBe('unknown')
    expect(again.sent('batch').flatMap(({ records }) => records)).toEqual([])
  }
)

test('nor while somebody is linked who has not been heard yet, and may be the one who has pruned it', () => {
  const pump = pumpOf([A, C], OPTIONS)
  const [a, c] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const id = a.submit({ retentionMs: 1000 })
  pump.settle()
  a.end(id)
  pump.settle()
  const kept = a.disk.copy()
  live(pump, 60)
  expect([a.state(id), c.state(id)]).toEqual(['unknown', 'unknown'])
  pump.crash(a)
  kept.distrust()
  kept.members.clear()
  const again = pump.add(bootOf('a', 2), OPTIONS, kept, a.name)
  // Whoever has been heard knows nothing of the task.
  pump.link(again, pump.add(B, OPTIONS))
  pump.lose = from => from === c.id
  pump.link(again, c)
  live(pump, 5)
  expect(again.state(id)).toBe('completed')
  pump.lose = () => false
  live(pump, 60)
  expect(again.state(id)).toBe('unknown')
  expect(again.sent('batch').flatMap(({ records }) => records)).toEqual([])
})
