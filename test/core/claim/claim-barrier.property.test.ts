/** When reclaims are confirmed: the queue that is kept must say the same as looking at every reclaim and every member each time. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClaimBarrier } from '../../../src/core/claim/claim-barrier.ts'
import { Entry } from '../../../src/core/log/entry.ts'
import { newMember, UNHEARD, type Member } from '../../../src/core/membership/member.ts'
import { bootOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'

const SELF = bootOf('a')
const OTHERS = ['b', 'c', 'd']

type Event = Readonly<
  | { kind: 'reclaim' }
  /** It has our newest write on disk, and says how much it has written itself. */
  | { kind: 'confirms'; who: number; writes: number }
  | { kind: 'merged'; who: number }
  | { kind: 'silent'; who: number; silent: boolean }
  | { kind: 'restarts'; who: number }
>

const who = fc.nat(OTHERS.length - 1)
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('reclaim' as const) }),
  fc.record({ kind: fc.constant('confirms' as const), who, writes: fc.nat(2) }),
  fc.record({ kind: fc.constant('merged' as const), who }),
  fc.record({ kind: fc.constant('silent' as const), who, silent: fc.boolean() }),
  fc.record({ kind: fc.constant('restarts' as const), who })
)

/** A node that takes tasks over, and what it knows of three others. */
class World {
  readonly members: Member[] = OTHERS.map(name => newMember({ ...UNHEARD, boot: bootOf(name) }))
  readonly silent = new Set<Member>()
  readonly written = new Map<string, number>()
  readonly mergedUpTo = new Map<string, number>()
  seq = 0
  boots = 1
  looks = 0

  get alive(): Member[] {
    return this.members.filter(member => !this.silent.has(member))
  }

  readonly merged = (origin: string): number => {
    this.looks++
    return this.mergedUpTo.get(origin) ?? 0
  }

  happens(event: Exclude<Event, { kind: 'reclaim' }>): void {
    const member = this.members[event.who]!
    const { boot } = member.heartbeat
    const written = this.written.get(boot) ?? 0
    switch (event.kind) {
      case 'confirms':
        this.written.set(boot, written + event.writes)
        member.vector.set(SELF, this.seq).set(boot, written + event.writes)
        return
      case 'merged':
        return void this.mergedUpTo.set(boot, written)
      case 'silent':
        return void this.silent[event.silent ? 'add' : 'delete'](member)
      case 'restarts': {
        member.heartbeat = { ...member.heartbeat, boot: bootOf(member.node, ++this.boots) }
        member.vector.clear()
      }
    }
  }
}

type Open = Readonly<{ seq: number; needs: Map<string, [string, number]> }>

/** The same by looking at everything. */
class Dumb {
  readonly #once: boolean
  #open: Open[] = []

  constructor(once: boolean) {
    this.#once = once
  }

  add(seq: number): void {
    this.#open.push({ seq, needs: new Map() })
  }

  confirm({ members, alive, mergedUpTo, seq: durable }: World): number[] {
    const merged = (origin: string): number => mergedUpTo.get(origin) ?? 0
    const isConfirmed = (each: Open): boolean => {
      const asked = this.#once ? members : alive
      const confirmed = asked.map(({ node, heartbeat: { boot }, vector }) => {
        const known = each.needs.get(node)
        if (known?.[0] !== boot && (vector.get(SELF) ?? 0) < each.seq) return false
        if (known?.[0] !== boot) each.needs.set(node, [boot, vector.get(boot) ?? 0])
        return merged(boot) >= each.needs.get(node)![1]
      })
      const told = asked.every(({ vector }) => [...vector].every(([o, upTo]) => merged(o) >= upTo))
      return each.seq <= durable && !confirmed.includes(false) && (!this.#once || told)
    }
    const confirmed = new Set(this.#open.filter(isConfirmed))
    this.#open = this.#open.filter(each => !confirmed.has(each))
    return [...confirmed].map(({ seq }) => seq)
  }
}

function taken(): Entry {
  return new Entry(taskOf(SELF, 1))
}

describe('reclaims are confirmed', () => {
  test('exactly when looking at each of them with each member says so', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(event, { maxLength: 60 }), (once, events) => {
        const world = new World()
        const clever = new ClaimBarrier()
        const dumb = new Dumb(once)
        const ids = new Map<Entry, number>()
        for (const each of events) {
          if (each.kind === 'reclaim') {
            const entry = taken()
            ids.set(entry, ++world.seq)
            world.mergedUpTo.set(SELF, world.seq)
            clever.add([{ entry, seq: world.seq }], once ? 'z' : null)
            dumb.add(world.seq)
          } else world.happens(each)
          const { alive, merged, members, seq } = world
          const done = clever.confirm({ boot: SELF, upTo: seq }, alive, merged, members)
          const byAge = (x: number, y: number): number => x - y
          expect(done.map(entry => ids.get(entry)!).toSorted(byAge)).toEqual(
            dumb.confirm(world).toSorted(byAge)
          )
          clever.assertInvariants()
        }
      }),
      { numRuns: 1000 }
    )
  })

  test.each(['b', 'z'])(
    'once all is merged that a confirmer has of those who are gone, its own earlier boot included: %s',
    gone => {
      const world = new World()
      const claimBarrier = new ClaimBarrier()
      const [b] = world.members as [Member]
      const before = bootOf(gone, 1)
      world.happens({ kind: 'restarts', who: 0 })
      const entry = taken()
      world.mergedUpTo.set(SELF, ++world.seq)
      claimBarrier.add([{ entry, seq: world.seq }])
      for (const member of world.members) member.vector.set(SELF, world.seq)
      b.vector.set(before, 3)
      const asked: string[] = []
      const confirm = (): readonly Entry[] =>
        claimBarrier.confirm(
          { boot: SELF, upTo: world.seq },
          world.alive,
          world.merged,
          world.members,
          node => void asked.push(node)
        )
      expect(confirm()).toEqual([])
      expect(asked).toContain(b.node)
      world.mergedUpTo.set(before, 3)
      expect(confirm()).toEqual([entry])
    }
  )

  test('once all is merged that a confirmer had of a member that has gone since, and had not confirmed', () => {
    const world = new World()
    const claimBarrier = new ClaimBarrier()
    const [b, c, d] = world.members as [Member, Member, Member]
    const entry = taken()
    world.mergedUpTo.set(SELF, ++world.seq)
    claimBarrier.add([{ entry, seq: world.seq }])
    b.vector.set(SELF, world.seq).set(c.heartbeat.boot, 3)
    d.vector.set(SELF, world.seq)
    const asked: string[] = []
    const confirm = (): readonly Entry[] =>
      claimBarrier.confirm(
        { boot: SELF, upTo: world.seq },
        world.alive,
        world.merged,
        world.members,
        node => void asked.push(node)
      )
    expect(confirm()).toEqual([])
    world.happens({ kind: 'silent', who: 1, silent: true })
    expect(confirm()).toEqual([])
    expect(asked).toContain(b.node)
    world.mergedUpTo.set(c.heartbeat.boot, 3)
    expect(confirm()).toEqual([entry])
  })

  test('at a price that does not grow with how many wait', () => {
    const world = new World()
    const claimBarrier = new ClaimBarrier()
    const looks: number[] = []
    for (let i = 0; i < 10_000; i++) {
      claimBarrier.add([{ entry: taken(), seq: ++world.seq }])
      world.happens({ kind: 'confirms', who: i % OTHERS.length, writes: 1 })
      world.looks = 0
      const { alive, merged, seq } = world
      expect(claimBarrier.confirm({ boot: SELF, upTo: seq }, alive, merged)).toEqual([])
      looks.push(world.looks)
    }
    expect(Math.max(...looks)).toBeLessThan(10 * OTHERS.length)
    for (const member of world.members.keys()) {
      world.happens({ kind: 'confirms', who: member, writes: 0 })
      world.happens({ kind: 'merged', who: member })
    }
    const { alive, merged, seq } = world
    expect(claimBarrier.confirm({ boot: SELF, upTo: seq }, alive, merged)).not.toEqual([])
  })
})
