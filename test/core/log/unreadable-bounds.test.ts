/** What cannot be read has a bound wherever it is kept, split and told, and costs what its stretches cost. */
import { describe, expect, test } from 'vitest'
import { cluster } from '../../support/crashes.ts'
import type { PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { raise, UNREADABLE_MAX } from '../../../src/core/base/coverage.ts'
import { Dots, type Stretch } from '../../../src/core/base/dots.ts'
import { ClaimBarrier } from '../../../src/core/claim/claim-barrier.ts'
import { Core } from '../../../src/core/core.ts'
import { Entry } from '../../../src/core/log/entry.ts'
import { Log } from '../../../src/core/log/log.ts'
import { newsOf } from '../../../src/core/replication/snapshot.ts'
import { newMember } from '../../../src/core/membership/member.ts'
import { UNREADABLE, type Batch } from '../../../src/core/message.ts'
import { EPOCH_MAX } from '../../../src/core/task/record.ts'
import { encode } from '../../../src/wire/codec.ts'

const [A, B, C, X] = [bootOf('a'), bootOf('b'), bootOf('c'), bootOf('x')]
const TASK = taskOf(X, 1)

/** So many writes of a boot, of which those cannot be read of which this says so. */
function batchOf(after: number, count: number, isUnread: (seq: number) => boolean): Batch {
  const writes = Array.from({ length: count }, (_, i) => (isUnread(after + i + 1) ? UNREADABLE : 0))
  return { kind: 'batch', origin: X, after, records: [TASK], writes }
}

/** Every second write, from the first on: `count` of them. */
function everySecond(count: number): Stretch[] {
  return Array.from({ length: count }, (_, i) => ({ origin: X, after: 2 * i, upTo: 2 * i + 1 }))
}

describe('a node', () => {
  test('reads no more of a stretch than it can tell what is left of it', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    pump.lose = (_from, _to, message) => encode(message).length === 0
    const feed = (message: Batch): unknown => a.feed({ kind: 'message', from: b.id, message })
    feed(batchOf(0, 4 * UNREADABLE_MAX, () => true))
    pump.pass(200)
    feed(batchOf(0, 4 * UNREADABLE_MAX, seq => seq % 2 === 0))
    for (let i = 0; i < 20; i++) pump.pass(200)
    const told = a.core.view.unreadable()
    expect(told.length).toBeGreaterThan(1)
    expect(told.length).toBeLessThanOrEqual(UNREADABLE_MAX)
    const heard = b.core.view.member('a')!.unreadable
    expect(heard.size).toBe(told.length)
  })

  test('passes over no more in a tick than that takes a moment for, whatever a member says', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const boots = Array.from({ length: 60 }, (_, i) => bootOf(`y${i}`))
    const upTo = 2 ** 40
    a.feed({
      kind: 'message',
      from: b.id,
      message: heartbeatOf(b.boot, {
        name: 'test/b',
        at: pump.now * 1000 + 500_000,
        vector: new Map(boots.map(boot => [boot, upTo])),
        unreadable: boots.map(origin => ({ origin, after: 0, upTo }))
      })
    })
    pump.lose = from => from === b.id
    const merged = (): number =>
      boots.reduce((sum, boot) => sum + (a.core.view.mergedVector().get(boot) ?? 0), 0)
    pump.pass(200)
    const first = merged()
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThanOrEqual(65_536)
    pump.pass(200)
    expect(merged()).toBeLessThanOrEqual(2 * 65_536)
  })
})

describe('a log', () => {
  test('takes in many writes that cannot be read beside many stretches of them', () => {
    const log = new Log(A, undefined, undefined, '1')
    log.merge(batchOf(0, 2 * (UNREADABLE_MAX - 4), seq => seq % 2 === 0))
    const after = log.merged(X)
    for (let i = 0; i < 4; i++) {
      const { kind } = log.merge(batchOf(after + i * 65_000, 65_000, () => true))
      expect(kind).toBe('merged')
    }
    expect(log.unreadable.size).toBeLessThanOrEqual(UNREADABLE_MAX)
    expect(log.unreadable.has({ origin: X, seq: after + 4 * 65_000 })).toBe(true)
  })

  test('remembers of no number of boots that they stand still', () => {
    const log = new Log(A, undefined, undefined, '1')
    log.merge(batchOf(0, 2 * UNREADABLE_MAX, seq => seq % 2 === 0))
    for (let i = 0; i < 2 * UNREADABLE_MAX; i++) {
      const origin = bootOf(`y${i}`)
      log.merge({ kind: 'batch', origin, after: 0, records: [], writes: [UNREADABLE] })
    }
    expect(log.origins.unreadable.stuck.size).toBeLessThanOrEqual(UNREADABLE_MAX)
  })
})

describe('what a member says', () => {
  test('counts, however many stretches it has named before', () => {
    const member = { vector: new Map<string, number>(), unreadable: new Dots() }
    const unreadable = everySecond(UNREADABLE_MAX - 1)
    raise(member, { vector: new Map([[X, 5000]]), unreadable })
    raise(member, { vector: new Map([[X, 5001]]), unreadable })
    expect(member.vector.get(X)).toBe(5001)
    expect(member.unreadable.size).toBe(UNREADABLE_MAX - 1)
  })

  test('makes no more stretches than anybody may tell, whatever it names and names no more', () => {
    const member = { vector: new Map<string, number>(), unreadable: new Dots() }
    const end = 10_000_000
    raise(member, { vector: new Map([[X, end]]), unreadable: [{ origin: X, after: 0, upTo: end }] })
    for (let round = 0; round < 5; round++) {
      const gaps = Array.from({ length: UNREADABLE_MAX - 1 }, (_, i) => round * 5000 + 2 * i + 10)
      const ends = [...gaps, end]
      const unreadable = ends.map((upTo, i) => ({
        origin: X,
        after: i === 0 ? 0 : ends[i - 1]! + 1,
        upTo
      }))
      raise(member, { vector: new Map([[X, end]]), unreadable })
      expect(member.unreadable.size).toBeLessThanOrEqual(UNREADABLE_MAX)
    }
  })
})

test('a reclaim of a task with many writes is confirmed by whoever has that one write', () => {
  const entry = new Entry(taskOf(A, 1))
  entry.noteWrite({ origin: A, seq: 1 })
  for (let i = 0; i < 20; i++) entry.noteWrite({ origin: C, seq: 1000 + i })
  entry.noteWrite({ origin: A, seq: 2 })
  const claimBarrier = new ClaimBarrier()
  claimBarrier.add([{ entry, seq: 2 }])
  const member = newMember(heartbeatOf(B))
  member.vector.set(A, 2).set(C, 1020)
  const merged = (origin: string): number => (origin === A ? 2 : origin === C ? 1020 : 0)
  expect(claimBarrier.confirm({ boot: A, upTo: 2 }, [member], merged)).toEqual([entry])
})

test('a file with any number of forgotten stretches is loaded whole', () => {
  const core = new Core({ boot: A, name: 'test/a', version: '1', labels: {} })
  const count = 40_000
  const tasks = Array.from({ length: count / 2 }, (_, i) => ({
    record: taskOf(B, 2 * i + 1, { outcome: outcomeBy(B) }),
    writes: [{ origin: B, seq: 2 * i + 1 }]
  }))
  let request = 0
  for (const news of newsOf({ vector: new Map([[B, count]]), tasks })) {
    if (news !== null) core.step(1_000_000, { kind: 'load', request: ++request, news })
  }
  expect(core.view.mergedVector().get(B)).toBe(count)
})

describe('a time that is no whole number of ms', () => {
  test('is never told: what is made of it is', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    pump.now += 0.0007
    const far = { at: (pump.now + 2 * 86_400_000) * 1000 }
    const old = heartbeatOf(bootOf('old'), { name: 'test/old', at: Math.floor(far.at) })
    a.feed({ kind: 'message', from: b.id, message: old })
    a.feed({ kind: 'message', from: c.id, message: { kind: 'who', boots: [bootOf('old')] } })
    a.feed({ kind: 'forget', name: 'test/old', node: 'old' })
    for (let i = 0; i < 10; i++) pump.pass(200.7)
    const said = [...a.of('send'), ...a.of('publish')].map(({ message }) => message)
    expect(said.map(({ kind }) => kind)).toContain('introduction')
    for (const message of said) expect(() => encode(message)).not.toThrow()
  })
})

describe('a task that can be claimed no more', () => {
  test('is not claimed again and again when its holder is gone, and fails where it is held', () => {
    const pump = cluster(3)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const claim = { ...taskOf(b.boot, 1).claim, epoch: EPOCH_MAX, cause: 'grant' as const }
    const records = [
      taskOf(b.boot, 1, { claim }),
      taskOf(b.boot, 2, { claim: { ...claim, holder: a.boot } })
    ]
    const message = { kind: 'batch', origin: b.boot, after: 0, records, writes: [0, 1] } as const
    a.feed({ kind: 'message', from: b.id, message })
    pump.settle()
    pump.crash(b)
    for (let i = 0; i < 60; i++) pump.pass(200)
    expect(a.record(records[1]!.spec.id).outcome).toMatchObject({ reason: 'HolderLost' })
    const before = a.core.view.mergedVector().get(a.boot)
    for (let i = 0; i < 60; i++) pump.pass(200)
    expect(a.core.view.mergedVector().get(a.boot)).toBe(before)
  })
})
