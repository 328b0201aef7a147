/** Which pool a task gets a slot in: as the rule says it, whatever comes, goes and changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import '../forbid.ts'
import { canRun } from '../../../src/core/claim/capability.ts'
import type { Demand } from '../../../src/core/claim/capability.ts'
import { PoolRoom } from '../../../src/core/claim/pool-room.ts'
import type { Pool } from '../../../src/core/claim/pools.ts'
import { Seats } from '../../../src/core/scheduling/seats.ts'

const TYPES = ['red', 'green', 'blue'] as const
const type = fc.constantFrom(...TYPES)
const demand: fc.Arbitrary<Demand> = fc.record({
  type,
  require: fc.constantFrom([], [{ label: 'gpu', atLeast: 1 }])
})
const pools: fc.Arbitrary<Pool[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'default', 'p', 'z'),
    slots: fc.integer({ min: 0, max: 3 }),
    types: fc.uniqueArray(type),
    labels: fc.constantFrom({}, { gpu: '1' }),
    external: fc.boolean()
  }),
  { selector: ({ name }) => name, maxLength: 4 }
)
const step = fc.oneof(
  { weight: 6, arbitrary: demand.map(of => ({ kind: 'take', of }) as const) },
  { weight: 3, arbitrary: fc.nat(20).map(which => ({ kind: 'release', which }) as const) },
  { weight: 1, arbitrary: pools.map(all => ({ kind: 'equip', all }) as const) }
)

test('a task goes to the first pool by name that runs it and has room, into its first free slot', () => {
  fc.assert(
    fc.property(pools, fc.array(step, { maxLength: 60 }), (first, steps) => {
      const seats = new Seats({ now: 0 })
      seats.equip(first)
      let all = first
      let made = 0
      /** The dumb version: who has which slot. */
      const taken = new Map<string, { pool: string; slot: number }>()
      const usedIn = (name: string): number[] =>
        [...taken.values()].filter(({ pool }) => pool === name).map(({ slot }) => slot)
      for (const each of steps) {
        if (each.kind === 'equip') seats.equip((all = each.all))
        else if (each.kind === 'release') {
          const id = [...taken.keys()][each.which] ?? 'none'
          taken.delete(id)
          seats.release(id)
        } else {
          const fitting = all
            .filter(pool => canRun(pool, each.of) && usedIn(pool.name).length < pool.slots)
            .map(({ name }) => name)
            .sort()
          const pool = seats.poolFor(each.of)
          expect(pool?.name).toBe(fitting[0])
          if (pool === undefined) continue
          const used = usedIn(pool.name)
          const slot = [0, 1, 2, 3, 4, 5].find(number => !used.includes(number))!
          const id = `t${made++}`
          expect(seats.take(id, pool)).toMatchObject({ pool: pool.name, slot })
          taken.set(id, { pool: pool.name, slot })
        }
        for (const { name } of all) expect(seats.used(name)).toBe(usedIn(name).length)
        expect(seats.used()).toBe(taken.size)
        for (const [id, seat] of taken) expect(seats.of(id)).toMatchObject(seat)
        seats.assertInvariants(
          id => taken.has(id),
          () => true
        )
      }
    })
  )
})

/** What may happen to a task, and how much later. */
const turn = fc.record({
  id: fc.constantFrom('t0', 't1'),
  kind: fc.constantFrom('take', 'release', 'end'),
  afterMs: fc.nat(1000)
})

test('of a task it is known for how long it has had a slot, however often it gave it up, until it ends', () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 40 }), turns => {
      const clock = { now: 0 }
      const seats = new Seats(clock)
      const pool = { name: 'p', slots: 2, types: [], labels: {}, external: false }
      seats.equip([pool])
      /** The dumb version: every ms that a task has a slot is counted. */
      const hadMs = new Map<string, number>()
      for (const { id, kind, afterMs } of turns) {
        clock.now += afterMs
        for (const each of ['t0', 't1'].filter(other => seats.of(other) !== undefined)) {
          hadMs.set(each, (hadMs.get(each) ?? 0) + afterMs)
        }
        if (kind === 'release') seats.release(id)
        else if (kind === 'take' && seats.of(id) === undefined) seats.take(id, pool)
        else if (kind === 'end') {
          expect(seats.end(id)).toBe(hadMs.get(id) ?? 0)
          hadMs.delete(id)
        }
        seats.assertInvariants(
          () => true,
          other => hadMs.has(other)
        )
      }
    })
  )
})

test('the room of pools is never more than a task by task filling finds, and none of another pool', () => {
  fc.assert(
    fc.property(
      pools,
      fc.array(fc.tuple(demand, fc.integer({ min: 1, max: 4 }))),
      (all, waiting) => {
        const free = all.map(pool => ({ pool, free: pool.slots }))
        const room = new PoolRoom(free)
        const left = new Map(all.map(pool => [pool, pool.slots]))
        for (const [of, count] of waiting) {
          let found = 0
          for (let i = 0; i < count; i++) {
            const pool = all.find(each => canRun(each, of) && left.get(each)! > 0)
            if (pool === undefined) break
            left.set(pool, left.get(pool)! - 1)
            found++
          }
          const isPossible = all.some(pool => canRun(pool, of) && left.get(pool)! > 0)
          expect(room.take(of, count)).toBe(found)
          if (found === count) expect(room.has(of)).toBe(isPossible)
          else expect(room.has(of)).toBe(false)
          // What found no room is missing where it would go: those that come later find less.
          if (found < count) {
            const able = all.find(pool => canRun(pool, of))
            if (able !== undefined) left.set(able, left.get(able)! - (count - found))
          }
        }
        for (const each of TYPES) {
          const of = { type: each, require: [] }
          const sum = all
            .filter(pool => canRun(pool, of))
            .reduce((total, pool) => total + Math.max(0, left.get(pool)!), 0)
          expect(room.for(of)).toBe(sum)
        }
      }
    )
  )
})
