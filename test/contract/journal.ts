/**
 * What every Journal keeps. `make` gives a place that journals can be opened on again and again, and that a test may
 * damage.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bootId } from '../../src/core/base/ids.ts'
import type { Flush, StoredTask } from '../../src/core/effect.ts'
import type { Journal, Replay } from '../../src/ports/ports.ts'
import { boot, flushOf, storedTask } from '../store/fixtures/tasks.ts'

export type JournalPlace = {
  open(): Promise<Journal>
  /** Changes a byte of a task's stored state. Only while no journal is open. */
  damage(id: string): Promise<void>
  /**
   * A process ends in the middle of a flush. Of what it was writing all is on the disk, or nothing, or something that is
   * not what it wrote. Only while no journal is open.
   */
  cutShort(flush: Flush, left: 'all' | 'nothing' | 'torn'): Promise<void>
  /** What was said about damaged values. */
  warnings(): string[]
  remove(): Promise<void>
}

export function attempts(replay: Replay): Map<string, number> {
  return new Map(Array.from(replay.tasks, ({ record }) => [record.spec.id, record.claim.attempt]))
}

export function journalContract(name: string, make: () => Promise<JournalPlace>): void {
  describe(`${name} keeps the contract of a journal`, () => {
    let place: JournalPlace
    beforeEach(async () => {
      place = await make()
    })
    afterEach(() => place.remove())

    const written = async (...flushes: Flush[]): Promise<void> => {
      const journal = await place.open()
      for (const flush of flushes) await journal.write(flush)
      await journal.close()
    }

    test('a new journal is empty', async () => {
      const journal = await place.open()
      const replay = await journal.replay()
      expect([[...replay.tasks], replay.vector.size, replay.damaged]).toEqual([[], 0, 0])
      await journal.close()
    })

    test('what was written is replayed as it was', async () => {
      const tasks = Array.from({ length: 700 }, (_, i) => storedTask(i + 1))
      await written(flushOf(1, tasks, 700))
      const journal = await place.open()
      const replay = await journal.replay()
      const byId = (x: StoredTask, y: StoredTask): number =>
        x.record.spec.id < y.record.spec.id ? -1 : 1
      expect([...replay.tasks].sort(byId)).toEqual(tasks.sort(byId))
      expect([...replay.vector]).toEqual([[boot, 700]])
      await journal.close()
    })

    test('the newest state of a task and of the vector wins', async () => {
      await written(flushOf(1, [storedTask(1), storedTask(2)], 2))
      await written(flushOf(2, [storedTask(1, 2)], 3), flushOf(3, [storedTask(1, 3)], 4))
      const journal = await place.open()
      const replay = await journal.replay()
      expect([...attempts(replay).values()].toSorted((x, y) => x - y)).toEqual([1, 3])
      expect(replay.vector.get(boot)).toBe(4)
      await journal.close()
    })

    test('a flush may move the vector alone', async () => {
      await written(flushOf(1, [], 9))
      const journal = await place.open()
      expect((await journal.replay()).vector.get(boot)).toBe(9)
      await journal.close()
    })

    test('what is forgotten beyond the vector is there until it is said to be nothing', async () => {
      const spans = [{ origin: boot, after: 9, upTo: 12 }]
      await written({ ...flushOf(1, [], 9), forgotten: new Map([[boot, spans]]) })
      await written(flushOf(2, [], 10))
      const journal = await place.open()
      expect((await journal.replay()).forgotten).toEqual(spans)
      await journal.write({ ...flushOf(3, [], 12), forgotten: new Map([[boot, []]]) })
      await journal.close()
      const again = await place.open()
      expect((await again.replay()).forgotten).toEqual([])
      await again.close()
    })

    test('what could not be read is there until it is said to be nothing', async () => {
      const spans = [{ origin: boot, after: 3, upTo: 5, by: '1.0.0' }]
      await written({ ...flushOf(1, [], 9), unreadable: new Map([[boot, spans]]) })
      await written(flushOf(2, [], 10))
      const journal = await place.open()
      expect((await journal.replay()).unreadable).toEqual(spans)
      await journal.write({ ...flushOf(3, [], 12), unreadable: new Map([[boot, []]]) })
      await journal.close()
      const again = await place.open()
      expect((await again.replay()).unreadable).toEqual([])
      await again.close()
    })

    test('a key that counts is there until it is said to count no longer', async () => {
      const id = storedTask(1).record.spec.id
      await written({ ...flushOf(1, [], 9), spent: new Map([[id, 1234]]) })
      const journal = await place.open()
      expect([...(await journal.replay()).spent]).toEqual([[id, 1234]])
      await journal.write({ ...flushOf(2, [], 10), spent: new Map([[id, 0]]) })
      await journal.close()
      const again = await place.open()
      expect((await again.replay()).spent.size).toBe(0)
      await again.close()
    })

    test('members and instances that are dropped are gone, and all others are there', async () => {
      const members = ['d', 'e'].map(node => ({
        boot: bootId(node, 1, 0),
        name: `c/${node}`,
        addresses: [],
        departure: null,
        stopAfterIsolatedMs: null
      }))
      const roster = ['c/f', 'c/g'].map(name => ({ name, at: 1, expected: true }))
      await written({ ...flushOf(1, [], 9), members, roster })
      await written({ ...flushOf(2, [], 10), dropped: { members: ['d'], roster: ['c/g'] } })
      const journal = await place.open()
      const replay = await journal.replay()
      expect(replay.members.map(({ name }) => name)).toEqual(['c/e'])
      expect(replay.roster.map(({ name }) => name)).toEqual(['c/f'])
      await journal.close()
    })

    test('a second flush while one is under way is a mistake of the caller', async () => {
      const journal = await place.open()
      const first = journal.write(flushOf(1, [storedTask(1)], 1))
      await expect(journal.write(flushOf(2, [storedTask(2)], 2))).rejects.toThrow('does not hold')
      await first
      await journal.close()
    })

    test('closing waits for the flush under way', async () => {
      const first = await place.open()
      const writing = first.write(flushOf(1, [storedTask(1)], 1))
      await first.close()
      await writing
      const journal = await place.open()
      expect(attempts(await journal.replay()).size).toBe(1)
      await journal.close()
    })

    test.each(['all', 'nothing', 'torn'] as const)(
      'a flush that was cut short is there as a whole or not at all, and what was before it in any case: %s',
      async left => {
        await written(flushOf(1, [storedTask(1), storedTask(2)], 2))
        await place.cutShort(flushOf(2, [storedTask(1, 2), storedTask(3)], 4), left)
        const journal = await place.open()
        const replay = await journal.replay()
        const [one, two, three] = [1, 2, 3].map(seq => storedTask(seq).record.spec.id) as [
          string,
          string,
          string
        ]
        const before = { [one]: 1, [two]: 1 }
        const after = { [one]: 2, [two]: 1, [three]: 1 }
        expect(Object.fromEntries(attempts(replay))).toEqual(left === 'all' ? after : before)
        expect(replay.vector.get(boot)).toBe({ all: 4, nothing: 2, torn: undefined }[left])
        expect([replay.damaged, place.warnings().length > 0]).toEqual([0, left === 'torn'])
        await journal.close()
      }
    )

    test('a damaged task is skipped and named, and nothing counts as merged any more', async () => {
      const forgotten = new Map([[boot, [{ origin: boot, after: 4, upTo: 5 }]]])
      await written({ ...flushOf(1, [storedTask(1), storedTask(2)], 2), forgotten })
      const [lost, kept] = [storedTask(1).record.spec.id, storedTask(2).record.spec.id]
      await place.damage(lost)
      const journal = await place.open()
      const replay = await journal.replay()
      expect([...attempts(replay).keys()]).toEqual([kept])
      expect([replay.damaged, replay.vector.size, replay.forgotten]).toEqual([1, 0, []])
      expect(place.warnings().join()).toContain(lost)
      await journal.close()
      const again = await place.open()
      const second = await again.replay()
      expect([attempts(second).size, second.damaged, second.vector.size]).toEqual([1, 0, 0])
      await again.close()
    })
  })
}
