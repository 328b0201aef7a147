/** Which task is ready, and which comes first. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bootOf, can, entryOf, idOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { Entry } from '../../../src/core/log/entry.ts'
import { Dependencies } from '../../../src/core/queue/dependencies.ts'
import { ReadyQueue } from '../../../src/core/queue/ready-queue.ts'
import type { OutcomeStatus } from '../../../src/core/task/record.ts'

const A = bootOf('a')
const B = bootOf('b')

function heldBy(holder: string, entry: Entry): Entry {
  entry.record = { ...entry.record, claim: { ...entry.record.claim, holder } }
  return entry
}

describe('the ready queue', () => {
  test('gives priority 10 first, then the oldest, then by id', () => {
    const queue = new ReadyQueue(A)
    const make = (seq: number, priority: number, submittedAt: number): Entry =>
      entryOf(taskOf(A, seq, { spec: { priority, submittedAt } }))
    const entries = [make(1, 5, 9), make(2, 10, 8), make(3, 5, 2), make(4, 5, 9), make(5, 1, 1)]
    for (const entry of entries) queue.update(entry, true)
    const order: Entry[] = []
    for (
      let next = queue.peek(can(['work']));
      next !== undefined;
      next = queue.peek(can(['work']))
    ) {
      order.push(next)
      queue.update(next, false)
    }
    expect(order).toEqual([1, 2, 0, 3, 4].map(i => entries[i]))
  })

  test('gives only types that were asked for, and the best of several', () => {
    const queue = new ReadyQueue(A)
    const [red, blue] = ['red', 'blue'].map((type, i) =>
      entryOf(taskOf(A, i + 1, { spec: { type, priority: 5 + i } }))
    )
    queue.update(red!, true)
    queue.update(blue!, true)
    expect(queue.peek(can(['red']))).toBe(red)
    expect(queue.peek(can(['red', 'blue']))).toBe(blue)
    expect(queue.peek(can([]))).toBeUndefined()
    expect(queue.peek(can(['green']))).toBeUndefined()
  })

  test('equals a sorted list, whatever moves between holders, is taken out and put back', () => {
    const step = fc.record({
      task: fc.nat(7),
      ready: fc.boolean(),
      holder: fc.constantFrom(A, B)
    })
    const specs = fc.array(
      fc.record({
        type: fc.constantFrom('red', 'blue'),
        priority: fc.integer({ min: 4, max: 6 }),
        submittedAt: fc.nat(2)
      }),
      { minLength: 8, maxLength: 8 }
    )
    fc.assert(
      fc.property(specs, fc.array(step, { maxLength: 40 }), (given, steps) => {
        const entries = given.map((spec, i) => entryOf(taskOf(A, i + 1, { spec })))
        const queue = new ReadyQueue(A)
        const ready = new Set<Entry>()
        for (const { task, ready: isReady, holder } of steps) {
          const entry = heldBy(holder, entries[task]!)
          queue.update(entry, isReady)
          if (isReady) ready.add(entry)
          else ready.delete(entry)
          for (const types of [['red'], ['blue'], ['blue', 'red']]) {
            const of = (who: string): Entry[] =>
              [...ready].filter(
                ({ record: { claim, spec } }) => claim.holder === who && types.includes(spec.type)
              )
            const best = of(A).sort(({ record: { spec: x } }, { record: { spec: y } }) => {
              return (
                y.priority - x.priority || x.submittedAt - y.submittedAt || (x.id < y.id ? -1 : 1)
              )
            })
            expect(queue.peek(can(types))).toBe(best[0])
            for (const who of [A, B]) expect(queue.count(who, can(types))).toBe(of(who).length)
          }
          expect(queue.total(A) + queue.total(B)).toBe(ready.size)
          queue.assertInvariants()
        }
      }),
      { numRuns: 200 }
    )
  })
})

describe('dependencies', () => {
  class World {
    readonly entries = new Map<string, Entry>()
    readonly dependencies = new Dependencies(id => this.entries.get(id))

    add(seq: number, dependsOn: readonly number[]): Entry {
      const entry = entryOf(taskOf(A, seq, { spec: { dependsOn: dependsOn.map(s => idOf(A, s)) } }))
      this.entries.set(entry.id, entry)
      this.dependencies.track(entry)
      return entry
    }

    settle(seq: number, status: OutcomeStatus = 'completed'): string[] {
      const entry = this.entries.get(idOf(A, seq))!
      entry.record = { ...entry.record, outcome: outcomeBy(A, { status }) }
      return this.dependencies.settled(entry).map(({ id }) => id)
    }

    /** Somebody had claimed the task anew before it failed here. */
    undo(seq: number): string[] {
      const entry = this.entries.get(idOf(A, seq))!
      entry.record = { ...entry.record, outcome: null }
      return this.dependencies.unsettled(entry).map(({ id }) => id)
    }

    ready(seq: number): boolean {
      return this.dependencies.ready(idOf(A, seq))
    }
  }

  test('whose failure is undone are waited for again, and count when they complete', () => {
    for (const isLate of [false, true]) {
      const world = new World()
      world.add(1, [])
      world.add(2, [])
      if (isLate) world.settle(1, 'failed')
      world.add(3, [1, 2])
      if (!isLate) world.settle(1, 'failed')
      world.settle(2)
      expect(world.dependencies.broken(idOf(A, 3))).toBe(idOf(A, 1))
      expect(world.undo(1)).toEqual([idOf(A, 3)])
      expect(world.undo(1)).toEqual([])
      expect(world.dependencies.broken(idOf(A, 3))).toBeUndefined()
      expect([world.ready(3), world.dependencies.open(idOf(A, 3))]).toEqual([false, 1])
      expect(world.settle(1)).toEqual([idOf(A, 3)])
      expect(world.ready(3)).toBe(true)
    }
  })

  test('whose failure turns into a completion at once break nothing', () => {
    const world = new World()
    world.add(1, [])
    world.add(2, [1])
    world.settle(1, 'failed')
    expect(world.settle(1)).toEqual([idOf(A, 2)])
    expect([world.ready(2), world.dependencies.broken(idOf(A, 2))]).toEqual([true, undefined])
  })

  test('of a task whose own failure is undone are kept for it', () => {
    const world = new World()
    world.add(1, [])
    world.add(2, [1])
    world.settle(2, 'failed')
    expect(world.dependencies.isNamed(idOf(A, 1))).toBe(false)
    world.undo(2)
    expect(world.dependencies.isNamed(idOf(A, 1))).toBe(true)
  })

  test('that form a diamond make its end ready when both sides have completed', () => {
    const world = new World()
    world.add(1, [])
    world.add(2, [1])
    world.add(3, [1])
    world.add(4, [2, 3])
    expect([1, 2, 3, 4].map(seq => world.ready(seq))).toEqual([true, false, false, false])
    expect(world.settle(1)).toEqual([idOf(A, 2), idOf(A, 3)])
    expect([2, 3, 4].map(seq => world.ready(seq))).toEqual([true, true, false])
    world.settle(2)
    expect(world.ready(4)).toBe(false)
    expect(world.dependencies.open(idOf(A, 4))).toBe(1)
    world.settle(3)
    expect(world.ready(4)).toBe(true)
  })

  test('that are not known yet count as open until they come and complete', () => {
    const world = new World()
    world.add(2, [1])
    expect(world.ready(2)).toBe(false)
    world.add(1, [])
    expect(world.ready(2)).toBe(false)
    expect(world.settle(1)).toEqual([idOf(A, 2)])
    expect(world.ready(2)).toBe(true)
  })

  test('that have not been heard of for a while are judged by who holds the task, until they come', () => {
    const world = new World()
    const { dependencies } = world
    const unknownMs = (): number => Infinity
    const heardBy = (now: number): string[] =>
      dependencies.reviewUnknown(now, unknownMs, 1000).map(({ id }) => id)
    world.add(3, [1, 2])
    world.add(2, [])
    expect([heardBy(0), heardBy(999)]).toEqual([[], []])
    expect(dependencies.readyElsewhere(idOf(A, 3))).toBe(false)
    expect(heardBy(1000)).toEqual([idOf(A, 3)])
    expect(dependencies.readyElsewhere(idOf(A, 3))).toBe(false)
    world.settle(2)
    expect([world.ready(3), dependencies.readyElsewhere(idOf(A, 3))]).toEqual([false, true])
    world.add(1, [])
    expect(dependencies.readyElsewhere(idOf(A, 3))).toBe(false)
    expect(heardBy(1001)).toEqual([idOf(A, 3)])
    expect(heardBy(1002)).toEqual([])
  })

  test('that nobody has heard of are given up together, also if it turns out how one of them ended', () => {
    const world = new World()
    const { dependencies } = world
    const waiting = idOf(A, 3)
    world.add(3, [1, 2])
    const giveUp = (now: number): number => dependencies.reviewUnknown(now, () => 1000).length
    expect([giveUp(0), giveUp(1000)]).toEqual([0, 2])
    const asked = dependencies.missing(waiting)!
    dependencies.carry(taskOf(A, asked === idOf(A, 1) ? 1 : 2, { outcome: outcomeBy(A) }))
    const other = dependencies.missing(waiting)
    expect(new Set([asked, other])).toEqual(new Set([idOf(A, 1), idOf(A, 2)]))
    dependencies.carry(taskOf(A, other === idOf(A, 1) ? 1 : 2, { outcome: outcomeBy(A) }))
    expect(world.ready(3)).toBe(true)
  })

  test.each(['failed', 'cancelled'] as const)(
    'that end as %s break what waits for them',
    status => {
      const world = new World()
      world.add(1, [])
      world.add(2, [])
      world.add(3, [1, 2])
      world.settle(1, status)
      expect(world.dependencies.broken(idOf(A, 3))).toBe(idOf(A, 1))
      world.settle(2)
      expect(world.ready(3)).toBe(false)
    }
  )

  test('that had settled before a task came count at once', () => {
    const world = new World()
    world.add(1, [])
    world.add(2, [])
    world.settle(1)
    world.settle(2, 'failed')
    world.add(3, [1])
    world.add(4, [1, 2])
    expect(world.ready(3)).toBe(true)
    expect(world.ready(4)).toBe(false)
    expect(world.dependencies.broken(idOf(A, 4))).toBe(idOf(A, 2))
  })

  test('that are named twice count once', () => {
    const world = new World()
    world.add(1, [])
    world.add(2, [1, 1])
    world.settle(1)
    expect(world.ready(2)).toBe(true)
  })

  test('that settle a second time change nothing more', () => {
    const world = new World()
    world.add(1, [])
    world.add(2, [])
    world.add(3, [1, 2])
    world.settle(1)
    expect(world.settle(1)).toEqual([])
    expect(world.ready(3)).toBe(false)
  })

  test('may be a thousand of one task, and of a thousand tasks one', () => {
    const world = new World()
    const wide = Array.from({ length: 1000 }, (_, i) => i + 1)
    for (const seq of wide) world.add(seq, [])
    world.add(1001, wide)
    for (const seq of wide) {
      expect(world.ready(1001)).toBe(false)
      world.settle(seq)
    }
    expect(world.ready(1001)).toBe(true)
    for (const seq of wide) world.add(2000 + seq, [1001])
    expect(world.settle(1001)).toHaveLength(1000)
  })
})
