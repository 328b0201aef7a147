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
    pump.settle()
    expect(first.running.size).toBe(1)
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
