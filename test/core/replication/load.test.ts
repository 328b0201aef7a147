/** Replicas that come out of a file: merged like a peer's news, spread, loaded once, and their orphans taken over. */
import { describe, expect, test } from 'vitest'
import '../forbid.ts'
import type { StoredTask } from '../../../src/core/effect.ts'
import { newsOf, type Snapshot } from '../../../src/core/replication/snapshot.ts'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'

type File = Omit<Snapshot, 'tasks'> & Readonly<{ tasks: readonly StoredTask[] }>

function saved(node: PumpNode): File {
  const replica = node.core.view.replica()
  return { ...replica, tasks: [...replica.tasks] }
}

function load(pump: Pump, node: PumpNode, file: File): void {
  for (const news of newsOf(file)) {
    if (news !== null) node.feed({ kind: 'load', request: 1, news })
  }
  pump.settle()
}

const clusterOf = (...names: readonly string[]): Pump => pumpOf(names.map(name => bootOf(name)))

/** A cluster with a completed task, an open one, and one that runs. */
function oldCluster(): { file: File; ids: string[]; pump: Pump } {
  const pump = clusterOf('a', 'b')
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const done = a.submit()
  pump.settle()
  a.end(done)
  const running = b.submit()
  const open = b.submit({ type: 'other' })
  for (let i = 0; i < 5; i++) pump.pass(200)
  expect(a.running.has(running)).toBe(true)
  return { file: saved(a), ids: [done, running, open], pump }
}

function later(pump: Pump): void {
  for (let i = 0; i < 40; i++) pump.pass(200)
}

describe('a replica out of a file', () => {
  test('is there as a whole, spreads to the others, and is answered when it is on disk', () => {
    const { file, ids } = oldCluster()
    const pump = clusterOf('x', 'y')
    const [x, y] = pump.nodes as [PumpNode, PumpNode]
    x.holdDisk = true
    load(pump, x, file)
    expect(x.of('loaded')).toEqual([])
    x.releaseDisk()
    pump.settle()
    expect(x.of('loaded')).toHaveLength(file.vector.size)
    expect(ids.map(id => x.state(id))).toEqual(['completed', 'running', 'queued'])
    later(pump)
    for (const id of ids) expect(y.record(id)).toEqual(x.record(id))
    expect(y.core.view.mergedVector()).toEqual(x.core.view.mergedVector())
  })

  test('of which all is known changes nothing, and is answered at once', () => {
    const { file, pump } = oldCluster()
    const [a] = pump.nodes as [PumpNode]
    const before = saved(a)
    load(pump, a, file)
    later(pump)
    expect(a.of('loaded')).toHaveLength(file.vector.size)
    expect(saved(a)).toEqual(before)
  })

  test('may be loaded at two nodes: they agree', () => {
    const { file, ids } = oldCluster()
    const pump = clusterOf('x', 'y')
    const [x, y] = pump.nodes as [PumpNode, PumpNode]
    load(pump, x, file)
    load(pump, y, file)
    later(pump)
    for (const id of ids) expect(y.record(id)).toEqual(x.record(id))
  })

  test('of one node is merged with what the other knows of the same tasks', () => {
    const { file, ids, pump } = oldCluster()
    const [a] = pump.nodes as [PumpNode]
    a.end(ids[1]!)
    pump.settle()
    const newer = saved(a)
    const other = clusterOf('x')
    const [x] = other.nodes as [PumpNode]
    load(other, x, newer)
    load(other, x, file)
    expect(x.state(ids[1]!)).toBe('completed')
  })

  test('ends what is open here and is over there', () => {
    const { file, ids, pump } = oldCluster()
    const [a] = pump.nodes as [PumpNode]
    const tasks = file.tasks.filter(({ record }) => record.spec.id !== ids[1])
    load(pump, a, { ...file, tasks })
    expect(a.core.view.record(ids[1]!)).toBeUndefined()
    expect(a.of('abort')).toMatchObject([{ taskId: ids[1] }])
  })

  test('takes over which boots are closed', () => {
    const pump = clusterOf('x')
    const [x] = pump.nodes as [PumpNode]
    const old = bootOf('gone', 7)
    load(pump, x, { vector: new Map([[old, RETIRED]]), tasks: [] })
    expect(x.core.view.mergedVector().get(old)).toBe(RETIRED)
  })

  test('leaves out what the file knows to be pruned', () => {
    const { file, ids } = oldCluster()
    const tasks = file.tasks.filter(({ record }) => record.spec.id !== ids[0])
    const pump = clusterOf('x')
    const [x] = pump.nodes as [PumpNode]
    load(pump, x, { ...file, tasks })
    load(pump, x, file)
    expect(x.core.view.record(ids[0]!)).toBeUndefined()
  })
})

describe('an open task out of a file', () => {
  test('whose holder nobody knows is taken over by whoever loaded it, and runs once', () => {
    const { file, ids } = oldCluster()
    const pump = clusterOf('x', 'y')
    const [x, y] = pump.nodes as [PumpNode, PumpNode]
    load(pump, x, file)
    later(pump)
    expect(ids.slice(1).map(id => x.record(id).claim)).toMatchObject([
      { holder: x.boot, cause: 'reclaim' },
      { holder: x.boot, cause: 'reclaim' }
    ])
    y.worker(4, ['work', 'other'])
    later(pump)
    const started = [...x.of('start'), ...y.of('start')].map(({ run }) => run.taskId)
    expect(started.sort()).toEqual(ids.slice(1).sort())
  })

  test('is left alone for a while, for its holder may only have to be met', () => {
    const { file, ids } = oldCluster()
    const pump = clusterOf('x')
    const [x] = pump.nodes as [PumpNode]
    load(pump, x, file)
    for (let passed = 0; passed < 4800; passed += 200) pump.pass(200)
    expect(x.record(ids[2]!).claim.holder).toBe(bootOf('b'))
    const b = pump.add(bootOf('b'))
    pump.link(x, b)
    pump.settle()
    later(pump)
    expect(x.record(ids[2]!).claim.holder).toBe(bootOf('b'))
  })

  test('that turns out to be over is not taken over when its holder has not come in time', () => {
    const { file, ids } = oldCluster()
    const open = ids[2]!
    const pump = clusterOf('x', 'y')
    const [x, y] = pump.nodes as [PumpNode, PumpNode]
    load(pump, x, file)
    load(pump, x, { ...file, tasks: file.tasks.filter(({ record }) => record.spec.id !== open) })
    expect(x.core.view.record(open)).toBeUndefined()
    later(pump)
    expect(x.of('notify').filter(({ event }) => event.name === 'task:reclaimed')).toHaveLength(1)
    for (const node of [x, y]) expect(node.core.view.record(open)).toBeUndefined()
  })

  test('whose holder is a member stays with it', () => {
    const { file, ids, pump } = oldCluster()
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    load(pump, b, file)
    later(pump)
    expect(b.record(ids[1]!).claim.holder).toBe(a.boot)
    expect(b.record(ids[2]!).claim.holder).toBe(b.boot)
  })

  test('that may run at most once is not started before a later boot of its holder has told what it knows', () => {
    const old = clusterOf('a')
    const [before] = old.nodes as [PumpNode]
    const id = before.submit({ delivery: 'at-most-once' })
    old.settle()
    const file = saved(before)
    before.worker(1)
    expect(before.running.has(id)).toBe(true)
    old.pass(1000)
    before.gone = true
    const pump = clusterOf('x')
    const [x] = pump.nodes as [PumpNode]
    load(pump, x, file)
    x.worker(1)
    pump.pass(1000)
    const after = pump.add(bootOf('a', 2), {}, before.disk)
    pump.mute.add(after.id)
    pump.lose = (from, _, { kind }) => from === after.id && kind === 'batch'
    pump.link(x, after)
    later(pump)
    expect(x.record(id).claim).toMatchObject({ holder: x.boot, cause: 'reclaim' })
    expect(x.of('start')).toEqual([])
    pump.mute.clear()
    pump.lose = () => false
    later(pump)
    expect(x.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
    expect([x, after].flatMap(node => node.of('start'))).toEqual([])
  })

  test('that came by sync from the loader is left to the loader', () => {
    const { file, ids } = oldCluster()
    const pump = clusterOf('x', 'y')
    const [x, y] = pump.nodes as [PumpNode, PumpNode]
    load(pump, x, file)
    later(pump)
    expect(y.record(ids[2]!).claim.holder).toBe(x.boot)
    expect(y.sent('batch')).toEqual([])
  })
})
