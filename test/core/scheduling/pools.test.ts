/** Pools: which one a task goes to, and that none waits for another. Cores driven by hand. */
import { describe, expect, test } from 'vitest'
import { cluster, first, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { NamedPool } from '../../../src/core/message.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'

const { heartbeatMs, startSlotMs } = CORE_DEFAULTS

function nodes(count: number): { pump: Pump; all: [PumpNode, PumpNode, PumpNode] } {
  const names = ['a', 'b', 'c'].slice(0, count)
  const pump = pumpOf(names.map(name => bootOf(name)))
  return { pump, all: pump.nodes as [PumpNode, PumpNode, PumpNode] }
}

function pool(name: string, slots: number, types: string[], labels = {}): NamedPool {
  return { name, slots, types, labels, external: false }
}

/** The node can do this from now on; without a default pool, unless `usual` says how many slots that has. */
function equip(pump: Pump, node: PumpNode, pools: NamedPool[], usual = 0): void {
  node.feed({ kind: 'worker', slots: usual, handlers: usual > 0 ? ['work'] : [], pools })
  pump.settle()
}

function submit(node: PumpNode, type: string, count = 1): string[] {
  return Array.from({ length: count }, () => node.submit({ type }))
}

function placesOf(node: PumpNode): string[] {
  return [...node.running.values()].map(({ pool: name, slot }) => `${name} ${slot}`).sort()
}

describe('a node with a pool for models and one for all else', () => {
  test('runs both at once: neither waits for the other', () => {
    const { pump, all } = nodes(1)
    const [a] = all
    equip(pump, a, [pool('model', 1, ['embed'])], 2)
    submit(a, 'embed', 3)
    submit(a, 'work', 3)
    pump.settle()
    expect(placesOf(a)).toEqual(['default 0', 'default 1', 'model 0'])
    const self = a.core.view.self()
    expect(self).toMatchObject({ slots: 2, running: 2, queued: 1, handlers: ['work'] })
    expect(self.pools).toMatchObject([{ name: 'model', slots: 1, running: 1, queued: 2 }])
  })

  test('tells in the record where a task was started, and nothing of the default pool', () => {
    const { pump, all } = nodes(1)
    const [a] = all
    equip(pump, a, [pool('model', 2, ['embed'])], 1)
    const [first, second] = submit(a, 'embed', 2)
    const [third] = submit(a, 'work')
    pump.settle()
    expect(a.record(first!).started).toMatchObject({ pool: 'model', slot: 0 })
    expect(a.record(second!).started).toMatchObject({ pool: 'model', slot: 1 })
    expect(Object.keys(a.record(third!).started!).sort()).toEqual(['at', 'by', 'epoch'])
    a.end(first!)
    const [fourth] = submit(a, 'embed')
    pump.settle()
    expect(a.record(fourth!).started).toMatchObject({ pool: 'model', slot: 0 })
  })

  test('is given no more for its models than it has slots for them, however idle it is', () => {
    const { pump, all } = nodes(2)
    const [a, b] = all
    equip(pump, b, [pool('model', 1, ['embed'])], 20)
    submit(a, 'embed', 4)
    pump.settle()
    passing(pump, heartbeatMs)
    expect(placesOf(b)).toEqual(['model 0'])
    expect(a.core.view.self().queued).toBe(3)
  })

  test('asks for tasks for the pool that has room, while the other is full', () => {
    const { pump, all } = nodes(2)
    const [a, b] = all
    equip(pump, b, [pool('model', 1, ['embed'])], 1)
    submit(a, 'embed', 2)
    pump.settle()
    submit(a, 'work', 3)
    pump.settle()
    passing(pump, heartbeatMs)
    expect(placesOf(b)).toEqual(['default 0', 'model 0'])
    const asked = b.sent('steal').map(({ pool: name = 'default', handlers }) => [name, handlers])
    for (const [name, types] of asked) {
      expect(types).toEqual(name === 'default' ? ['work'] : ['embed'])
    }
    expect(new Set(b.sent('steal').map(({ request }) => request)).size).toBe(asked.length)
  })
})

describe('a type of several pools', () => {
  test('goes to the first of them that has room, by name, the default one among them', () => {
    const { pump, all } = nodes(1)
    const [a] = all
    equip(pump, a, [pool('z', 1, ['work']), pool('b', 1, ['work']), pool('c', 1, ['other'])], 1)
    submit(a, 'work', 2)
    pump.settle()
    expect(placesOf(a)).toEqual(['b 0', 'default 0'])
    submit(a, 'work', 2)
    pump.settle()
    expect(placesOf(a)).toEqual(['b 0', 'default 0', 'z 0'])
  })

  test('goes only where the labels are that it asks for: those of the node, and of the pool', () => {
    const { pump, all } = nodes(1)
    const [a] = all
    a.feed({ kind: 'labels', labels: { zone: 'x', gpu: '0' } })
    equip(pump, a, [pool('b', 1, ['work']), pool('g', 1, ['work'], { gpu: '1' })], 1)
    const require = [
      { label: 'gpu', atLeast: 1 },
      { label: 'zone', anyOf: ['x'] }
    ]
    const id = a.submit({ labels: { require, prefer: [] } })
    pump.settle()
    expect(a.running.get(id)).toMatchObject({ pool: 'g', slot: 0 })
    a.feed({ kind: 'labels', labels: { zone: 'y' } })
    const other = a.submit({ labels: { require, prefer: [] } })
    a.end(id)
    pump.settle()
    expect(a.running.has(other)).toBe(false)
  })
})

describe('a pool that goes', () => {
  test('keeps the slots of what runs until that has ended, and is given nothing more', () => {
    const { pump, all } = nodes(1)
    const [a] = all
    equip(pump, a, [pool('model', 2, ['embed'])])
    const [first] = submit(a, 'embed')
    pump.settle()
    equip(pump, a, [])
    const [second] = submit(a, 'embed')
    pump.settle()
    expect(a.of('abort')).toEqual([])
    expect(a.running.has(second!)).toBe(false)
    // Back under the same name, and smaller: what runs counts.
    equip(pump, a, [pool('model', 1, ['embed'])])
    expect(placesOf(a)).toEqual(['model 0'])
    a.end(first!)
    pump.settle()
    expect(a.running.get(second!)).toMatchObject({ pool: 'model', slot: 0 })
  })

  test('leaves what it was to run to others', () => {
    const { pump, all } = nodes(2)
    const [a, b] = all
    equip(pump, a, [pool('model', 1, ['embed'])])
    const ids = submit(a, 'embed', 2)
    pump.settle()
    equip(pump, b, [pool('other', 1, ['embed'])])
    equip(pump, a, [])
    passing(pump, heartbeatMs)
    expect(a.running.has(ids[0]!)).toBe(true)
    expect(b.running.get(ids[1]!)).toMatchObject({ pool: 'other' })
  })

  test('starts anew, elsewhere, what had begun in it and was not called', () => {
    const pump = cluster(3)
    const [a, ...others] = pump.of as [PumpNode, PumpNode, PumpNode]
    equip(pump, a, [pool('model', 1, ['embed'])])
    const [id] = submit(a, 'embed')
    pump.settle()
    pump.crash(a)
    passing(pump, 2000)
    const heir = first(id!, others)
    const other = others.find(node => node !== heir)!
    // A task that lost a node is not called before another one knows that it was started.
    other.holdDisk = true
    equip(pump, heir, [pool('model', 1, ['embed'])])
    const begun = heir.record(id!)
    expect([begun.started?.by, heir.running.has(id!)]).toEqual([heir.boot, false])
    equip(pump, heir, [])
    expect(heir.record(id!).claim.epoch).toBe(begun.claim.epoch + 1)
    other.releaseDisk()
    equip(pump, other, [pool('x', 1, ['embed'])])
    passing(pump, 2 * startSlotMs)
    expect(other.running.get(id!)).toMatchObject({ pool: 'x' })
    expect(heir.of('start')).toEqual([])
  })

  test('ends what had begun in it and may be started once: nobody else can know that it never ran', () => {
    const { pump, all } = nodes(2)
    const [a, b] = all
    equip(pump, a, [pool('model', 1, ['embed'])])
    b.holdDisk = true
    const id = a.submit({ type: 'embed', delivery: 'at-most-once' })
    pump.settle()
    expect(a.record(id).started).toMatchObject({ pool: 'model' })
    equip(pump, a, [])
    expect(a.of('start')).toEqual([])
    expect(a.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
  })
})

test('what a node leaves behind is taken as there is room in a pool for it, type by type', () => {
  const pump = cluster(2)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  const models = submit(a, 'embed', 60)
  const others = submit(a, 'work', 60)
  pump.settle()
  pump.crash(a)
  equip(pump, b, [pool('model', 1, ['embed'])], 4)
  passing(pump, 4000)
  expect(placesOf(b)).toEqual(['default 0', 'default 1', 'default 2', 'default 3', 'model 0'])
  const held = (ids: string[]): number =>
    ids.filter(id => b.record(id).claim.holder === b.boot).length
  // Neither has taken the room of the other: a portion of each.
  expect(held(models)).toBeGreaterThan(0)
  expect(held(models)).toBeLessThan(models.length)
  expect(held(others)).toBeGreaterThan(4)
})
