/** Who counts, who may take over from the silent, and how often a task may take its node with it. */
import { describe, expect, test } from 'vitest'
import { announce, cluster, passing, runningOn, starts } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { Members } from '../../../src/core/membership/members.ts'
import { CORE_DEFAULTS, type CoreOptions, type Quorum } from '../../../src/core/options.ts'

const { suspectMs, unreachableMs, stepInMs } = CORE_DEFAULTS
const LATE_MS = unreachableMs + 4000
const HOUR_MS = 3_600_000

/** Nothing passes between these nodes and the others, and nobody sees a refusal. */
function cut(pump: Pump, island: readonly PumpNode[]): void {
  pump.probing = false
  for (const x of island) {
    for (const y of pump.alive())
      if (!island.includes(y) && x.links.has(y.id)) pump.link(x, y, false)
  }
}

function heal(pump: Pump): void {
  pump.probing = true
  const nodes = pump.alive()
  for (const [i, x] of nodes.entries()) {
    for (const y of nodes.slice(i + 1)) if (!x.links.has(y.id)) pump.link(x, y)
  }
  passing(pump, 3000)
}

function nodes(count: number, options: Partial<CoreOptions> = {}): Pump & { of: PumpNode[] } {
  const pump = pumpOf(
    ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, count).map(name => bootOf(name)),
    options
  )
  for (const node of pump.nodes) announce(pump, node)
  passing(pump, 3000)
  return Object.assign(pump, { of: [...pump.nodes] })
}

function eventsOf(node: PumpNode): string[] {
  return node.of('notify').map(({ event }) => event.name)
}

describe('the work of members behind a cut', () => {
  test('is taken over by the side that sees more than half, and by it alone', () => {
    const pump = nodes(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const lost = runningOn(pump, a)
    c.worker(1)
    const kept = c.submit()
    pump.settle()
    cut(pump, [a])
    b.worker(1)
    passing(pump, LATE_MS)
    expect([b, c].map(node => node.record(lost).claim.holder)).not.toContain(a.boot)
    expect(a.record(kept).claim.holder).toBe(c.boot)
    expect(a.running.has(lost)).toBe(true)
    heal(pump)
    expect(a.running.has(lost)).toBe(false)
    for (const node of [a, b, c]) {
      const silence = ['node:suspect', 'node:unreachable', 'cluster:partitioned']
      const end = ['node:refuted', 'cluster:healed']
      expect(eventsOf(node)).toEqual(expect.arrayContaining([...silence, ...end]))
    }
    const claims = pump.of.map(node => node.record(lost).claim)
    expect(claims).toEqual(claims.map(() => claims[0]))
  })

  test('is not taken by a minority while it misses the others one by one', () => {
    const pump = nodes(5)
    const [a, b, c, d, e] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode, PumpNode]
    const ids = [c, d, e].map(node => runningOn(pump, node))
    for (const node of [a, b]) node.worker(3)
    // Of what is behind the cut, each said its last at another time; and nobody sees a link go down.
    const silent = new Set<string>()
    pump.lose = (from, to) => silent.has(from) !== silent.has(to)
    for (const node of [c, d, e]) {
      silent.add(node.id)
      passing(pump, 1000)
    }
    passing(pump, 2 * LATE_MS)
    for (const node of [a, b]) expect(ids.flatMap(id => starts(node, id))).toEqual([])
    expect(ids.map(id => a.record(id).claim.holder)).toEqual([c, d, e].map(({ boot }) => boot))
  })

  test('is left alone by everybody but the half with the smallest id, if both are halves', () => {
    const pump = nodes(4)
    const [a, b, c, d] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode]
    const ofB = b.submit()
    const ofC = c.submit()
    pump.settle()
    cut(pump, [a, b])
    passing(pump, LATE_MS)
    expect([a, b].map(node => node.boot)).toContain(a.record(ofC).claim.holder)
    expect(d.record(ofB).claim.holder).toBe(b.boot)
  })

  test('is taken by the half with the smallest name, if there is a roster', () => {
    const pump = nodes(4)
    const [a, b, c, d] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode]
    const names = pump.of.map(({ id }) => `test/${id}`)
    a.feed({ kind: 'expect', names: [...names, 'test/0', 'test/1'] })
    passing(pump, 2000)
    const taskId = a.submit()
    pump.settle()
    cut(pump, [d])
    passing(pump, LATE_MS)
    // Three of the four that live, and half of the six that count: the first of them was never seen.
    expect(d.core.view.hasQuorum(pump.now)).toBe(false)
    expect(a.core.view.hasQuorum(pump.now)).toBe(false)
    a.feed({ kind: 'forget', name: 'test/0', node: null })
    passing(pump, 2000)
    expect([a, b, c].map(node => node.core.view.hasQuorum(pump.now))).toEqual([true, true, true])
    expect(a.record(taskId).claim.holder).toBe(a.boot)
  })

  test.each<[Quorum, boolean]>([
    ['any', true],
    [1, true],
    [2, false]
  ])('is taken by one that is alone with quorum %s: %s', (quorum, takes) => {
    const pump = nodes(3, { quorum })
    const [a, b] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = b.submit()
    pump.settle()
    cut(pump, [a])
    passing(pump, LATE_MS + 2 * stepInMs)
    expect(a.record(taskId).claim.holder === a.boot).toBe(takes)
  })

  test('is waited for as long as its node goes on alone, and a little longer', () => {
    const pump = nodes(3, { stopAfterIsolatedMs: 20_000 })
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = runningOn(pump, a)
    for (const node of [b, c]) node.worker(1)
    cut(pump, [a])
    // It counts from the last word that it heard before the cut.
    passing(pump, 17_000)
    expect(a.running.has(taskId)).toBe(true)
    passing(pump, 4000)
    expect(a.running.has(taskId)).toBe(false)
    expect([b, c].flatMap(node => starts(node, taskId))).toEqual([])
    passing(pump, 10_000)
    expect([b, c].flatMap(node => starts(node, taskId))).toHaveLength(1)
  })

  test.each([0, 700, 1900])(
    'has ended where it ran before others start it, also on a cut that nobody notices, %i ms after a word',
    afterMs => {
      const pump = nodes(3, { stopAfterIsolatedMs: 10_000 })
      const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
      const taskId = runningOn(pump, a)
      for (const node of [b, c]) node.worker(1)
      passing(pump, 4000)
      pump.pass(afterMs)
      pump.lose = (from, to) => (from === a.id) !== (to === a.id)
      pump.probing = false
      let endedAt = Infinity
      let startedAt = Infinity
      for (let ms = 0; ms < 30_000; ms += 100) {
        pump.pass(100)
        if (!a.running.has(taskId)) endedAt = Math.min(endedAt, ms)
        const isStarted = [b, c].some(node => starts(node, taskId).length > 0)
        if (isStarted) startedAt = Math.min(startedAt, ms)
      }
      expect(startedAt).toBeLessThan(Infinity)
      expect(endedAt).toBeLessThan(startedAt)
    }
  )

  test('that was ended for loneliness and that nobody could take goes on at home', () => {
    const pump = nodes(2, { stopAfterIsolatedMs: 5000 })
    const [, b] = pump.of as [PumpNode, PumpNode]
    const taskId = runningOn(pump, b)
    cut(pump, [b])
    passing(pump, 15_000)
    expect(b.running.has(taskId)).toBe(false)
    heal(pump)
    passing(pump, 10_000)
    const running = pump.of.filter(node => node.running.has(taskId))
    expect(running).toHaveLength(1)
  })
})

describe('a node that stood still', () => {
  test('suspects nobody, takes nothing, and says what it was', () => {
    const pump = nodes(3)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const taskId = b.submit()
    pump.settle()
    pump.now += 20_000
    a.feed({ kind: 'tick' })
    expect(eventsOf(a)).not.toContain('node:suspect')
    expect(eventsOf(a).filter(name => name === 'node:starved')).toHaveLength(1)
    expect(a.record(taskId).claim.holder).toBe(b.boot)
  })

  test('is asked whether it lives before it counts as unreachable', () => {
    const pump = nodes(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    pump.lose = (from, _to, { kind }) => from === b.id && kind === 'heartbeat'
    passing(pump, LATE_MS)
    expect(a.core.view.members(pump.now)[0]!.status).not.toBe('unreachable')
    expect(b.sent('introduction').length).toBeGreaterThan(0)
  })
})

describe('a member', () => {
  test('that was forgotten counts no more, anywhere, and does again when it speaks', () => {
    const pump = nodes(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = c.submit()
    pump.settle()
    cut(pump, [c])
    cut(pump, [b])
    passing(pump, LATE_MS)
    expect(a.core.view.hasQuorum(pump.now)).toBe(false)
    a.feed({ kind: 'forget', name: 'test/c', node: 'c' })
    pump.settle()
    expect(a.core.view.members(pump.now).map(({ heartbeat }) => heartbeat.name)).toEqual(['test/b'])
    passing(pump, 2000)
    expect(a.record(taskId).claim.holder).toBe(a.boot)
    pump.link(a, b)
    passing(pump, 2000)
    expect(b.core.view.members(pump.now)).toHaveLength(1)
    heal(pump)
    expect(b.core.view.members(pump.now)).toHaveLength(2)
  })

  test('that was forgotten by a node which has not heard it since its start counts no more, anywhere', () => {
    const pump = nodes(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    pump.probing = false
    pump.crash(a, c)
    const again = pump.restart(a, bootOf('a', 2))
    passing(pump, LATE_MS)
    again.feed({ kind: 'forget', name: 'test/c', node: 'c' })
    passing(pump, 2000)
    expect([again, b].map(node => node.core.view.members(pump.now).length)).toEqual([1, 1])
    pump.restart(c, bootOf('c', 2))
    passing(pump, 2000)
    expect([again, b].map(node => node.core.view.members(pump.now).length)).toEqual([2, 2])
  })

  test('that was forgotten by a node which others heard for longer counts no more, anywhere', () => {
    const pump = nodes(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    pump.probing = false
    pump.link(a, c, false)
    passing(pump, LATE_MS)
    pump.crash(c)
    a.feed({ kind: 'forget', name: 'test/c', node: 'c' })
    passing(pump, 2000)
    expect([a, b].map(node => node.core.view.members(pump.now).length)).toEqual([1, 1])
  })

  test.each([0.5, 12.345])(
    'is forgotten up to a whole number, whatever the clocks show: +%d',
    odd => {
      const members = new Members(bootOf('a'), CORE_DEFAULTS, 'test/a')
      members.horizon = 1e15 + odd
      members.listen(0)
      members.heard(heartbeatOf(bootOf('b'), { at: 1000, name: 'test/b' }), 10.25 + odd)
      members.heard(heartbeatOf(bootOf('c'), { at: 1000, name: 'test/c' }), 10.25, 'b')
      for (const member of members.all()) members.forget(member, 20.5)
      const times = members.departures().map(({ at }) => at)
      expect(times).toHaveLength(2)
      expect(times.every(Number.isSafeInteger)).toBe(true)
    }
  )

  test('that lives, and was forgotten by a node which cannot hear it, counts again when it speaks', () => {
    const pump = nodes(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    pump.probing = false
    pump.link(a, c, false)
    passing(pump, LATE_MS)
    a.feed({ kind: 'forget', name: 'test/c', node: 'c' })
    passing(pump, 2000)
    expect(b.core.view.members(pump.now)).toHaveLength(2)
    pump.link(a, c)
    passing(pump, suspectMs)
    expect(a.core.view.members(pump.now)).toHaveLength(2)
  })

  test('that is not expected and gone for a day counts no more, if a majority says so', () => {
    const pump = nodes(3, { departMs: HOUR_MS / 60 })
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    cut(pump, [c])
    passing(pump, HOUR_MS / 60 + 2000)
    expect([a, b].map(node => node.core.view.members(pump.now).length)).toEqual([1, 1])
    expect(c.core.view.members(pump.now)).toHaveLength(2)
  })

  test('that crashed is replaced by a new identity of its name', () => {
    const pump = nodes(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    pump.crash(b)
    passing(pump, 2000)
    const again = pump.add(bootOf('z', 2), {}, undefined, 'test/b')
    pump.link(a, again)
    passing(pump, 2000)
    expect(a.core.view.members(pump.now).map(({ heartbeat }) => heartbeat.boot)).toEqual([
      again.boot
    ])
  })

  test('whose name is taken by one that lives is told to go, if it was started later', () => {
    const pump = nodes(2)
    const [a] = pump.of as [PumpNode, PumpNode]
    const late = pump.add(bootOf('z', 2), {}, undefined, 'test/a')
    pump.link(a, late)
    passing(pump, 2000)
    expect(late.of('give-way').map(({ why }) => why)).toEqual(['name'])
    expect(a.of('give-way')).toEqual([])
  })

  test('that goes on to speak while a newer boot of it does is a copy, and the newer one has to go', () => {
    const all = new Members(bootOf('a'), CORE_DEFAULTS)
    const [old, young] = [bootOf('b'), bootOf('b', 2)]
    all.link('b', true)
    all.heard(heartbeatOf(old, { at: 1 }), 0)
    const { suspectMs } = CORE_DEFAULTS
    let now = 0
    while ((now += 1000) <= suspectMs + 1000) {
      expect(all.heard(heartbeatOf(young, { at: now }), now)).toBe(false)
      all.heard(heartbeatOf(old, { at: now }), now)
    }
    expect(all.twinOf('b')).toMatchObject({ boot: young, heardAt: suspectMs + 1000 })
    expect(all.get('b')!.heartbeat.boot).toBe(old)
    // It has ended: from then on nothing is heard of it.
    all.heard(heartbeatOf(old, { at: now + 60_000 }), now + 60_000)
    expect(all.twinOf('b')).toMatchObject({ heardAt: suspectMs + 1000 })
  })

  test('that is heard from again after a newer boot of it was believed has a copy, too', () => {
    const all = new Members(bootOf('a'), CORE_DEFAULTS)
    const [old, young] = [bootOf('b'), bootOf('b', 2)]
    all.heard(heartbeatOf(old, { at: 1 }), 0)
    expect(all.heard(heartbeatOf(young, { at: 2 }), 1000)).toBe(true)
    const { suspectMs } = CORE_DEFAULTS
    // What it had said before may come late, and more than once.
    for (const now of [1000, 3000, 2000 + suspectMs]) all.heard(heartbeatOf(old, { at: 1 }), now)
    expect(all.twinOf('b')).toBe(null)
    for (const now of [3000, 2000 + suspectMs]) all.heard(heartbeatOf(old, { at: now }), now)
    expect(all.twinOf('b')).toMatchObject({ boot: young, heardAt: 2000 + suspectMs })
    expect(all.heard(heartbeatOf(bootOf('b', 3), { at: 9000 }), 9000)).toBe(true)
    expect(all.twinOf('b')).toBe(null)
  })

  test.each([
    ['', []],
    [', also if a word of it was still on its way', [heartbeatOf(bootOf('b'), { at: 2 })]]
  ])('that was started again at once is believed, for its link has broken%s', (_, late) => {
    const all = new Members(bootOf('a'), CORE_DEFAULTS)
    all.link('b', true)
    all.heard(heartbeatOf(bootOf('b'), { at: 1 }), 0)
    all.link('b', false)
    for (const word of late) all.heard(word, 10)
    all.link('b', true)
    expect(all.heard(heartbeatOf(bootOf('b', 2), { at: 3 }), 100)).toBe(true)
    expect(all.twinOf('b')).toBe(null)
  })
})

describe('a task', () => {
  test('whose starts kill more nodes than it may fails, and names them', () => {
    const pump = cluster(5)
    const [a, b, c, d, e] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode, PumpNode]
    const taskId = a.submit({ maxLost: 1 })
    pump.settle()
    for (const node of pump.of) node.worker(1)
    for (let deaths = 0; deaths < 2; deaths++) {
      passing(pump, 3000)
      pump.crash(pump.alive().find(node => node.running.has(taskId))!)
    }
    passing(pump, 3000)
    const [left] = pump.alive() as [PumpNode]
    expect(left.state(taskId)).toBe('failed')
    expect(left.record(taskId).outcome).toMatchObject({ reason: 'HolderLost' })
    expect(left.record(taskId).claim.lost).toHaveLength(2)
    for (const boot of left.record(taskId).claim.lost) {
      expect(left.record(taskId).outcome!.error!.message).toContain(`test/${boot.split('/')[0]}`)
    }
    expect([a, b, c, d, e].flatMap(node => starts(node, taskId))).toHaveLength(2)
  })

  test('that was taken over is started only when another node has its start on disk', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = runningOn(pump, a)
    pump.crash(a)
    passing(pump, 1000)
    const [holder, other] = b.record(taskId).claim.holder === b.boot ? [b, c] : [c, b]
    other.holdDisk = true
    holder.feed({ kind: 'worker', slots: 1, handlers: ['work'] })
    pump.settle()
    expect(starts(holder, taskId)).toEqual([])
    other.releaseDisk()
    passing(pump, 1000)
    expect(starts(holder, taskId)).toEqual([1])
  })

  test('that may run at most once fails when its node dies, and is never started again', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    a.worker(1)
    const taskId = a.submit({ delivery: 'at-most-once' })
    pump.settle()
    expect(starts(a, taskId)).toEqual([0])
    for (const node of [b, c]) node.worker(1)
    pump.crash(a)
    passing(pump, 3000)
    expect(b.record(taskId).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
    expect([b, c].flatMap(node => starts(node, taskId))).toEqual([])
  })

  test('that may run at most once is not taken from a node that is only silent', () => {
    const pump = nodes(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit({ delivery: 'at-most-once' })
    pump.settle()
    cut(pump, [a])
    for (const node of [b, c]) node.worker(1)
    passing(pump, 10 * LATE_MS)
    expect(b.record(taskId).claim.holder).toBe(a.boot)
  })

  test('that may run at most once is not started by one who cannot show the start to anybody', () => {
    const pump = nodes(2)
    const [a] = pump.of as [PumpNode, PumpNode]
    cut(pump, [a])
    a.worker(1)
    const taskId = a.submit({ delivery: 'at-most-once' })
    passing(pump, LATE_MS)
    expect(starts(a, taskId)).toEqual([])
    heal(pump)
    passing(pump, 5000)
    expect(starts(a, taskId)).toEqual([0])
  })
})

describe('a node that drains', () => {
  test('hands on what is queued and stays, when another one tells it to', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = b.submit()
    c.worker(0, [])
    a.feed({ kind: 'drain', node: 'b' })
    passing(pump, 1000)
    expect(a.record(taskId).claim.holder).not.toBe(b.boot)
    expect(eventsOf(a)).toContain('node:draining')
    expect(a.core.view.members(pump.now).find(({ heartbeat }) => heartbeat.draining)).toMatchObject(
      {
        heartbeat: { boot: b.boot },
        status: 'alive'
      }
    )
  })

  test.each(['itself', 'another one'])('takes tasks again when %s undoes it', by => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    a.worker(0, [])
    c.worker(0, [])
    b.worker(1)
    a.feed({ kind: 'drain', node: 'b' })
    const waiting = a.submit()
    passing(pump, 1000)
    expect(starts(b, waiting)).toEqual([])
    const teller = by === 'itself' ? b : a
    teller.feed({ kind: 'undrain', node: 'b' })
    passing(pump, 2000)
    expect(starts(b, waiting)).toHaveLength(1)
    for (const node of [a, b, c]) {
      const drains = eventsOf(node).filter(name => /drain/.test(name))
      expect(drains).toEqual(['node:draining', 'node:undrained'])
    }
    expect(a.core.view.members(pump.now).some(({ heartbeat }) => heartbeat.draining)).toBe(false)
  })

  test('and leaves goes on leaving, whoever would undo it', () => {
    const pump = cluster(3)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    b.feed({ kind: 'leave', abort: false })
    a.feed({ kind: 'undrain', node: 'b' })
    passing(pump, 3000)
    expect(b.of('left')).toHaveLength(1)
  })
})
