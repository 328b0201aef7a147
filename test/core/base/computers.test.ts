/** What has to survive is on two computers, if two are there: copies of writes, outcomes that are told, starts, blobs. */
import { describe, expect, test } from 'vitest'
import { areApart, computerOf } from '../../../src/core/base/computers.ts'
import type { BootId } from '../../../src/core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const { acksTimeoutMs, blobBalanceMs, blobSpareMs, bootQuietMs, tickMs } = CORE_DEFAULTS

type Four = [PumpNode, PumpNode, PumpNode, PumpNode]

/** Nodes a, b, c ... on these computers, up for a while. */
function on(...computers: readonly string[]): [Pump, ...PumpNode[]] {
  const boots: BootId[] = computers.map((_, i) => bootOf('abcdef'[i]!))
  const pump = pumpOf(boots, {}, computers)
  for (const node of pump.nodes) node.feed({ kind: 'addresses', addresses: [node.boot] })
  pump.pass(1)
  pump.pass(Math.max(bootQuietMs, blobBalanceMs))
  pump.sleepy = true
  return [pump, ...pump.nodes]
}

/** Time in the steps that a real node takes. */
function wait(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += tickMs) pump.pass(tickMs)
}

describe('the computer of a node', () => {
  test.each([
    ['computer-a/1', 'computer-a'],
    ['computer-a', 'computer-a'],
    ['', null],
    ['/1', null]
  ])('%j is %j', (name, computer) => expect(computerOf(name)).toBe(computer))

  test('is another only if both are known', () => {
    expect(areApart('x', 'y')).toBe(true)
    expect([areApart('x', 'x'), areApart('x', null), areApart(null, null)]).toEqual([
      false,
      false,
      false
    ])
  })
})

describe('a submission', () => {
  test('is not accepted for a copy on the same computer while another one is linked', () => {
    const [pump, a, b, c] = on('x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    c.holdDisk = true
    const id = a.submit()
    wait(pump, 1000)
    expect(b.state(id)).toBe('queued')
    expect(a.of('accepted')).toEqual([])
    wait(pump, acksTimeoutMs)
    expect(a.of('accepted')).toMatchObject([{ acks: 1, short: true }])
  })

  test('is accepted for one on another computer, at once, whoever is the first in line of all', () => {
    for (let boot = 1; boot <= 8; boot++) {
      const pump = pumpOf([bootOf('a', boot), bootOf('b'), bootOf('c'), bootOf('d')], {}, [
        'x',
        'x',
        'x',
        'y'
      ])
      pump.pass(bootQuietMs)
      pump.sleepy = true
      const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
      b.holdDisk = c.holdDisk = true
      a.submit()
      pump.settle()
      expect(a.of('accepted')).toMatchObject([{ acks: 1, short: false }])
    }
  })

  test('of which two copies are asked for has one of them on another computer', () => {
    const [pump, a, , , d] = on('x', 'x', 'x', 'y') as [
      Pump,
      PumpNode,
      PumpNode,
      PumpNode,
      PumpNode
    ]
    d.holdDisk = true
    a.submit({}, 2)
    wait(pump, 2000)
    expect(a.of('accepted')).toEqual([])
    d.releaseDisk()
    wait(pump, 3000)
    expect(a.of('accepted')).toMatchObject([{ short: false }])
  })

  test('is accepted for a copy on the same computer where no other one is linked', () => {
    const [pump, a, b, c] = on('x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    pump.link(a, c, false)
    pump.link(b, c, false)
    a.submit()
    wait(pump, tickMs)
    expect(a.of('accepted')).toMatchObject([{ acks: 1, short: false }])
  })

  test('of a key that is known is answered when that is on another computer', () => {
    const [pump, a, b, c] = on('x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    c.holdDisk = true
    a.submit({ idempotencyKey: 'once' }, 0)
    wait(pump, 1000)
    b.submit({ idempotencyKey: 'once' })
    wait(pump, 1000)
    expect(b.of('accepted')).toEqual([])
    c.releaseDisk()
    wait(pump, 3000)
    expect(b.of('accepted')).toMatchObject([{ deduplicated: 'same', short: false }])
  })
})

describe('an outcome', () => {
  /** It was submitted at a, and runs at b, on the same computer; c is on another one. */
  function shared(): { pump: Pump; a: PumpNode; b: PumpNode; c: PumpNode; id: string } {
    const [pump, a, b, c] = on('x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    const id = a.submit()
    pump.settle()
    b.worker(1)
    wait(pump, 1000)
    expect(b.running.has(id)).toBe(true)
    return { pump, a, b, c, id }
  }

  test('of a node on this computer is told only when another computer has it', () => {
    const { pump, a, b, c, id } = shared()
    a.feed({ kind: 'watch', taskId: id })
    c.holdDisk = true
    b.end(id)
    wait(pump, 1000)
    expect(a.state(id)).toBe('completed')
    expect([a.of('settled'), b.of('settled')]).toEqual([[], []])
    c.releaseDisk()
    wait(pump, 3000)
    expect([a.of('settled'), b.of('settled')]).toMatchObject([[{ taskId: id }], [{ taskId: id }]])
  })

  test('that somebody waits for is told without waiting for anybody to say what he has', () => {
    const { pump, a, b, c, id } = shared()
    a.feed({ kind: 'watch', taskId: id })
    pump.settle()
    b.end(id)
    pump.settle()
    expect(c.state(id)).toBe('completed')
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
  })

  test('that somebody begins to wait for later is told as soon', () => {
    const { pump, a, b, id } = shared()
    b.end(id)
    pump.settle()
    expect(a.of('settled')).toEqual([])
    a.feed({ kind: 'watch', taskId: id })
    pump.settle()
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
  })

  test('that somebody begins to wait for while it is on its way to disk is told as soon', () => {
    const { pump, a, b, id } = shared()
    a.holdDisk = true
    b.end(id)
    wait(pump, 500)
    a.feed({ kind: 'watch', taskId: id })
    a.releaseDisk()
    pump.settle()
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
  })

  test('that nobody waits for costs no write of those who hear of it', () => {
    const { pump, a, b, id } = shared()
    const before = a.core.view.mergedVector().get(a.boot)
    b.end(id)
    wait(pump, 5000)
    expect(a.core.view.mergedVector().get(a.boot)).toBe(before)
    expect([a, b].map(node => node.core.view.isReported(id))).toEqual([true, true])
  })

  test('that came in a notebook of a third is not told where others know only that the task had begun', () => {
    for (const isAwaited of [true, false]) {
      const [pump, a, b, c, d] = on('x', 'x', 'y', 'x') as [Pump, ...Four]
      b.worker(1)
      const id = b.submit()
      wait(pump, 2000)
      expect(c.record(id).started).not.toBeNull()
      if (isAwaited) a.feed({ kind: 'watch', taskId: id })
      d.feed({ kind: 'watch', taskId: id })
      // Of the maker only d hears how it ended, and what d has written about it comes to a.
      pump.lose = (from, to, { kind }) =>
        kind !== 'heartbeat' && `${from}${to}` !== 'bd' && `${from}${to}` !== 'da'
      for (const node of pump.nodes) pump.mute.add(node.id)
      b.end(id)
      wait(pump, 2000)
      expect([a.state(id), c.state(id)]).toEqual(['completed', 'running'])
      expect(a.of('settled')).toEqual([])
      pump.lose = () => false
      pump.mute.clear()
      wait(pump, 3000)
      expect(a.of('settled')).toMatchObject([{ taskId: id }])
    }
  })

  test('of a node on another computer is told at once: ours is the second', () => {
    const [pump, a, b] = on('x', 'y', 'y') as [Pump, PumpNode, PumpNode]
    const id = a.submit()
    pump.settle()
    b.worker(1)
    wait(pump, 1000)
    a.feed({ kind: 'watch', taskId: id })
    pump.settle()
    const before = a.core.view.mergedVector().get(a.boot)
    pump.lose = (_from, to, { kind }) => kind === 'ack' && to === a.id
    b.end(id)
    pump.settle()
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
    expect(a.core.view.mergedVector().get(a.boot)).toBe(before)
  })

  test('of a node that has crashed since is told only when somebody else on another computer has it', () => {
    const [pump, a, b, c] = on('x', 'y', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    const id = a.submit()
    pump.settle()
    b.worker(1)
    wait(pump, 1000)
    a.feed({ kind: 'watch', taskId: id })
    pump.settle()
    a.holdDisk = c.holdDisk = true
    b.end(id)
    pump.settle()
    pump.crash(b)
    wait(pump, 200)
    a.releaseDisk()
    wait(pump, 1000)
    expect([a.state(id), a.of('settled')]).toEqual(['completed', []])
    c.releaseDisk()
    wait(pump, 1000)
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
  })
})

describe('a start that has to be known before it happens', () => {
  test('is known on another computer, if one is linked', () => {
    const [pump, a, , c] = on('x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    a.worker(1)
    c.holdDisk = true
    const id = a.submit({ delivery: 'at-most-once' })
    wait(pump, 3 * acksTimeoutMs)
    expect(a.of('start')).toEqual([])
    c.releaseDisk()
    wait(pump, 3000)
    expect(a.of('start')).toMatchObject([{ run: { taskId: id } }])
    expect(c.record(id).started).not.toBeNull()
  })
})

describe('a blob', () => {
  const blobs = Array.from({ length: 8 }, (_, i) => ({
    hash: i.toString(16).padStart(64, '0'),
    bytes: 20_000
  }))

  test('is on another computer before anything is written that names it', () => {
    for (const blob of blobs) {
      const [pump, a, b, c] = on('x', 'x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
      const d = pump.nodes[3]!
      pump.lose = (_from, to, { kind }) => kind === 'offer' && to === d.id
      a.submitBlob(blob)
      wait(pump, 1000)
      expect([...a.core.view.records()]).toEqual([])
      pump.lose = () => false
      wait(pump, 3000)
      expect(a.of('accepted')).toMatchObject([{ short: false }])
      expect(d.has(blob)).toBe(true)
      expect([b, c]).toHaveLength(2)
    }
  })

  test('stays on two computers when nobody has use for it any more', () => {
    for (const blob of blobs) {
      const [pump, a] = on('x', 'x', 'y', 'y') as [Pump, PumpNode]
      a.submitBlob(blob)
      wait(pump, blobSpareMs + 10_000)
      const keepers = pump.nodes.filter(node => node.has(blob))
      expect(keepers).toHaveLength(2)
      expect(new Set(keepers.map(({ name }) => computerOf(name))).size).toBe(2)
    }
  })

  test('that is nowhere but on one computer is accepted at last, and that is said', () => {
    const [pump, a, , c] = on('x', 'x', 'y') as [Pump, PumpNode, PumpNode, PumpNode]
    pump.lose = (_from, to, { kind }) => kind === 'offer' && to === c.id
    a.submitBlob(blobs[0]!)
    wait(pump, acksTimeoutMs + 2000)
    expect(a.of('accepted')).toMatchObject([{ acks: 1, short: true }])
  })
})
