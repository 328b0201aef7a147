/** When an old boot leaves the version vectors, and what must not go with it. */
import { expect, test } from 'vitest'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import { announce, cluster, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

test('a boot is not closed while an older one of its node has written what only its disk knows', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  b.worker(1)
  pump.lose = from => from === 'a'
  const unheard = a.submit({ retentionMs: 0 })
  pump.settle()
  pump.crash(a)
  pump.lose = () => false

  // What the next boot writes is heard, and forgotten. What the old one wrote has to be asked for, and is not answered.
  pump.mute.add('a')
  const second = pump.restart(a, bootOf('a', 2))
  announce(pump, second)
  const heard = second.submit({ retentionMs: 0 })
  passing(pump, 200)
  b.end(heard)
  passing(pump, 400)
  pump.crash(second)
  passing(pump, 10_000)
  expect([b, c].map(node => node.state(heard))).toEqual(['unknown', 'unknown'])

  const third = pump.restart(second, bootOf('a', 3))
  passing(pump, 2000)
  pump.mute.clear()
  passing(pump, 10_000)
  const running = [b, c, third].map(node => node.state(unheard))
  expect(running).toEqual(['running', 'running', 'running'])
  // Once it is known and forgotten, its boot goes as well.
  b.end(unheard)
  passing(pump, 10_000)
  const vectors = [b, c, third].map(node => [...node.core.view.mergedVector()])
  for (const vector of vectors) expect(vector).toContainEqual([second.boot, RETIRED])
})

test('a boot is not closed while the disk of its node has writes that no vector carries', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  pump.lose = (from, to) => from === 'a' || to === 'a'
  a.worker(1)
  const unheard = a.submit({ retentionMs: 50_000 }, 0)
  a.end(unheard)
  // What the others have meanwhile written, and do not tell: so what the disk of a has alone is not written anew yet.
  b.submit({ retentionMs: 0 }, 0)
  passing(pump, 1000)
  pump.mute.add('b').add('c')
  pump.crash(a)
  a.disk.distrust()
  pump.lose = (_, to, { kind }) => to === 'a' && kind === 'batch'

  const second = pump.restart(a, bootOf('a', 2))
  announce(pump, second)
  b.worker(3)
  const heard = second.submit({ retentionMs: 0 })
  passing(pump, 1000)
  b.end(heard)
  passing(pump, 1000)
  pump.crash(second)
  passing(pump, 10_000)
  expect([b, c].map(node => node.state(heard))).toEqual(['unknown', 'unknown'])

  const third = pump.restart(second, bootOf('a', 3))
  announce(pump, third)
  passing(pump, 20_000)
  pump.lose = () => false
  pump.mute.clear()
  passing(pump, 10_000)
  const states = [b, c, third].map(node => node.state(unheard))
  expect(states).toEqual(['completed', 'completed', 'completed'])
  // Once that has been told and forgotten, all boots of its node before this one are closed.
  for (const id of b.running.keys()) b.end(id)
  passing(pump, 50_000)
  const vectors = [b, c, third].map(node => [...node.core.view.mergedVector()])
  for (const vector of vectors) expect(vector).toContainEqual([second.boot, RETIRED])
})

/** Two nodes that have both forgotten what the first boot of a wrote, and are cut off from each other now. */
function forgotten(): { pump: Pump; a: PumpNode; b: PumpNode } {
  const pump = pumpOf([bootOf('a'), bootOf('b')], { bootQuietMs: 0 })
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const id = a.submit({ retentionMs: 0 })
  pump.settle()
  a.end(id)
  a.worker(0)
  live(pump, 10)
  expect([a.state(id), b.state(id)]).toEqual(['unknown', 'unknown'])
  return { pump, a, b }
}

/** A node is cut off, writes what it alone knows, dies, and starts again on a damaged disk. */
function restartDamaged(pump: Pump, a: PumpNode, b: PumpNode, write: () => void): PumpNode {
  pump.link(a, b, false)
  write()
  live(pump, 10)
  pump.crash(a)
  a.disk.distrust()
  // It may write nothing anew for a while.
  const again = pump.restart(a, bootOf('a', 2), { bootQuietMs: 20_000 })
  live(pump, 18)
  return again
}

function live(pump: Pump, seconds: number): void {
  passing(pump, seconds * 1000)
}

/** Under a key only the write that created the task makes it new, so that is what must not count as pruned. */
const KEYED = { idempotencyKey: 'key', retentionMs: 600_000 }

test('what a damaged disk alone has is not past for its own node, whose older boots all have forgotten', () => {
  const { pump, a, b } = forgotten()
  const id = b.submit()
  pump.settle()
  const second = restartDamaged(pump, a, b, () => a.cancel(id))
  expect(b.state(id)).toBe('queued')
  live(pump, 10)
  expect([second.state(id), b.state(id)]).toEqual(['cancelled', 'cancelled'])
})

test('a boot is not closed while what its node writes anew is not on its disk yet', () => {
  const { pump, a, b } = forgotten()
  let id = ''
  const second = restartDamaged(pump, a, b, () => {
    id = a.submit(KEYED, 0)
  })
  second.holdDisk = true
  live(pump, 10)
  second.releaseDisk()
  live(pump, 5)
  expect([second.state(id), b.state(id)]).toEqual(['queued', 'queued'])
})

test('a boot is not closed while what its node has written anew, by a boot that has ended, is on its way', () => {
  const { pump, a, b } = forgotten()
  let id = ''
  const second = restartDamaged(pump, a, b, () => {
    id = a.submit(KEYED, 0)
    a.cancel(id)
  })
  expect(second.state(id)).toBe('cancelled')
  pump.mute.add('a')
  pump.lose = (_from, _to, { kind }) => kind === 'batch'
  live(pump, 5)
  pump.crash(second)
  const third = pump.restart(second, bootOf('a', 3), { bootQuietMs: 0 })
  live(pump, 20)
  pump.lose = () => false
  pump.mute.clear()
  live(pump, 10)
  expect([third.state(id), b.state(id)]).toEqual(['cancelled', 'cancelled'])
})
