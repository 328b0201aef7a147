/** Anybody can invent members. Whatever is invented, what is kept has a bound, and all who hear the same keep the same. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callsOf } from '../../support/counting.ts'
import { bootOf, heartbeatOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { bootId, nodeOf, startTimeOf, type BootId } from '../../../src/core/base/ids.ts'
import { compareText } from '../../../src/core/base/order.ts'
import { RETIRED, retiredIn, reach, reachIn } from '../../../src/core/base/version-vector.ts'
import { Core } from '../../../src/core/core.ts'
import type { Input } from '../../../src/core/input.ts'
import { Log } from '../../../src/core/log/log.ts'
import { ORIGINS_MAX, ORIGINS_PER_NODE_MAX } from '../../../src/core/log/origins.ts'
import { raise, UNKNOWN_BOOTS_MAX } from '../../../src/core/base/coverage.ts'
import { Dots } from '../../../src/core/base/dots.ts'
import { DEPARTED_MAX, MEMBERS_MAX, UNMET_MAX } from '../../../src/core/membership/member-list.ts'
import { Members, type Authors } from '../../../src/core/membership/members.ts'
import { Roster, ROSTER_MAX } from '../../../src/core/membership/roster.ts'
import type { Departure, Expected } from '../../../src/core/message.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { Disk } from '../../../src/sim/world/disk.ts'

const A = bootOf('a')

function membersOf(authors?: Authors): Members {
  return new Members(A, CORE_DEFAULTS, 'test/a', authors)
}

function departureOf(number: number, parts: Partial<Departure> = {}): Departure {
  const boot = bootId(`n${number}`, 1000 + number, 0)
  return { boot, at: RETIRED, forgotten: false, upTo: 0, ...parts }
}

describe('members', () => {
  test('of whom one has only heard are no more than a number, and those that are linked come in', () => {
    const members = membersOf()
    for (let i = 0; i < 3 * UNMET_MAX; i++) members.heard(heartbeatOf(bootOf(`m${i}`)), 1)
    expect(members.all()).toHaveLength(UNMET_MAX)
    members.link('z', true)
    expect(members.heard(heartbeatOf(bootOf('z')), 1)).toBe(true)
    expect(members.get('z')).toMatchObject({ met: true })
  })

  test('that came and went are no more than a number: the dead make room for those who are there', () => {
    const members = membersOf()
    const meet = (node: string): boolean => {
      members.link(node, true)
      return members.heard(heartbeatOf(bootOf(node)), 1)
    }
    for (let i = 0; i < MEMBERS_MAX; i++) expect(meet(`m${i}`)).toBe(true)
    expect(meet('late')).toBe(false)
    members.link('m7', false)
    members.refused(bootOf('m7'))
    expect(meet('late')).toBe(true)
    expect(members.all()).toHaveLength(MEMBERS_MAX)
    expect(members.takeDropped()).toEqual(['m7'])
  })

  test('are in the order of their ids, whatever the order in which they came', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200), { maxLength: 100 }), numbers => {
        const members = membersOf()
        for (const number of numbers) members.heard(heartbeatOf(bootOf(`m${number}`)), 1)
        const sorted = numbers.map(number => `m${number}`).sort(compareText)
        expect(members.all().map(({ node }) => node)).toEqual(sorted)
      })
    )
  })

  test('are kept without what they said of others', () => {
    const members = membersOf()
    const vector = new Map([[A, 1]])
    const said = { vector, roster: [{ name: 'x/1', at: 1, expected: true }], met: [A] }
    members.heard(heartbeatOf(bootOf('b'), { ...said, departures: [departureOf(1)] }), 1)
    const { heartbeat, vector: known } = members.get('b')!
    const { roster, departures, met } = heartbeat
    expect([heartbeat.vector.size, roster, departures, met]).toEqual([0, [], [], []])
    expect(known).toEqual(vector)
  })
})

describe('departures', () => {
  const departure: fc.Arbitrary<Departure> = fc
    .record({ number: fc.nat(3 * DEPARTED_MAX), at: fc.nat(3), forgotten: fc.boolean() })
    .map(({ number, ...parts }) => departureOf(number, parts))

  test('are the same at all who have heard of the same ones, in whatever order', () => {
    const pool = Array.from({ length: 2 * DEPARTED_MAX }, (_, i) => departureOf(i))
    const many = fc
      .array(departure, { minLength: 50, maxLength: 300 })
      .map(some => [...pool, ...some])
    fc.assert(
      fc.property(many, fc.infiniteStream(fc.nat(1_000_000)), (all, dice) => {
        const keyed = all.map(each => ({ each, key: dice.next().value! }))
        const shuffled = keyed.sort((x, y) => x.key - y.key).map(({ each }) => each)
        const [x, y] = [membersOf(), membersOf()]
        for (const each of all) x.departed(each, 0)
        for (const each of shuffled) y.departed(each, 0)
        expect(y.departures()).toEqual(x.departures())
        const started = new Set(all.map(({ boot }) => startTimeOf(boot)))
        const last = [...started].sort((a, b) => b - a).slice(0, DEPARTED_MAX)
        const kept = x.departures().map(({ boot }) => startTimeOf(boot))
        expect(kept.sort((a, b) => b - a)).toEqual(last)
        for (const each of x.departures()) y.departed(each, 0)
        expect(y.departures()).toEqual(x.departures())
      }),
      { numRuns: 5 }
    )
  })

  test('of whom something is still to be forgotten stay beside them', () => {
    const members = membersOf({ isKnown: () => true, isOpen: node => node === 'n0' })
    for (let i = 0; i <= DEPARTED_MAX; i++) members.departed(departureOf(i), 0)
    const nodes = members.departures().map(({ boot }) => nodeOf(boot))
    expect(nodes).toHaveLength(DEPARTED_MAX)
    expect(nodes).toContain('n0')
    expect(nodes).not.toContain('n1')
  })

  test('that are too many are removed from disk, too', () => {
    const members = membersOf()
    const disk = new Disk()
    const log = new Log(A)
    for (let i = 0; i < 2 * DEPARTED_MAX; i++) {
      members.departed(departureOf(i), 0)
      if (i % 100 > 0) continue
      const flush = log.flush({
        members: members.takeDirty(),
        dropped: { members: members.takeDropped(), roster: [] }
      })
      if (flush === null) continue
      disk.write(flush)
      log.flushed(flush.flush)
    }
    const last = log.flush({
      members: members.takeDirty(),
      dropped: { members: members.takeDropped(), roster: [] }
    })!
    disk.write(last)
    expect(disk.members.size).toBe(DEPARTED_MAX)
    expect([...disk.members.keys()].sort()).toEqual(
      members
        .all()
        .map(({ node }) => node)
        .sort()
    )
  })
})

describe('the roster', () => {
  const entry: fc.Arbitrary<Expected> = fc.record({
    name: fc.nat(2 * ROSTER_MAX).map(number => `c/${number}`),
    at: fc.nat(3),
    expected: fc.boolean()
  })

  test('has a bound, and is the same at all who have heard the same, in whatever order', () => {
    const pool = Array.from({ length: ROSTER_MAX }, (_, i) => ({
      name: `c/${2 * i}`,
      at: 1,
      expected: true
    }))
    const many = fc.array(entry, { minLength: 100, maxLength: 500 })
    fc.assert(
      fc.property(many, some => {
        const [x, y] = [new Roster(), new Roster()]
        for (const each of [...pool, ...some]) x.note(each)
        for (const each of [...some, ...pool.toReversed()]) y.note(each)
        expect(y.all()).toEqual(x.all())
        expect(x.all()).toHaveLength(ROSTER_MAX)
        for (const each of x.all()) y.note(each)
        expect(y.all()).toEqual(x.all())
        for (const roster of [x, y]) roster.assertInvariants()
      }),
      { numRuns: 20 }
    )
  })

  test('says which names a disk need not keep any more', () => {
    const roster = new Roster()
    const disk = new Map<string, Expected>()
    for (let i = 3 * ROSTER_MAX; i > 0; i--) {
      roster.note({ name: String(i).padStart(5, '0'), at: 1, expected: true })
      if (i % 100 > 0 && i > 1) continue
      for (const each of roster.takeDirty()) disk.set(each.name, each)
      for (const name of roster.takeDropped()) disk.delete(name)
    }
    expect([...disk.keys()].sort()).toEqual(roster.all().map(({ name }) => name))
  })
})

describe('what a member has on disk', () => {
  test('has a bound on boots that nobody here knows', () => {
    const vector = new Map<BootId, number>()
    const known = Array.from({ length: 5000 }, (_, i) => bootOf('k', i + 1))
    const isKnown = (boot: BootId): boolean => nodeOf(boot) === 'k'
    for (let i = 0; i < 3; i++) {
      const strange = Array.from({ length: 5000 }, (_, j) => bootOf(`s${i}`, j + 1))
      raise(
        { vector, unreadable: new Dots() },
        { vector: new Map([...strange, ...known].map(boot => [boot, 1])) },
        isKnown
      )
    }
    expect(vector.size).toBe(known.length + UNKNOWN_BOOTS_MAX)
    expect(known.every(boot => vector.get(boot) === 1)).toBe(true)
  })

  test('is raised in one walk through what it says', () => {
    const many = Array.from({ length: 4000 }, (_, i) => bootOf(`n${i}`))
    const vector = new Map(many.map(boot => [boot, 1]))
    const news = new Map(many.map(boot => [bootId(`x${nodeOf(boot)}`, 5, 0), RETIRED]))
    const looked = callsOf(Map.prototype, 'get', () =>
      raise({ vector, unreadable: new Dots() }, { vector: news })
    )
    expect(looked).toBeLessThan(20 * many.length)
  })

  test('is read for many boots as for one', () => {
    const nodes = ['a', 'b', 'c']
    const boot = fc
      .record({ node: fc.constantFrom(...nodes), start: fc.integer({ min: 1, max: 4 }) })
      .map(({ node, start }) => bootOf(node, start))
    const entries = fc.array(fc.tuple(boot, fc.constantFrom(1, 2, RETIRED)), { maxLength: 6 })
    fc.assert(
      fc.property(entries, boot, (given, asked) => {
        const vector = new Map(given)
        expect(reachIn(vector)(asked)).toBe(reach(vector, asked))
        for (const [node, last] of retiredIn(vector)) {
          expect(vector.get(last)).toBe(RETIRED)
          expect(nodeOf(last)).toBe(node)
        }
      })
    )
  })
})

describe('boots that write', () => {
  const write = (log: Log, boot: BootId): string =>
    log.merge({ kind: 'batch', origin: boot, after: 0, records: [taskOf(boot, 1)], writes: [0] })
      .kind

  test('have a bound: the next one finds no room, and all others go on', () => {
    const log = new Log(A)
    for (let i = 1; i < ORIGINS_MAX; i++) expect(write(log, bootOf(`n${i}`))).toBe('merged')
    expect(write(log, bootOf('late'))).toBe('full')
    const known = bootOf('n1')
    const records = [taskOf(known, 2)]
    expect(
      log.merge({ kind: 'batch', origin: known, after: 1, records, writes: [0] })
    ).toMatchObject({ kind: 'merged' })
    expect(log.origins.vector().size).toBeLessThanOrEqual(ORIGINS_MAX)
  })

  test('of one node are a part of that, and make room once they are closed', () => {
    const log = new Log(A)
    for (let i = 1; i <= ORIGINS_PER_NODE_MAX; i++) write(log, bootOf('b', i))
    const next = bootOf('b', ORIGINS_PER_NODE_MAX + 1)
    expect(write(log, next)).toBe('full')
    expect(write(log, bootOf('c'))).toBe('merged')
    log.close(bootOf('b', ORIGINS_PER_NODE_MAX / 2))
    expect(write(log, next)).toBe('merged')
  })

  test('are closed without a look at those of other nodes', () => {
    const log = new Log(A)
    const count = 2000
    for (let i = 0; i < count; i++) write(log, bootOf(`n${i}`))
    const boots = Array.from({ length: count }, (_, i) => bootOf(`n${i}`))
    const looked = callsOf(Map.prototype, 'get', () => log.learn([], boots))
    expect(looked).toBeLessThan(50 * count)
    expect(log.origins.open()).toHaveLength(1)
  })
})

test('twenty thousand invented heartbeats leave a node as it was, but for a number of them', () => {
  const core = new Core({ boot: A, name: 'test/a', version: '0.0.0', labels: {} })
  const disk = new Disk()
  let now = 1_000_000
  const feed = (input: Input): void => {
    for (const effect of core.step(now, input)) {
      if (effect.kind !== 'persist') continue
      disk.write(effect.flush)
      feed({ kind: 'persisted', flush: effect.flush.flush })
    }
  }
  feed({ kind: 'link', peer: 'b', up: true })
  for (let i = 0; i < 20_000; i++) {
    const message = heartbeatOf(bootId(`m${i}`, 1000 + i, i), {
      at: 1_000_000_000,
      roster: [{ name: `r/${i}`, at: 1, expected: true }],
      departures: [departureOf(200_000 + i)],
      vector: new Map([[bootId('b', i + 1, 0), 1]])
    })
    now++
    feed({ kind: 'message', from: 'b', message })
    if (i % 1000 === 0) feed({ kind: 'tick' })
  }
  expect(core.view.members(now).length).toBeLessThanOrEqual(UNMET_MAX)
  expect(core.view.self().departures.length).toBeLessThanOrEqual(DEPARTED_MAX)
  expect(core.view.roster().length).toBeLessThanOrEqual(ROSTER_MAX)
  expect(disk.members.size).toBeLessThanOrEqual(DEPARTED_MAX + UNMET_MAX)
  expect(disk.roster.size).toBeLessThanOrEqual(ROSTER_MAX)
})
