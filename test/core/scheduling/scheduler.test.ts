/** Which node gets a task, how often it moves, and what it waits for, in cores that are driven by hand. */
import { describe, expect, test } from 'vitest'
import { cluster, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, idOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { CORE_DEFAULTS, type CoreOptions } from '../../../src/core/options.ts'
import type { LabelRules } from '../../../src/core/task/labels.ts'

const { unknownMs } = CORE_DEFAULTS

/** Nodes a, b and c, all linked, that can do nothing yet. */
function three(options: Partial<CoreOptions> = {}): {
  pump: Pump
  a: PumpNode
  b: PumpNode
  c: PumpNode
} {
  const pump = pumpOf(
    ['a', 'b', 'c'].map(name => bootOf(name)),
    options
  )
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  return { pump, a, b, c }
}

describe('a task that its holder cannot run', () => {
  test('goes to the one node that can, past all those that cannot', () => {
    const { pump, a, b, c } = three()
    b.worker(8, ['other'])
    c.worker(1, ['work'])
    const id = a.submit()
    pump.settle()
    expect(c.running.has(id)).toBe(true)
    expect(a.record(id).claim).toMatchObject({ holder: c.boot, epoch: 1, hops: 1 })
    expect(b.of('start')).toEqual([])
  })

  test('goes there also if it has moved as often as a task may', () => {
    const { pump, a, c } = three({ hopsMax: 0 })
    const id = a.submit()
    c.worker(1)
    pump.settle()
    expect(c.running.has(id)).toBe(true)
    expect(a.record(id).claim).toMatchObject({ holder: c.boot, hops: 1 })
  })
})

describe('a task that its holder could run', () => {
  test.each([
    ['stays if it has moved as often as a task may', 0, false],
    ['moves to a node that is idle, as long as it may move once more', 1, true]
  ])('%s', (_, hopsMax, moves) => {
    const { pump, a, c } = three({ hopsMax })
    a.worker(1)
    const first = a.submit()
    const second = a.submit()
    pump.settle()
    c.worker(1)
    passing(pump, 2000)
    expect(c.running.has(second)).toBe(moves)
    expect(a.record(second).claim.hops).toBe(moves ? 1 : 0)
    a.end(first)
    expect(a.running.has(second)).toBe(!moves)
  })
})

describe('a task that prefers labels', () => {
  const labels: LabelRules = { require: [], prefer: [{ label: 'zone', anyOf: ['x'] }] }

  function preferring(): ReturnType<typeof three> {
    const nodes = three()
    nodes.c.feed({ kind: 'labels', labels: { zone: 'x' } })
    for (const node of [nodes.a, nodes.b, nodes.c]) node.worker(1)
    nodes.pump.pass(1000)
    return nodes
  }

  test('runs on an idle node that has them, though its own is idle, too', () => {
    const { pump, a, c } = preferring()
    const id = a.submit({ labels })
    pump.settle()
    expect(c.running.has(id)).toBe(true)
    expect(c.record(id).claim.hops).toBe(1)
  })

  test('does not wait for it if that is busy', () => {
    const { pump, a, c } = preferring()
    c.submit()
    pump.pass(1000)
    const id = a.submit({ labels })
    pump.settle()
    expect(a.running.has(id)).toBe(true)
  })

  test('does not wait for it if that begins nothing, as its disk is full', () => {
    const { pump, a, c } = preferring()
    c.feed({ kind: 'disk', works: false })
    pump.pass(1000)
    const id = a.submit({ labels })
    pump.settle()
    expect(a.running.has(id)).toBe(true)
  })

  test('follows them to a node that gets them while it lives', () => {
    const { pump, a, b, c } = preferring()
    c.feed({ kind: 'labels', labels: {} })
    b.feed({ kind: 'labels', labels: { zone: 'x' } })
    pump.settle()
    const id = a.submit({ labels })
    pump.settle()
    expect(b.running.has(id)).toBe(true)
  })
})

test('a task that requires labels is run by a node as soon as that has them', () => {
  const { pump, a, b } = three()
  b.worker(1)
  const require = [{ label: 'memory', atLeast: 16 }]
  const id = a.submit({ labels: { require, prefer: [] } })
  pump.settle()
  expect(a.state(id)).toBe('queued')
  b.feed({ kind: 'labels', labels: { memory: '8' } })
  pump.settle()
  expect(a.state(id)).toBe('queued')
  b.feed({ kind: 'labels', labels: { memory: '32' } })
  pump.settle()
  expect(b.running.has(id)).toBe(true)
})

describe('dependencies between tasks on different nodes', () => {
  /** Ends whatever runs, anywhere, until nothing does; returns in which order tasks ran. */
  function runAll(pump: Pump): string[] {
    const order: string[] = []
    for (;;) {
      pump.settle()
      const node = pump.nodes.find(({ running }) => running.size > 0)
      if (node === undefined) return order
      const [id] = node.running.keys()
      order.push(id!)
      node.end(id!)
    }
  }

  function workers(): ReturnType<typeof three> {
    const nodes = three()
    for (const node of [nodes.a, nodes.b, nodes.c]) node.worker(2)
    return nodes
  }

  test('that form a chain are run in its order', () => {
    const { pump } = workers()
    const chain: string[] = []
    for (let i = 0; i < 12; i++) {
      chain.push(pump.nodes[i % 3]!.submit({ dependsOn: chain.slice(-1) }))
      pump.settle()
    }
    expect(runAll(pump)).toEqual(chain)
  })

  test('that form a diamond are run from its one end to the other', () => {
    const { pump, a, b, c } = workers()
    const top = a.submit()
    pump.settle()
    const sides = [b.submit({ dependsOn: [top] }), c.submit({ dependsOn: [top] })]
    pump.settle()
    const bottom = a.submit({ dependsOn: sides })
    const order = runAll(pump)
    expect([order[0], order.slice(1, 3).sort(), order[3]]).toEqual([top, sides.sort(), bottom])
  })

  test('a thousand of one task are all waited for, and their results are there', () => {
    const { pump, a, b } = workers()
    const wide = Array.from({ length: 1000 }, (_, i) => pump.nodes[i % 3]!.submit())
    pump.settle()
    const last = b.submit({ dependsOn: wide })
    const order = runAll(pump)
    expect(order).toHaveLength(1001)
    expect(order.at(-1)).toBe(last)
    expect(a.state(last)).toBe('completed')
    const starts = pump.nodes.flatMap(node => node.of('start'))
    const { run } = starts.find(({ run: { taskId } }) => taskId === last)!
    expect(run.dependencies.size).toBe(1000)
  })

  test('on a task that comes only later are waited for', () => {
    const { pump, a, b } = workers()
    const [first] = [idOf(b.boot, 1)]
    const id = a.submit({ dependsOn: [first] })
    passing(pump, 5000)
    expect(a.state(id)).toBe('waiting')
    const record = taskOf(b.boot, 1)
    const batch = {
      kind: 'batch',
      origin: b.boot,
      after: 0,
      records: [record],
      writes: [0]
    } as const
    a.feed({ kind: 'message', from: 'b', message: batch })
    passing(pump, unknownMs)
    expect(a.state(id)).toBe('waiting')
  })
})

describe('a task that depends on one of which nobody has ever heard', () => {
  const unknown = idOf(bootOf('z'), 7)

  test('is cancelled after a minute, and not before', () => {
    const pump = cluster(3)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const id = a.submit({ dependsOn: [unknown] })
    passing(pump, unknownMs - 1000)
    expect(a.state(id)).toBe('waiting')
    passing(pump, 2000)
    const { outcome } = a.record(id)
    expect(outcome).toMatchObject({ status: 'cancelled', reason: 'DependencyFailed' })
    expect(outcome!.error!.message).toContain(`${unknown}, is known to nobody`)
    expect(b.state(id)).toBe('cancelled')
  })

  test('waits where only a minority is seen, until the others are back', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    pump.probing = false
    for (const other of [b, c]) pump.link(a, other, false)
    const id = a.submit({ dependsOn: [unknown] })
    passing(pump, 2 * unknownMs)
    expect(a.state(id)).toBe('waiting')
    for (const other of [b, c]) pump.link(a, other)
    passing(pump, unknownMs)
    expect(a.state(id)).toBe('cancelled')
  })
})
