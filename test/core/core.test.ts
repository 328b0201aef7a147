/** The core, driven by hand: the life of a task, step by step. */
import { describe, expect, test } from 'vitest'
import { pumpOf, type Pump, type PumpNode } from '../support/pump.ts'
import { bootOf, heartbeatOf, outcomeBy, taskOf } from '../support/tasks.ts'
import './forbid.ts'
import type { Message } from '../../src/core/message.ts'
import { CORE_DEFAULTS } from '../../src/core/options.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]

function two(): { pump: Pump; a: PumpNode; b: PumpNode } {
  const pump = pumpOf([A, B])
  return { pump, a: pump.nodes[0]!, b: pump.nodes[1]! }
}

describe('a submission', () => {
  test('is accepted when it is on disk here and at another', () => {
    const { pump, a, b } = two()
    a.holdDisk = true
    b.holdDisk = true
    const taskId = a.submit()
    pump.settle()
    expect(a.of('accepted')).toEqual([])
    a.releaseDisk()
    pump.settle()
    expect(b.record(taskId)).toBeDefined()
    expect(a.of('accepted')).toEqual([])
    b.releaseDisk()
    pump.settle()
    expect(a.of('accepted')).toEqual([
      { kind: 'accepted', request: 1, taskId, acks: 1, short: false, deduplicated: 'no' }
    ])
  })

  test('tells nobody anything before it is on disk', () => {
    const { pump, a } = two()
    a.holdDisk = true
    a.submit()
    pump.pass(5000)
    expect(a.sent('batch')).toEqual([])
    expect(a.sent('heartbeat').every(({ vector }) => vector.size === 0)).toBe(true)
    expect([
      ...a.core.answerSync({
        kind: 'sync',
        boot: B,
        vector: new Map()
      })
    ]).toEqual([])
    a.releaseDisk()
    expect(a.sent('batch')).not.toEqual([])
  })

  test('alone is accepted at once, and short', () => {
    const pump = pumpOf([A])
    const [a] = pump.nodes
    a!.submit()
    pump.settle()
    expect(a!.of('accepted')).toMatchObject([{ acks: 0, short: true }])
  })

  test('with acks 2 waits for two others, and is short when one of them never answers', () => {
    const pump = pumpOf([A, B, C])
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    a.submit({}, 2)
    for (let i = 0; i < 3; i++) pump.pass(200)
    expect(a.of('accepted')).toMatchObject([{ acks: 2, short: false }])
    c.holdDisk = true
    const second = a.submit({}, 2)
    for (let i = 0; i < 3; i++) pump.pass(200)
    expect(b.core.view.record(second)).toBeDefined()
    expect(a.of('accepted')).toHaveLength(1)
    pump.pass(CORE_DEFAULTS.acksTimeoutMs)
    expect(a.of('accepted').at(-1)).toMatchObject({ request: 2, acks: 1, short: true })
  })

  test('under load shares flushes: what comes meanwhile is written together', () => {
    const { pump, a } = two()
    const before = a.of('persist').length
    a.holdDisk = true
    for (let i = 0; i < 100; i++) a.submit()
    expect(a.of('persist')).toHaveLength(before + 1)
    a.releaseDisk()
    pump.settle()
    expect(a.of('persist')[before + 1]!.flush.tasks).toHaveLength(99)
    expect(a.of('accepted')).toHaveLength(100)
  })

  test('that comes while the other writes to disk is acknowledged as soon as that is done', () => {
    const { pump, a, b } = two()
    b.holdDisk = true
    a.submit()
    pump.settle()
    a.submit()
    pump.settle()
    b.releaseDisk()
    pump.settle()
    expect(a.of('accepted')).toHaveLength(2)
  })

  test('runs here if it can, and its outcome is told when it is on two disks', () => {
    const { pump, a, b } = two()
    a.worker(1)
    const taskId = a.submit()
    pump.settle()
    expect(a.running.get(taskId)).toMatchObject({ epoch: 0, attempt: 1 })
    b.holdDisk = true
    a.end(taskId)
    pump.settle()
    expect(a.of('settled')).toEqual([])
    b.releaseDisk()
    pump.settle()
    expect(a.of('settled')).toEqual([{ kind: 'settled', taskId }])
    expect(b.of('settled')).toEqual([{ kind: 'settled', taskId }])
    expect(b.state(taskId)).toBe('completed')
  })
})

describe('a steal', () => {
  test('takes a queued task to where it can run', () => {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    b.worker(1)
    expect(b.running.get(taskId)).toMatchObject({ epoch: 1 })
    b.end(taskId, { status: 'completed', result: '42' })
    pump.settle()
    expect(a.record(taskId)).toMatchObject({
      claim: { epoch: 1, holder: B, cause: 'grant', hops: 1 },
      outcome: { by: B, result: '42' }
    })
    expect(a.record(taskId)).toEqual(b.record(taskId))
  })

  test('is written down by the thief, too, so that the grant survives its giver', () => {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'batch'
    b.feed({ kind: 'worker', slots: 0, handlers: ['work'] })
    a.feed({
      kind: 'message',
      from: 'b',
      message: { kind: 'steal', request: 1, boot: B, want: 1, handlers: ['work'], labels: {} }
    })
    pump.settle()
    expect(b.core.view.writtenBy(B, 1)).toBe(taskId)
    expect(b.record(taskId).claim).toMatchObject({ holder: B, epoch: 1 })
  })

  test('is answered only when the grant is on the disk of its giver', () => {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    a.holdDisk = true
    b.worker(1)
    pump.settle()
    expect(a.record(taskId).claim.holder).toBe(B)
    expect(a.sent('grant')).toEqual([])
    expect(b.running.size).toBe(0)
    a.releaseDisk()
    pump.settle()
    expect(b.running.has(taskId)).toBe(true)
  })

  test('whose answer is lost is learnt of from the log', () => {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'grant'
    b.worker(1)
    pump.settle()
    expect(a.sent('grant')).toHaveLength(1)
    expect(b.running.get(taskId)).toMatchObject({ epoch: 1 })
  })

  test('whose answer and gossip are both lost is learnt of from a sync', () => {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'grant' || kind === 'batch'
    b.worker(1)
    pump.settle()
    expect(b.running.size).toBe(0)
    for (let i = 0; i < 4; i++) pump.pass(CORE_DEFAULTS.heartbeatMs)
    expect(b.running.get(taskId)).toMatchObject({ epoch: 1 })
  })

  test('whose answer comes a second time changes nothing', () => {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    b.worker(1)
    b.end(taskId)
    pump.settle()
    const before = b.record(taskId)
    b.feed({ kind: 'message', from: 'a', message: a.sent('grant')[0]! })
    pump.settle()
    expect(b.record(taskId)).toEqual(before)
    expect(b.running.size).toBe(0)
  })

  test('brings the results of dependencies that the thief has not merged', () => {
    const { pump, a, b } = two()
    a.worker(1)
    const first = a.submit()
    a.end(first, { status: 'completed', result: '"first"' })
    pump.lose = (_from, to, { kind }) => to === 'b' && kind === 'batch'
    a.worker(0, [])
    const second = a.submit({ dependsOn: [first] })
    pump.settle()
    expect(b.core.view.record(first)).toBeUndefined()
    a.feed({
      kind: 'message',
      from: 'b',
      message: { kind: 'steal', request: 0, boot: B, want: 1, handlers: ['work'], labels: {} }
    })
    b.worker(1)
    pump.settle()
    expect(b.running.get(second)!.dependencies).toEqual(new Map([[first, '"first"']]))
  })

  test('never asks for a negative number of tasks, however many slots there are', () => {
    const { pump, a, b } = two()
    const slots = CORE_DEFAULTS.stealMax + 100
    b.worker(slots)
    const own = Array.from({ length: slots - 50 }, () => b.submit())
    pump.settle()
    // More than there is room for: the rest is asked for.
    for (let i = 0; i < 60; i++) a.submit()
    pump.settle()
    b.end(own.pop()!)
    pump.settle()
    const asked = b.sent('steal').map(({ want }) => want)
    expect(asked.length).toBeGreaterThan(0)
    for (const want of asked) {
      expect(want).toBeGreaterThan(0)
      expect(want).toBeLessThanOrEqual(CORE_DEFAULTS.stealMax)
    }
  })

  test('goes on for at most hopsMax hops', () => {
    const pump = pumpOf([A, B], { hopsMax: 1 })
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    b.worker(1)
    b.submit()
    pump.settle()
    const taskId = a.submit()
    pump.settle()
    b.feed({ kind: 'worker', slots: 0, handlers: [] })
    pump.settle()
    const holder = a.record(taskId).claim
    a.worker(1)
    pump.pass(1000)
    expect(a.record(taskId).claim.hops).toBe(holder.hops === 1 ? 1 : 0)
  })
})

describe('a run', () => {
  test('that was superseded is aborted, and what it reports is ignored', () => {
    const { pump, a } = two()
    a.worker(1)
    const taskId = a.submit()
    pump.settle()
    const { claim } = a.record(taskId)
    const higher = {
      ...a.record(taskId),
      claim: { ...claim, epoch: 1, holder: C, cause: 'reclaim' as const }
    }
    const message: Message = { kind: 'batch', origin: C, after: 0, records: [higher], writes: [0] }
    const effects = a.feed({ kind: 'message', from: 'b', message })
    expect(effects).toContainEqual({ kind: 'abort', taskId, epoch: 0 })
    a.feed({
      kind: 'completion',
      taskId,
      epoch: 0,
      run: { status: 'completed', result: '1' },
      durationMs: 1
    })
    expect(a.record(taskId).outcome).toBeNull()
  })

  test('that ends twice, or at another epoch, or was never started here, counts once or not at all', () => {
    const { pump, a } = two()
    a.worker(1)
    const taskId = a.submit()
    const complete = (epoch: number, result: string, id = taskId): void => {
      const run = { status: 'completed', result } as const
      a.feed({ kind: 'completion', taskId: id, epoch, run, durationMs: 1 })
    }
    complete(1, '"early"')
    expect(a.record(taskId).outcome).toBeNull()
    complete(0, '"first"')
    complete(0, '"second"')
    complete(0, '"stranger"', 'no such task')
    pump.settle()
    expect(a.record(taskId).outcome!.result).toBe('"first"')
  })

  test('of a higher priority starts first, and no more run than there are slots', () => {
    const { a } = two()
    const ids = [3, 9, 6].map(priority => a.submit({ priority }))
    a.worker(2)
    expect([...a.running.keys()]).toEqual([ids[1], ids[2]])
    a.end(ids[1]!)
    expect([...a.running.keys()]).toEqual([ids[2], ids[0]])
  })
})

describe('dependencies', () => {
  test('are run first, and their results are handed on', () => {
    const { a } = two()
    a.worker(2)
    const first = a.submit()
    const second = a.submit({ dependsOn: [first] })
    expect(a.state(second)).toBe('waiting')
    a.end(first, { status: 'completed', result: '7' })
    expect(a.running.get(second)!.dependencies).toEqual(new Map([[first, '7']]))
  })

  test('that fail cancel all that depend on them, 10,000 in a row', () => {
    const pump = pumpOf([A])
    const a = pump.nodes[0]!
    a.holdDisk = true
    a.feed({ kind: 'worker', slots: 1, handlers: ['work'] })
    const first = a.submit()
    let last = first
    for (let i = 0; i < 10_000; i++) {
      a.core.step(pump.now, {
        kind: 'submit',
        request: i,
        id: null,
        draft: { ...taskOf(A, 1).spec, dependsOn: [last] },
        acks: 0
      })
      last = a.core.view.writtenBy(A, i + 3)!
    }
    const error = { name: 'Error', message: 'no', stack: null }
    a.end(first, { status: 'failed', error, reason: 'HandlerError' })
    expect(a.record(last).outcome).toMatchObject({
      status: 'cancelled',
      reason: 'DependencyFailed'
    })
    expect([...a.core.view.records()].every(record => record.outcome !== null)).toBe(true)
  })
})

describe('a message that cannot be meant', () => {
  function queued(): { pump: Pump; a: PumpNode; b: PumpNode; taskId: string } {
    const { pump, a, b } = two()
    const taskId = a.submit()
    pump.settle()
    return { pump, a, b, taskId }
  }
  const steal: Message = {
    kind: 'steal',
    request: 1,
    boot: C,
    want: 1,
    handlers: ['work'],
    labels: {}
  }

  test('a steal in the name of another node gets nothing', () => {
    const { pump, a, taskId } = queued()
    a.feed({ kind: 'message', from: 'b', message: steal })
    pump.settle()
    expect(a.record(taskId).claim.holder).toBe(A)
    expect(a.sent('grant')).toEqual([])
  })

  test('a grant in the name of another node is not taken', () => {
    const { a } = queued()
    const records = [taskOf(C, 1, { claim: { ...taskOf(C, 1).claim, holder: A, epoch: 1 } })]
    const message: Message = { kind: 'grant', request: 1, boot: C, records, dependencies: [] }
    a.worker(1)
    a.feed({ kind: 'message', from: 'b', message })
    expect(a.core.view.record(records[0]!.spec.id)).toBeUndefined()
  })

  test('a grant that names another holder is not started', () => {
    const { a, b } = queued()
    b.worker(0, [])
    const record = taskOf(C, 1, { claim: { ...taskOf(C, 1).claim, holder: C, epoch: 1 } })
    const message: Message = {
      kind: 'grant',
      request: 1,
      boot: B,
      records: [record],
      dependencies: []
    }
    a.worker(2)
    a.running.clear()
    a.feed({ kind: 'message', from: 'b', message })
    expect(a.running.has(record.spec.id)).toBe(false)
    expect(a.record(record.spec.id).claim.holder).toBe(C)
    // It is written down all the same: no vector would ever carry it otherwise.
    expect(a.core.view.writtenBy(A, a.core.view.mergedVector().get(A)!)).toBe(record.spec.id)
  })

  test('an acknowledgement of an unknown boot is no copy', () => {
    const pump = pumpOf([A, B])
    const [a] = pump.nodes
    pump.lose = () => true
    a!.submit()
    pump.settle()
    const vector = new Map([[A, 1]])
    a!.feed({ kind: 'message', from: 'b', message: { kind: 'ack', boot: bootOf('b', 9), vector } })
    a!.feed({ kind: 'message', from: 'c', message: { kind: 'ack', boot: C, vector } })
    expect(a!.of('accepted')).toEqual([])
    a!.feed({ kind: 'message', from: 'b', message: { kind: 'ack', boot: B, vector } })
    expect(a!.of('accepted')).toHaveLength(1)
  })

  test('a batch of our own writes changes nothing, and the next write has its number', () => {
    const { pump, a, taskId } = queued()
    const forged = taskOf(A, 9, { outcome: outcomeBy(B) })
    for (const after of [0, 1, 5]) {
      const records = [forged, forged, forged]
      const message: Message = { kind: 'batch', origin: A, after, records, writes: [0, 1, 2] }
      expect(a.feed({ kind: 'message', from: 'b', message })).toEqual([])
    }
    expect([...a.core.view.records()].map(({ spec }) => spec.id)).toEqual([taskId])
    a.submit()
    pump.settle()
    expect(a.core.view.mergedVector().get(A)).toBe(2)
    expect(a.of('accepted')).toHaveLength(2)
  })

  test('a goodbye in the name of another node does not make it leave', () => {
    const pump = pumpOf([A, B, C])
    const [a] = pump.nodes
    a!.feed({ kind: 'message', from: 'b', message: { kind: 'goodbye', boot: C, upTo: 0 } })
    const left = a!.core.view.members(pump.now).filter(({ status }) => status === 'left')
    expect(left).toEqual([])
  })

  test('a sync request among other messages asks for nothing', () => {
    const { a } = queued()
    const message = { kind: 'sync', boot: B, vector: new Map() } as const
    expect(a.feed({ kind: 'message', from: 'z', message })).toEqual([])
  })

  test('a goodbye of a stranger is kept and answered, and nothing else', () => {
    const { pump, a } = queued()
    const boot = bootOf('z')
    const effects = a.feed({
      kind: 'message',
      from: 'z',
      message: { kind: 'goodbye', boot, upTo: 0 }
    })
    // When it is on disk.
    expect(effects.map(({ kind }) => kind)).toEqual(['persist'])
    pump.settle()
    expect(a.effects.slice(a.effects.indexOf(effects[0]!) + 1)).toEqual([
      { kind: 'send', to: 'z', message: { kind: 'farewell', boot } }
    ])
  })

  test('a heartbeat in our own name makes no member', () => {
    const { pump, a } = queued()
    a.feed({ kind: 'message', from: 'b', message: heartbeatOf(A, { at: 2 ** 50 }) })
    expect(a.core.view.members(pump.now)).toHaveLength(1)
  })
})

describe('an outcome from elsewhere', () => {
  function settledElsewhere(watch: boolean): { pump: Pump; lazy: PumpNode } {
    const pump = pumpOf([A, B, C])
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    // Which of the others is the ack partner is decided by a hash: the one that is not is looked at.
    a.worker(1)
    const taskId = a.submit()
    for (let i = 0; i < 3; i++) pump.pass(200)
    const counts = [b, c].map(node => node.of('persist').length)
    const lazy = counts[0]! > counts[1]! ? c : b
    if (watch) lazy.feed({ kind: 'watch', taskId })
    // It has just written to disk, so that what nobody waits for has to wait.
    lazy.submit({ type: 'other' })
    pump.settle()
    a.end(taskId)
    pump.settle()
    return { pump, lazy }
  }

  test('is told at once where somebody waits for it', () => {
    expect(settledElsewhere(true).lazy.of('settled')).toHaveLength(1)
  })

  test('is told within a tick or two where nobody does', () => {
    const { pump, lazy } = settledElsewhere(false)
    expect(lazy.of('settled')).toEqual([])
    for (let i = 0; i < 2; i++) pump.pass(200)
    expect(lazy.of('settled')).toHaveLength(1)
  })
})

test('a core that takes back what was on disk knows the outcomes, and says so', () => {
  const { pump, a, b } = two()
  a.worker(1)
  const done = a.submit()
  a.end(done)
  const open = a.submit({ type: 'other' })
  pump.settle()
  const again = pumpOf([bootOf('a', 2)])
  const restored = again.nodes[0]!
  const tasks = new Map(a.of('persist').flatMap(e => e.flush.tasks.map(t => [t.record.spec.id, t])))
  const vector = new Map(a.of('persist').flatMap(({ flush }) => [...flush.vector]))
  restored.core.restore({ tasks: tasks.values(), vector, members: [] })
  expect(restored.core.view.isReported(done)).toBe(true)
  expect(restored.state(done)).toBe('completed')
  expect(restored.record(open)).toEqual(b.record(open))
  restored.worker(2, ['other', 'work'])
  expect(restored.running.size).toBe(0)
})
