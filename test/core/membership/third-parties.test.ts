/** What others say of a node: it may add somebody to wait for, and neither supersedes nor ends who speaks for himself. */
import { describe, expect, test } from 'vitest'
import { THIRD_PARTY_AHEAD_US } from '../../../src/core/base/hlc.ts'
import { startTimeOf } from '../../../src/core/base/ids.ts'
import { LEFT_AT, type Departure, type Heartbeat, type Message } from '../../../src/core/message.ts'
import { Members } from '../../../src/core/membership/members.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { announce, passing, runningOn, starts } from '../../support/crashes.ts'
import { Pump, pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf, taskOf } from '../../support/tasks.ts'
import { simulatedKeyedId } from '../../../src/sim/world/keys.ts'
import '../forbid.ts'

const A = bootOf('a')
const B = bootOf('b')
const B2 = bootOf('b', 2)
const FAR = 'b/zzzzzzzzzz-zzzzzz'
const HOUR_MS = 3_600_000
const { suspectMs, unreachableMs } = CORE_DEFAULTS

const beat = (boot: string, at: number, parts: Partial<Heartbeat> = {}): Heartbeat =>
  heartbeatOf(boot, { at, ...parts })

/** b has spoken, on a link of its own. */
function members(): Members {
  const all = new Members(A, CORE_DEFAULTS)
  all.horizon = THIRD_PARTY_AHEAD_US
  all.link('b', true)
  all.heard(beat(B, 1), 0)
  return all
}

const left = (boot: string, at = LEFT_AT): Departure => ({ boot, at, forgotten: false, upTo: 0 })
const forgotten = (boot: string, at: number): Departure => ({ ...left(boot, at), forgotten: true })

function three(): { pump: Pump; a: PumpNode; b: PumpNode; c: PumpNode } {
  const pump = pumpOf(['a', 'b', 'c'].map(name => bootOf(name)))
  for (const node of pump.nodes) announce(pump, node)
  passing(pump, 3000)
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  return { pump, a, b, c }
}

/** c says something that is not so. */
function lie(to: PumpNode, message: Message): void {
  to.feed({ kind: 'message', from: 'c', message })
}

function statusOf(node: PumpNode, other: string, now: number): string | undefined {
  const all = node.core.view.members(now)
  return all.find(({ heartbeat }) => heartbeat.boot.startsWith(`${other}/`))?.status
}

describe('a heartbeat that others pass on', () => {
  test('of a newer boot does not supersede the one that has spoken, and is waited for while it is heard', () => {
    const all = members()
    expect(all.heard(beat(B2, 2, { vector: new Map([[A, 3]]) }), 10, 'c')).toBe(false)
    expect([all.isGone(B), all.isGone(B2)]).toEqual([false, false])
    expect(all.get('b')!.heartbeat.boot).toBe(B)
    const awaited = all.mayLive(11)
    expect(awaited.map(({ heartbeat }) => heartbeat.boot)).toEqual([B, B2])
    expect(awaited[1]!.vector.get(A)).toBe(3)
    expect(all.mayLive(10 + unreachableMs).map(({ heartbeat }) => heartbeat.boot)).toEqual([B])
  })

  test.each([B2, FAR])('of %s does not keep the next boot away that speaks itself', boot => {
    const all = members()
    for (let at = 2; at < 20; at++) all.heard(beat(boot, at), at, 'c')
    all.link('b', false)
    all.link('b', true)
    const next = bootOf('b', 3)
    expect(all.heard(beat(next, 1), 100)).toBe(true)
    expect(all.get('b')!.heartbeat.boot).toBe(next)
    expect([all.isGone(B), all.isGone(next)]).toEqual([true, false])
    expect(all.mayLive(101)).toHaveLength(1)
  })

  test('of ever more boots of a node adds only the last few, and none of them once it speaks itself', () => {
    const all = members()
    for (let start = 2; start < 100; start++) all.heard(beat(bootOf('b', start), 1), 10, 'c')
    expect(all.mayLive(11).length).toBeLessThan(10)
    expect(all.mayLive(11).at(-1)!.heartbeat.boot).toBe(bootOf('b', 99))
    all.heard(beat(B, 2), 12)
    expect(all.mayLive(13).map(({ heartbeat }) => heartbeat.boot)).toEqual([B])
  })

  test('of a newer boot is waited for before anything is forgotten', () => {
    const { pump, a, b } = three()
    a.worker(1)
    const id = a.submit({ retentionMs: 0 })
    pump.settle()
    // From now on nobody hears from b itself.
    pump.lose = from => from === b.id
    a.end(id)
    const at = pump.now * 1000
    for (let ms = 0; ms < unreachableMs; ms += 500) {
      const { vector } = b.sent('heartbeat').at(-1)!
      lie(a, { ...heartbeatOf(B, { at: at + ms, vector }) })
      lie(a, heartbeatOf(B2, { at: at + ms }))
      passing(pump, 500)
    }
    expect(a.state(id)).toBe('completed')
    pump.lose = () => false
    passing(pump, unreachableMs + 2000)
    expect(a.state(id)).toBe('unknown')
  })

  test('of a node that nobody here has met adds it, and what that says itself counts', () => {
    const all = new Members(A, CORE_DEFAULTS)
    expect(all.heard(beat(FAR, 1), 0, 'c')).toBe(true)
    expect(all.mayLive(1)).toHaveLength(1)
    // What it may hold is nobody's to take.
    expect([all.isGone(B), all.knows(B)]).toEqual([false, false])
    // Of an older name that others speak of, too, it is not known which one runs.
    all.heard(beat(B, 1), 1, 'd')
    expect(all.mayLive(2).map(({ heartbeat }) => heartbeat.boot)).toEqual([FAR, B])
    expect([all.isGone(B), all.isGone(FAR)]).toEqual([false, false])
    expect(all.heard(beat(B, 2), 3)).toBe(true)
    expect(all.mayLive(4).map(({ heartbeat }) => heartbeat.boot)).toEqual([B])
  })

  test('of the boot that is known keeps it alive, and tells how much it has', () => {
    const all = members()
    all.heard(beat(B, 2, { vector: new Map([[A, 7]]) }), 5000, 'c')
    expect(all.get('b')).toMatchObject({ heardAt: 5000 })
    expect(all.get('b')!.vector.get(A)).toBe(7)
  })

  test('does not silence it by a stamp of the future, neither on its link nor where others pass it on', () => {
    const all = members()
    all.heard(beat(B, THIRD_PARTY_AHEAD_US, { slots: 9 }), 1000, 'c')
    all.heard(beat(B, 3, { slots: 2 }), 2000)
    expect(all.get('b')).toMatchObject({ heardAt: 2000, heartbeat: { slots: 2 } })
    all.heard(beat(B, 4), 3000, 'd')
    expect(all.get('b')!.heardAt).toBe(3000)
  })

  test('does not give it another name, nor take its addresses away', () => {
    const all = members()
    all.heard(beat(B, 2, { addresses: ['/b'] }), 10)
    all.heard(beat(B, 3, { name: 'test/a', addresses: ['/nowhere'] }), 20, 'c')
    expect(all.get('b')!.heartbeat).toMatchObject({
      name: 'test/b',
      addresses: ['/b', '/nowhere']
    })
  })

  test('of a boot that has left or been superseded is no news', () => {
    const all = members()
    all.saidGoodbye(B, 0)
    expect(all.heard(beat(B, 9), 10, 'c')).toBe(false)
    expect(all.heard(beat(B2, 1), 20)).toBe(true)
    expect(all.heard(beat(B, 9), 30, 'c')).toBe(false)
    expect(all.mayLive(31).map(({ heartbeat }) => heartbeat.boot)).toEqual([B2])
  })

  test('of a newer boot brings back a node that has left', () => {
    const all = members()
    all.saidGoodbye(B, 0)
    expect(all.heard(beat(B2, 1), 20, 'c')).toBe(true)
    expect(all.mayLive(21).map(({ heartbeat }) => heartbeat.boot)).toEqual([B2])
    expect(all.isGone(B)).toBe(true)
  })
})

describe('a boot that speaks itself', () => {
  test('counts whatever its clock says, and its next one, too', () => {
    const all = new Members(A, CORE_DEFAULTS)
    all.horizon = THIRD_PARTY_AHEAD_US
    expect(all.heard(beat(FAR, 1), 0)).toBe(true)
    expect(all.isGone(FAR)).toBe(false)
    // Its data folder was lost, or its clock has been set right: the name sorts lower.
    all.link('b', true)
    all.link('b', false)
    expect(all.heard(beat(B, 1), suspectMs + 1)).toBe(true)
    expect(all.get('b')!.heartbeat.boot).toBe(B)
  })

  test('of an older name is a copy while the newer one goes on to speak', () => {
    const all = new Members(A, CORE_DEFAULTS)
    all.link('b', true)
    all.heard(beat(B2, 1), 0)
    all.link('b', false)
    all.link('b', true)
    for (let now = 1000; now <= suspectMs + 2000; now += 1000) {
      all.heard(beat(B2, now), now)
      expect(all.heard(beat(B, now), now)).toBe(false)
    }
    expect(all.twinOf('b')?.boot).toBe(B2)
  })

  test('of an older name counts again once its copy is silent, though their link has never broken', () => {
    const all = new Members(A, CORE_DEFAULTS)
    all.link('b', true)
    all.heard(beat(B, 1), 0)
    all.link('b', false)
    all.link('b', true)
    all.heard(beat(B2, 1), 10)
    expect(all.isGone(B)).toBe(true)
    for (let now = 1000; now <= suspectMs + 1000; now += 1000) {
      expect(all.heard(beat(B, now), now)).toBe(false)
    }
    // The copy was told to end itself at some moment, and says nothing any more.
    expect(all.heard(beat(B, suspectMs + 2000), suspectMs + 2000)).toBe(true)
    expect(all.get('b')!.heartbeat.boot).toBe(B)
    expect([B, B2].map(boot => all.isGone(boot))).toEqual([false, true])
    expect(all.knows(B2)).toBe(true)
    // Should it live after all, it is the copy.
    for (let now = suspectMs + 3000; now <= 2 * suspectMs + 4000; now += 1000) {
      all.heard(beat(B, now), now)
      expect(all.heard(beat(B2, now), now)).toBe(false)
    }
    expect(all.twinOf('b')?.boot).toBe(B2)
  })

  test('is no duplicate of one that only others speak of', () => {
    const all = new Members(A, CORE_DEFAULTS)
    all.link('b', true)
    all.heard(beat(B, 1), 0, 'c')
    expect(all.heard(beat(B2, 1), 10)).toBe(true)
    expect(all.get('b')).toMatchObject({ younger: null, heartbeat: { boot: B2 } })
  })
})

describe('a departure that others tell of', () => {
  test.each([
    ['left', left(B)],
    ['left, of a later boot', left(B2)],
    ['left, of a boot of the far future', left(FAR)],
    ['forgotten', forgotten(B, 1000)],
    ['forgotten, beyond the bound', forgotten(B, THIRD_PARTY_AHEAD_US + 1)]
  ])('(%s) does not end a boot that goes on to speak on its own link', (_, departure) => {
    const all = members()
    expect(all.departed(departure, 100)).toBe(null)
    expect(all.notEnded()).toHaveLength(1)
    all.heard(beat(B, 2), 200)
    expect(all.notEnded()).toHaveLength(1)
  })

  test('counts once its link is down, and no longer when it speaks on the next one', () => {
    const all = members()
    all.departed(left(B), 100)
    expect(all.link('b', false)?.node).toBe('b')
    expect(all.isGone(B)).toBe(true)
    all.link('b', true)
    expect(all.heard(beat(B, 2), 200)).toBe(true)
    expect(all.isGone(B)).toBe(false)
  })

  test('ends a boot that is away, whatever time it carries', () => {
    const all = members()
    all.link('b', false)
    expect(all.departed(left(B), 100)?.node).toBe('b')
    expect(all.isGone(B)).toBe(true)
    expect(all.heard(beat(B, 9), 200, 'c')).toBe(false)
  })

  test.each([left(B2), forgotten(B2, 1000)])(
    'of a later boot ends that one, too, though it has never spoken here: %o',
    departure => {
      const all = members()
      all.link('b', false)
      expect(all.departed(departure, 100)?.node).toBe('b')
      expect([B, B2].map(boot => all.isGone(boot))).toEqual([true, true])
      expect(all.isGone(bootOf('b', 3))).toBe(false)
    }
  )

  test('as forgotten ends one that is away only within the bound', () => {
    const all = members()
    all.link('b', false)
    expect(all.departed(forgotten(B, THIRD_PARTY_AHEAD_US + 1), 100)).toBe(null)
    expect(all.departed(forgotten(B, LEFT_AT), 100)).toBe(null)
    expect(all.isGone(B)).toBe(false)
    expect(all.departed(forgotten(B, 1000), 100)?.node).toBe('b')
    expect(all.isGone(B)).toBe(true)
  })

  test('of a boot that had left may call it forgotten at whatever time', () => {
    const all = members()
    all.saidGoodbye(B, 0)
    all.departed(forgotten(B, LEFT_AT), 100)
    expect(all.get('b')!.departure).toEqual(forgotten(B, LEFT_AT))
  })

  test('of a boot of the far future does not stand above those to come', () => {
    const all = members()
    all.link('b', false)
    expect(all.departed(left(FAR), 100)).toBe(null)
    expect(all.saidGoodbye(FAR, 0)).toBe(false)
    expect(all.isGone(B)).toBe(false)
    expect(all.heard(beat(B2, 1), 200)).toBe(true)
    all.saidGoodbye(B2, 0)
    expect(all.isGone(B2)).toBe(true)
  })

  test.each([left(FAR), left(B2), forgotten(FAR, 1)])(
    'of a node that nobody has met does not ban it: %o',
    departure => {
      const all = new Members(A, CORE_DEFAULTS)
      all.horizon = THIRD_PARTY_AHEAD_US
      all.departed(departure, 0)
      expect(all.notEnded()).toEqual([])
      all.link('b', true)
      expect(all.heard(beat(B, 1), 10)).toBe(true)
      expect(all.notEnded().map(({ heartbeat }) => heartbeat.boot)).toEqual([B])
    }
  )

  test('goes on working as it is on disks and wires today: a goodbye, told by another, at the end of time', () => {
    const { pump, a, b, c } = three()
    pump.lose = (_from, to, { kind }) => kind === 'goodbye' && to === 'a'
    b.feed({ kind: 'leave', abort: false })
    passing(pump, 2000)
    expect(c.sent('heartbeat').at(-1)!.departures).toEqual([
      expect.objectContaining({ boot: B, at: LEFT_AT })
    ])
    b.gone = true
    pump.probing = false
    for (const other of [a, c]) pump.link(b, other, false)
    passing(pump, 2000)
    expect(statusOf(a, 'b', pump.now)).toBe('left')
  })
})

test('whoever forgets a member forgets what others passed on of it, too', () => {
  const all = members()
  const later = 2 * suspectMs * 1000
  all.horizon = later + THIRD_PARTY_AHEAD_US
  all.link('b', false)
  all.heard(beat(B, later), 100, 'c')
  expect(all.forget(all.get('b')!, 100)).toBe(true)
  expect(all.notEnded()).toEqual([])
})

test('an instance is not kept from being expected by a time that nobody can mean', () => {
  const { pump, a, c } = three()
  a.feed({ kind: 'expect', names: ['test/z'] })
  const roster = [{ name: 'test/z', at: (pump.now + 25 * HOUR_MS) * 1000, expected: false }]
  lie(a, { ...c.sent('heartbeat').at(-1)!, at: pump.now * 1000, roster })
  expect(a.core.view.self().roster).toEqual([{ name: 'test/z', at: 0, expected: true }])
  expect(a.core.view.counters.disbelieved).toBe(1)
})

describe('"somebody was here before you"', () => {
  test('of an identity is looked into, and nobody is met: the node goes on', () => {
    const { pump, a } = three()
    lie(a, { kind: 'replaced', boot: A, why: 'identity', addresses: ['/somewhere'] })
    pump.settle()
    expect(a.of('meet')).toEqual([{ kind: 'meet', addresses: ['/somewhere'] }])
    expect(a.of('give-way')).toEqual([])
  })

  test('of an identity is looked into no more than once in a while', () => {
    const { a } = three()
    for (let i = 0; i < 50; i++) {
      lie(a, { kind: 'replaced', boot: A, why: 'identity', addresses: ['/somewhere'] })
    }
    expect(a.of('meet')).toHaveLength(1)
  })

  test('of a copied identity makes the copy go, and the first one stays', () => {
    const pump = pumpOf([A, B])
    for (const node of pump.nodes) announce(pump, node)
    passing(pump, 3000)
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    const copy = pump.add(B2)
    announce(pump, copy)
    copy.links.add('a')
    for (let ms = 0; ms < suspectMs + 3000; ms += 1000) {
      pump.pass(1000)
      copy.feed({ kind: 'addresses', addresses: ['/b'] })
    }
    // What a says to b reaches whichever of them holds the link.
    for (const { to, message } of a.of('send')) {
      if (to === 'b' && message.kind === 'replaced') {
        for (const node of [b, copy]) node.feed({ kind: 'message', from: 'a', message })
      }
    }
    pump.settle()
    expect(copy.of('give-way').map(({ why }) => why)).toEqual(['identity'])
    expect(b.of('give-way')).toEqual([])
    copy.gone = true
    b.worker(1)
    passing(pump, suspectMs + 3000)
    const [member] = a.core.view.members(pump.now)
    expect(member).toMatchObject({ status: 'alive', heartbeat: { boot: B } })
    const task = a.submit()
    passing(pump, 1000)
    expect(b.running.has(task)).toBe(true)
  })

  test('of a name counts only where the namesake says so itself', () => {
    const { pump, a, c } = three()
    lie(a, { kind: 'replaced', boot: A, why: 'name', addresses: [] })
    // A word of b in our name, passed on by c.
    const forged = { name: 'test/a', at: pump.now * 1000 + 1 }
    lie(a, heartbeatOf(B, forged))
    lie(a, heartbeatOf(bootOf('d', 0), forged))
    a.feed({ kind: 'link', peer: 'd', up: true })
    lie(a, heartbeatOf(bootOf('d', 0), { ...forged, at: forged.at + 1 }))
    lie(a, { kind: 'introduction', heartbeat: heartbeatOf(bootOf('e', 0), forged) })
    pump.settle()
    expect(a.of('give-way')).toEqual([])
    const own = heartbeatOf(bootOf('d', 0), { ...forged, at: forged.at + 2 })
    a.feed({ kind: 'message', from: 'd', message: own })
    expect(a.of('give-way').map(({ why }) => why)).toEqual(['name'])
    expect(c.of('give-way')).toEqual([])
  })
})

describe('clocks', () => {
  test('of members that only others speak of do not move ours', () => {
    const { pump, a } = three()
    for (let i = 0; i < 7; i++) {
      const boot = bootOf(`x${i}`)
      for (let n = 0; n < 5; n++) {
        const clockMs = pump.now + 9 * HOUR_MS
        lie(a, heartbeatOf(boot, { at: pump.now * 1000 + n, clockMs }))
      }
    }
    passing(pump, 2000)
    expect(a.core.view.wallMs(pump.now)).toBe(pump.now)
    const id = a.submit()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('of members whose link is down do not move ours any more', () => {
    const { pump, a } = three()
    for (const node of ['d', 'e', 'f', 'g']) {
      const ahead = heartbeatOf(bootOf(node), {
        at: pump.now * 1000,
        clockMs: pump.now + 9 * HOUR_MS
      })
      a.feed({ kind: 'message', from: node, message: ahead })
    }
    passing(pump, 2000)
    expect(a.core.view.wallMs(pump.now)).toBe(pump.now)
  })

  test('a word of a member that is passed on says nothing of its clock', () => {
    const { pump, a } = three()
    for (let n = 1; n <= 5; n++) {
      lie(a, heartbeatOf(B, { at: pump.now * 1000 + n, clockMs: pump.now + HOUR_MS }))
    }
    const b = a.core.view.members(pump.now).find(({ heartbeat }) => heartbeat.boot === B)
    expect(b!.clockOffsetMs).toBe(0)
  })

  test.each([-HOUR_MS * 1000, 1e12])('that are all wrong by %i ms are no matter', skewMs => {
    const pump = new Pump()
    pump.now = 1_800_000_000_000 + skewMs
    const nodes = ['a', 'b', 'c'].map(name => pump.add(bootOf(name, pump.now * 1000)))
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    pump.link(a, b)
    pump.link(b, c)
    pump.link(a, c)
    for (const node of nodes) announce(pump, node)
    passing(pump, 3000)
    expect(nodes.map(node => node.core.view.wallMs(pump.now))).toEqual(nodes.map(() => pump.now))
    expect(nodes.map(node => node.core.view.counters.disbelieved)).toEqual([0, 0, 0])
  })

  test('a computer without a battery joins, runs and leaves, and is back when its clock is right', () => {
    const pump = new Pump()
    pump.now = 1_800_000_000_000
    const start = pump.now * 1000
    const [a, b] = ['a', 'b'].map(name => pump.add(bootOf(name, start))) as [PumpNode, PumpNode]
    // In the year 2080.
    const dead = 3_471_292_800_000
    const c = pump.add(bootOf('c', dead * 1000))
    c.skewMs = dead - pump.now
    for (const [x, y] of [
      [a, b],
      [b, c],
      [a, c]
    ] as const)
      pump.link(x, y)
    for (const node of pump.nodes) announce(pump, node)
    passing(pump, 3000)
    expect(statusOf(a, 'c', pump.now)).toBe('alive')
    const id = runningOn(pump, c)
    c.end(id)
    passing(pump, 2000)
    expect(a.state(id)).toBe('completed')
    expect(Math.abs(a.record(id).spec.submittedAt - pump.now * 1000)).toBeLessThan(1e7)
    c.feed({ kind: 'leave', abort: false })
    passing(pump, 2000)
    expect(statusOf(a, 'c', pump.now)).toBe('left')
    pump.crash(c)
    const again = pump.restart(c, bootOf('c', startTimeOf(c.boot) + 1))
    announce(pump, again)
    passing(pump, 3000)
    expect([a, b].map(node => statusOf(node, 'c', pump.now))).toEqual(['alive', 'alive'])
    expect(a.core.view.member('c')!.heartbeat.boot).toBe(again.boot)
  })
})

describe('lies about a member that lives', () => {
  test('take no work from it, and are over when they end', () => {
    const { pump, a, b } = three()
    const id = runningOn(pump, b)
    a.worker(1)
    passing(pump, 1000)
    for (let ms = 0; ms < 20_000; ms += 500) {
      const at = (pump.now + HOUR_MS) * 1000 + ms
      const departures = [left(B), left(FAR), forgotten(B, at), left(bootOf('b', 5))]
      lie(a, heartbeatOf(bootOf('c'), { at: pump.now * 1000, departures }))
      for (const boot of [B2, FAR, bootOf('b', at)]) {
        lie(a, { kind: 'introduction', heartbeat: heartbeatOf(boot, { at, addresses: [] }) })
        lie(a, heartbeatOf(boot, { at, name: 'test/b' }))
      }
      lie(a, heartbeatOf(B, { at, name: 'test/c', addresses: ['/nowhere'] }))
      pump.pass(500)
    }
    expect(a.record(id).claim.holder).toBe(B)
    expect(starts(a, id)).toEqual([])
    expect(b.running.has(id)).toBe(true)
    expect(statusOf(a, 'b', pump.now)).toBe('alive')
    passing(pump, unreachableMs)
    b.end(id)
    passing(pump, 2000)
    expect(a.state(id)).toBe('completed')
  })
})

describe('a data folder of an earlier version, in which others were believed', () => {
  function poisoned(): { pump: Pump; a: PumpNode; b: PumpNode } {
    const pump = new Pump()
    pump.now = 1_800_000_000_000
    const start = pump.now * 1000
    const a = pump.add(bootOf('a', start))
    const record = (boot: string, departure: Departure | null) => ({
      boot,
      name: `test/${boot.split('/')[0]}`,
      addresses: [],
      departure,
      stopAfterIsolatedMs: null
    })
    a.disk.members.set('b', record(FAR, null))
    a.disk.members.set('c', record(bootOf('c', start), left('c/zzzzzzzzzz-zzzzzz')))
    a.disk.members.set('d', record(bootOf('d', start), forgotten(bootOf('d', start), 4e15 / 2)))
    a.disk.members.set('e', record(bootOf('e', start), left(bootOf('e', start))))
    const late = { at: Number.MAX_SAFE_INTEGER }
    a.disk.roster.set('test/y', { name: 'test/y', expected: true, ...late })
    a.disk.roster.set('test/z', { name: 'test/z', expected: false, ...late })
    const again = pump.restart(a, bootOf('a', start + 1))
    a.gone = true
    const b = pump.add(bootOf('b', start + 2))
    return { pump, a: again, b }
  }

  test('lets go of what bans a member or an instance, and keeps who left', () => {
    const { pump, a } = poisoned()
    passing(pump, 500)
    const status = (node: string): string | undefined => statusOf(a, node, pump.now)
    expect(['c', 'd', 'e'].map(status).map(each => each === 'left')).toEqual([false, false, true])
    expect(a.core.view.self().roster).toEqual([{ name: 'test/y', at: 0, expected: true }])
    a.feed({ kind: 'expect', names: ['test/z'] })
    expect(a.core.view.self().roster).toHaveLength(2)
  })

  test('takes nothing from a boot that is older than one of the far future', () => {
    const { pump, a, b } = poisoned()
    const record = taskOf(b.boot, 1)
    const batch = {
      kind: 'batch',
      origin: b.boot,
      after: 0,
      records: [record],
      writes: [0]
    } as const
    a.feed({ kind: 'message', from: 'e', message: batch })
    a.worker(1)
    passing(pump, unreachableMs - 2000)
    expect(a.record(record.spec.id).claim.holder).toBe(b.boot)
  })

  test('keeps no key for longer than a task can be kept', () => {
    const pump = new Pump()
    pump.now = 1_800_000_000_000
    const a = pump.add(bootOf('a', pump.now * 1000))
    const [soon, never] = ['order 1', 'order 2'].map(simulatedKeyedId) as [string, string]
    a.disk.spent.set(soon, pump.now + HOUR_MS)
    a.disk.spent.set(never, 9e15)
    a.gone = true
    const again = pump.restart(a, bootOf('a', pump.now * 1000 + 1))
    passing(pump, 500)
    expect([soon, never].map(id => again.core.view.isForgotten(id))).toEqual([true, false])
  })

  test('has a node back that was named by a boot of the far future, as soon as it speaks', () => {
    const { pump, a, b } = poisoned()
    pump.link(a, b)
    for (const node of [a, b]) announce(pump, node)
    passing(pump, 3000)
    expect(a.core.view.member('b')!.heartbeat.boot).toBe(b.boot)
    expect(statusOf(a, 'b', pump.now)).toBe('alive')
    passing(pump, 1000)
    expect(a.of('notify').filter(({ event }) => event.name === 'node:left')).toEqual([])
    expect(a.disk.members.get('b')).toMatchObject({ boot: b.boot, proven: true })
  })
})
