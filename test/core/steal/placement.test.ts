/** Whom a task goes to at once that becomes ready where there is no slot for it, and what that costs. */
import { describe, expect, test } from 'vitest'
import '../forbid.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { isSettled } from '../../../src/core/task/record.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, taskOf } from '../../support/tasks.ts'

/** Four linked nodes that are up for a while. The first runs nothing, each of the others one task at a time. */
function four(): { pump: Pump; a: PumpNode; workers: PumpNode[] } {
  const pump = pumpOf(
    ['a', 'b', 'c', 'd'].map(id => bootOf(id)),
    {},
    ['pc1', 'pc2', 'pc3', 'pc4']
  )
  const [a, ...workers] = pump.nodes as [PumpNode, ...PumpNode[]]
  for (const node of workers) node.worker(1)
  pump.pass(CORE_DEFAULTS.bootQuietMs)
  pump.sleepy = true
  return { pump, a, workers }
}

function runnersOf(workers: readonly PumpNode[], id: TaskId): PumpNode[] {
  return workers.filter(({ running }) => running.has(id))
}

describe('a task that is submitted where it cannot run', () => {
  test('is given at once to a node that has a slot, and to no other', () => {
    const { pump, a, workers } = four()
    const ids = [1, 2, 3].map(() => a.submit())
    pump.settle()
    for (const id of ids) expect(runnersOf(workers, id)).toHaveLength(1)
    for (const { running } of workers) expect(running.size).toBe(1)
    for (const node of workers) expect(node.sent('steal')).toEqual([])
  })

  test('waits to be stolen if nobody has one', () => {
    const { pump, a, workers } = four()
    const ids = [1, 2, 3, 4, 5].map(() => a.submit())
    pump.settle()
    expect(ids.filter(id => a.record(id).claim.holder === a.boot)).toHaveLength(2)
    const [first] = workers as [PumpNode]
    first.end(first.running.keys().next().value!)
    const before = first.of('send').length
    pump.settle()
    expect(first.running.size).toBe(1)
    // How the other ended, and the question; that what was asked for has come is no news of its own.
    const sent = first.of('send').slice(before)
    expect(sent.map(({ message }) => message.kind).toSorted()).toEqual(['batch', 'steal'])
  })

  test('is given before another one only if it is as urgent', () => {
    const { pump, a, workers } = four()
    a.holdDisk = true
    a.submit({ type: 'nobody runs this' })
    const low = [1, 2, 3].map(() => a.submit({ priority: 1 }))
    const high = [1, 2, 3].map(() => a.submit({ priority: 9 }))
    a.releaseDisk()
    pump.settle()
    for (const id of high) expect(runnersOf(workers, id)).toHaveLength(1)
    for (const id of low) expect(runnersOf(workers, id)).toEqual([])
  })

  test('is not given to a node that is about to ask for a more urgent one', () => {
    const { pump, a, workers } = four()
    const [first] = [1, 2, 3].map(() => a.submit({ priority: 9 }))
    pump.settle()
    const urgent = a.submit({ priority: 9 })
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'steal'
    runnersOf(workers, first!)[0]!.end(first!)
    pump.settle()
    const low = a.submit({ priority: 1 })
    pump.settle()
    for (const id of [urgent, low]) expect(a.record(id).claim.holder).toBe(a.boot)
  })

  test.each([
    ['drains', (_: Pump, b: PumpNode) => b.feed({ kind: 'drain', node: b.id })],
    ['cannot write', (_: Pump, b: PumpNode) => b.feed({ kind: 'disk', works: false })],
    ['has no handler for it', (_: Pump, b: PumpNode) => b.worker(1, ['other'])]
  ])('is not given to a node that %s', (_what, act) => {
    const { pump, a, workers } = four()
    const [b] = workers as [PumpNode]
    act(pump, b)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    const ids = [1, 2, 3].map(() => a.submit())
    pump.settle()
    expect(b.running.size).toBe(0)
    expect(ids.filter(id => a.record(id).claim.holder === b.boot)).toEqual([])
    // Nor has it handed on any.
    expect(b.sent('grant')).toEqual([])
    expect(ids.filter(id => runnersOf(workers, id).length === 1)).toHaveLength(2)
  })

  test('stays where it is while its node is paused', () => {
    const { pump, a } = four()
    a.feed({ kind: 'disk', works: false })
    const id = a.submit()
    pump.settle()
    expect(a.record(id).claim.holder).toBe(a.boot)
  })

  test('is not given on by whoever was given it, but may be stolen there', () => {
    const { pump, a, workers } = four()
    const [b, c] = workers as [PumpNode, PumpNode]
    c.worker(0)
    workers[2]!.worker(0)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    a.submit()
    pump.settle()
    const record = taskOf(a.boot, 1000)
    const claim = { ...record.claim, holder: b.boot, epoch: 1, cause: 'grant' as const }
    c.worker(1)
    const message = { kind: 'grant' as const, request: 0, boot: a.boot, dependencies: [] }
    b.feed({
      kind: 'message',
      from: a.id,
      message: { ...message, records: [{ ...record, claim }] }
    })
    pump.settle()
    expect(b.record(record.spec.id).claim.holder).toBe(b.boot)
    pump.pass(CORE_DEFAULTS.gatherBusyMs)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    expect(c.running.has(record.spec.id)).toBe(true)
  })

  test('is not given to a node that has said nothing of an earlier one for too long', () => {
    const { pump, a, workers } = four()
    const [b] = workers as [PumpNode]
    for (const node of workers.slice(1)) node.worker(0)
    b.worker(3)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    pump.lose = (from, to, { kind }) => from === b.id && to === a.id && kind === 'batch'
    pump.mute.add(b.id)
    a.submit()
    pump.pass(400)
    const second = a.submit()
    pump.pass(400)
    expect(a.record(second).claim.holder).toBe(b.boot)
    const third = a.submit()
    pump.settle()
    expect(a.record(third).claim.holder).toBe(a.boot)
  })

  test('is given to a node that has said what became of all earlier ones, however long that was ago', () => {
    const { pump, a, workers } = four()
    for (let round = 0; round < 3; round++) {
      const ids = [1, 2, 3].map(() => a.submit())
      pump.settle()
      for (const id of ids) runnersOf(workers, id)[0]!.end(id)
      for (let passed = 0; passed < 1000; passed += CORE_DEFAULTS.tickMs)
        pump.pass(CORE_DEFAULTS.tickMs)
    }
    for (const node of workers) expect(node.sent('steal')).toEqual([])
  })

  test('is stolen from nobody who is about to start it', () => {
    const { pump, a, workers } = four()
    const [b, c] = workers as [PumpNode, PumpNode]
    b.holdDisk = true
    const id = a.submit()
    pump.settle()
    pump.pass(CORE_DEFAULTS.gatherMs)
    const runner = runnersOf(workers, id)[0]!
    for (const node of [b, c]) if (node !== runner) expect(node.sent('steal')).toEqual([])
  })
})

test('a task is given as it is on disk, whatever has become of it since', () => {
  const { pump, a, workers } = four()
  a.holdDisk = true
  const id = a.submit()
  pump.settle()
  a.cancel(id)
  expect(a.record(id).cancelRequest).not.toBeNull()
  a.releaseFlush()
  pump.settle()
  const given = a.sent('grant').flatMap(({ records }) => records)
  expect(given.map(({ cancelRequest }) => cancelRequest)).toEqual([null])
  a.releaseDisk()
  pump.settle()
  expect(workers.flatMap(node => node.of('abort'))).toHaveLength(1)
})

describe('the copy that is waited for', () => {
  test('is that of the node that was given the task, as soon as its own disk has it', () => {
    const { pump, a, workers } = four()
    for (const node of workers) node.holdDisk = true
    const id = a.submit()
    pump.settle()
    const [runner] = runnersOf(workers, id) as [PumpNode]
    expect(a.of('accepted')).toEqual([])
    for (const node of workers) if (node !== runner) node.releaseDisk()
    pump.settle()
    expect(a.of('accepted')).toEqual([])
    runner.releaseDisk()
    pump.settle()
    expect(a.of('accepted').map(({ acks, short }) => ({ acks, short }))).toEqual([
      { acks: 1, short: false }
    ])
  })

  test('is told with how the task has ended, if that is on disk by then', () => {
    const { pump, a, workers } = four()
    for (const node of workers) node.holdDisk = true
    const id = a.submit()
    pump.settle()
    const [runner] = runnersOf(workers, id) as [PumpNode]
    const before = runner.of('send').length
    runner.end(id)
    for (const node of workers) node.releaseDisk()
    pump.settle()
    expect(a.of('accepted')).toHaveLength(1)
    expect(isSettled(a.record(id))).toBe(true)
    const told = runner.of('send').slice(before)
    expect(
      told.filter(({ to, message }) => to === a.id && message.kind === 'batch').length
    ).toBeLessThanOrEqual(2)
  })

  test('is told soon, however many tasks it was given', () => {
    const { pump, a, workers } = four()
    const [b] = workers as [PumpNode]
    b.worker(40)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    // It has just told all something, so that what nobody waits for would come late.
    b.submit({ type: 'nobody runs this' })
    pump.settle()
    pump.lose = (from, _, { kind }) => from === a.id && kind === 'batch'
    a.holdDisk = true
    for (let i = 0; i < 40; i++) a.submit()
    a.releaseDisk()
    pump.settle()
    expect(b.running.size).toBeGreaterThan(30)
    pump.pass(CORE_DEFAULTS.gatherMs)
    expect(a.of('accepted')).toHaveLength(40)
  })

  test('is asked of somebody else if that node is out of reach', () => {
    const { pump, a, workers } = four()
    for (const node of workers) node.holdDisk = true
    const id = a.submit()
    pump.settle()
    const [runner] = runnersOf(workers, id) as [PumpNode]
    pump.link(a, runner, false)
    for (const node of workers) if (node !== runner) node.releaseDisk()
    pump.settle()
    expect(a.of('accepted').map(({ acks }) => acks)).toEqual([1])
  })

  test('is asked of somebody else at once if that node is on the same computer', () => {
    const pump = pumpOf(
      ['a', 'b', 'c'].map(id => bootOf(id)),
      {},
      ['pc1', 'pc1', 'pc2']
    )
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    b.worker(1)
    pump.pass(CORE_DEFAULTS.bootQuietMs)
    pump.sleepy = true
    const id = a.submit()
    pump.settle()
    expect(b.running.has(id)).toBe(true)
    expect(a.of('accepted').map(({ acks }) => acks)).toEqual([1])
  })

  test('is asked of somebody else if that node says nothing for half a second', () => {
    const { pump, a, workers } = four()
    for (const node of workers) node.holdDisk = true
    const id = a.submit()
    pump.settle()
    const [runner] = runnersOf(workers, id) as [PumpNode]
    for (const node of workers) if (node !== runner) node.releaseDisk()
    pump.lose = (from, _, { kind }) => from === a.id && kind === 'batch'
    pump.pass(400)
    expect(a.of('accepted')).toEqual([])
    pump.lose = () => false
    pump.pass(200)
    expect(a.of('accepted').map(({ acks }) => acks)).toEqual([1])
  })
})

describe('the copy that is waited for, where some nodes share a computer', () => {
  /** The first two do. Whichever of them are not free run something for long. */
  function shared(...free: number[]): { pump: Pump; nodes: PumpNode[] } {
    const pump = pumpOf(
      ['a', 'b', 'c', 'd'].map(id => bootOf(id)),
      {},
      ['pc1', 'pc1', 'pc2', 'pc3']
    )
    for (const i of free) pump.nodes[i]!.worker(1)
    pump.pass(CORE_DEFAULTS.bootQuietMs)
    pump.sleepy = true
    return { pump, nodes: pump.nodes }
  }

  test('is asked of another computer at once, if the node that was given the task is on this one', () => {
    const { pump, nodes } = shared(1)
    const [a, b] = nodes as [PumpNode, PumpNode]
    b.holdDisk = true
    const id = a.submit()
    pump.settle()
    expect(a.record(id).claim.holder).toBe(b.boot)
    expect(a.of('accepted').map(({ acks, short }) => ({ acks, short }))).toEqual([
      { acks: 1, short: false }
    ])
  })

  test('is not one on this computer', () => {
    const { pump, nodes } = shared(2)
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    c.holdDisk = true
    d.holdDisk = true
    const id = a.submit()
    pump.settle()
    expect(a.record(id).claim.holder).toBe(c.boot)
    pump.pass(CORE_DEFAULTS.gatherMs)
    pump.pass(CORE_DEFAULTS.tickMs)
    expect(b.state(id)).toBe('queued')
    expect(a.of('accepted')).toEqual([])
    c.releaseDisk()
    pump.settle()
    expect(a.of('accepted').map(({ short }) => short)).toEqual([false])
  })

  test('is not one on this computer, if another has come since the task was given away', () => {
    const { pump, nodes } = shared(1)
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    for (const node of [c, d]) pump.link(a, node, false)
    b.holdDisk = true
    const id = a.submit()
    pump.settle()
    expect(a.record(id).claim.holder).toBe(b.boot)
    c.holdDisk = true
    pump.link(a, c)
    b.releaseDisk()
    pump.settle()
    expect(a.of('accepted')).toEqual([])
    c.releaseDisk()
    for (let passed = 0; passed < 1000; passed += CORE_DEFAULTS.tickMs)
      pump.pass(CORE_DEFAULTS.tickMs)
    expect(a.of('accepted').map(({ short }) => short)).toEqual([false])
  })
})

test('how tasks have ended is told to their submitter soon, if they are too many to be told straight', () => {
  const { pump, a, workers } = four()
  const [b] = workers as [PumpNode]
  b.worker(40)
  pump.pass(CORE_DEFAULTS.heartbeatMs)
  const ids = Array.from({ length: 40 }, () => a.submit())
  pump.settle()
  b.holdDisk = true
  for (const id of b.running.keys()) b.end(id)
  b.releaseDisk()
  pump.settle()
  pump.pass(CORE_DEFAULTS.gatherMs)
  expect(ids.filter(id => isSettled(a.record(id))).length).toBeGreaterThan(30)
})

describe('what was given to a node that is then cut off from the submitter', () => {
  /** The submitter sees nobody, and is no majority. */
  function cutOff(
    delivery: 'at-least-once' | 'at-most-once',
    lose: (from: PumpNode, runner: PumpNode, kind: string) => boolean
  ): { a: PumpNode; id: TaskId } {
    const { pump, a, workers } = four()
    const [runner] = workers as [PumpNode]
    for (const node of workers.slice(1)) node.worker(0)
    a.worker(0)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    // What is lost is not fetched, either.
    pump.mute.add(runner.id)
    pump.lose = (from, _, { kind }) =>
      lose(
        pump.nodes.find(({ id }) => id === from)!,
        runner,
        kind
      )
    const id = a.submit({ delivery })
    pump.settle()
    expect(a.record(id).claim.holder).toBe(runner.boot)
    // All have been told, and have acknowledged that.
    pump.pass(CORE_DEFAULTS.gatherBusyMs)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    for (const node of workers) pump.link(a, node, false)
    pump.lose = (from, to) => from === a.id || to === a.id
    // Not at once: a node that stood still would have to hear the others first.
    for (let ms = 0; ms < 2 * CORE_DEFAULTS.unreachableMs; ms += 1000) pump.pass(1000)
    return { a, id }
  }

  test('is taken back, if that node is not known to have it', () => {
    const { a, id } = cutOff('at-least-once', (from, runner) => from === runner)
    expect(a.record(id).claim).toMatchObject({ holder: a.boot, cause: 'reclaim', epoch: 2 })
    a.worker(1)
    expect(a.running.has(id)).toBe(true)
  })

  test('stays there, if that node has written something of it', () => {
    const { a, id } = cutOff(
      'at-least-once',
      (from, runner, kind) => from === runner && kind !== 'batch'
    )
    expect(a.record(id).claim.holder).not.toBe(a.boot)
  })

  test('stays there, if that node has said that it has what we wrote of it', () => {
    const { a, id } = cutOff(
      'at-least-once',
      (from, runner, kind) => kind === 'grant' || (from === runner && kind === 'batch')
    )
    expect(a.record(id).claim.holder).not.toBe(a.boot)
  })

  test('stays there, if it may run only once', () => {
    const { a, id } = cutOff('at-most-once', (from, runner) => from === runner)
    expect(a.record(id).claim.holder).not.toBe(a.boot)
  })
})

test('a task that moves costs two messages straight, and little else', () => {
  const { pump, a, workers } = four()
  const sent = (): number =>
    pump.nodes
      .flatMap(node => node.of('send'))
      .filter(({ message: { kind } }) => kind !== 'heartbeat').length
  const before = sent()
  const rounds = 20
  for (let round = 0; round < rounds; round++) {
    const id = a.submit()
    pump.settle()
    const [runner] = runnersOf(workers, id) as [PumpNode]
    runner.end(id)
    pump.settle()
    expect(isSettled(a.record(id))).toBe(true)
  }
  // The task, that it is there, how it ended; and now and then an acknowledgement of that.
  expect((sent() - before) / rounds).toBeLessThanOrEqual(4)
})
