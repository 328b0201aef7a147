/** What cannot be read: it is passed, kept, told, and counts for nothing until it has been read. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchesOf, bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { hasWrite, raise, UNREADABLE_MAX } from '../../../src/core/base/coverage.ts'
import { Dots } from '../../../src/core/base/dots.ts'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import type { Restored } from '../../../src/core/effect.ts'
import { answerSync } from '../../../src/core/replication/sync-answer.ts'
import { Log } from '../../../src/core/log/log.ts'
import { newsOf, snapshotOf } from '../../../src/core/replication/snapshot.ts'
import type { Batch } from '../../../src/core/message.ts'
import { Disk } from '../../../src/sim/world/disk.ts'

const A = bootOf('a')
const B = bootOf('b')
const C = bootOf('c')
const first = taskOf(A, 1)
const second = taskOf(A, 2)
const third = taskOf(A, 3)
/** Of three tasks the second cannot be read. */
const torn: Batch = {
  kind: 'batch',
  origin: A,
  after: 0,
  records: [first, third],
  writes: [0, -2, 1]
}
/** The same, as somebody reads it who can. */
const whole: Batch = { ...torn, records: [first, second, third], writes: [0, 1, 2] }
const dot = { origin: A, seq: 2 }

function flushed(log: Log, disk: Disk = new Disk()): Disk {
  const flush = log.flush()
  if (flush === null) return disk
  disk.write(flush)
  log.flushed(flush.flush)
  return disk
}

function logOf(self = B, version = '1'): Log {
  return new Log(self, undefined, undefined, version)
}

/** A log that has passed the second task. */
function passed(version = '1'): Log {
  const log = logOf(B, version)
  log.merge(torn)
  flushed(log)
  return log
}

function restored(disk: Disk, self: string, version: string): Log {
  const log = logOf(self, version)
  const unreadable: Restored['unreadable'] = [...disk.unreadable.values()].flat()
  log.restore(disk.tasks.values(), disk.vector, [...disk.forgotten.values()].flat(), unreadable)
  return log
}

describe('a record that cannot be read', () => {
  test('costs itself alone: the vector passes it, and all others are merged', () => {
    const log = passed()
    expect(log.merged(A)).toBe(3)
    expect([log.get(first.spec.id), log.get(third.spec.id)]).not.toContain(undefined)
    expect(log.unreadable.all()).toEqual([{ origin: A, after: 1, upTo: 2 }])
  })

  test('is not covered, not seen, and not forgotten', () => {
    const log = passed()
    expect(hasWrite(log.durableCoverage, { origin: A, seq: 1 })).toBe(true)
    expect(hasWrite(log.durableCoverage, dot)).toBe(false)
    expect(log.origins.hasSeen(dot)).toBe(false)
    expect(log.isForgotten(second.spec.id)).toBe(false)
  })

  test('is told to nobody as forgotten, and nobody is moved over it', () => {
    const log = passed()
    const answer = [...answerSync(log, { kind: 'sync', boot: C, vector: new Map() })]
    expect(answer).toEqual([{ ...torn, records: [first], writes: [0] }])
    const behind = { kind: 'sync', boot: C, vector: new Map([[A, 2]]) } as const
    expect([...batchesOf(log, behind)]).toEqual([
      { ...torn, after: 2, records: [third], writes: [0] }
    ])
  })

  test('goes into a file as what it is, and whoever loads that does not take it for forgotten', () => {
    const replica = snapshotOf(passed())
    expect(replica.unreadable).toEqual([{ origin: A, after: 1, upTo: 2 }])
    const log = logOf(C)
    for (const news of newsOf({ ...replica, tasks: [...replica.tasks] })) {
      expect(news?.kind).not.toBe('forgotten')
      if (news?.kind === 'batch') log.merge(news, '')
    }
    expect(log.merged(A)).toBe(3)
    expect(log.unreadable.has(dot)).toBe(true)
  })

  test('is known after a restart, on a disk that trusts its vector', () => {
    const log = logOf()
    log.merge(torn)
    const disk = flushed(log)
    expect(restored(disk, bootOf('b', 2), '1').unreadable.has(dot)).toBe(true)
    disk.vector.clear()
    expect(restored(disk, bootOf('b', 3), '1').unreadable.isEmpty).toBe(true)
  })

  test('keeps its boot from being closed', () => {
    const log = logOf()
    log.merge({ ...torn, records: [], writes: [-2] })
    expect(log.origins.open().find(({ boot }) => boot === A)).toMatchObject({ isEmpty: false })
  })

  test('is over when others say that it has been forgotten', () => {
    const log = passed()
    log.learn([{ origin: A, after: 0, upTo: 3 }])
    expect(log.unreadable.isEmpty).toBe(true)
    const closed = passed()
    closed.learn([], [A])
    expect([closed.unreadable.isEmpty, closed.merged(A)]).toEqual([true, RETIRED])
  })

  test('that was named as forgotten before it came is over', () => {
    const log = logOf()
    log.learn([{ origin: A, after: 1, upTo: 2 }])
    log.merge(torn)
    expect([log.merged(A), log.unreadable.isEmpty]).toEqual([3, true])
  })

  test('is named as forgotten to whoever passed it, and could not read it either', () => {
    const log = logOf(C)
    log.learn([{ origin: A, after: 1, upTo: 2 }])
    log.merge({ ...whole, records: [first, third], writes: [0, -1, 1] })
    flushed(log)
    const unreadable = [{ origin: A, after: 1, upTo: 2 }]
    const request = { kind: 'sync', boot: B, vector: new Map([[A, 3]]), unreadable } as const
    expect([...answerSync(log, request)]).toEqual([
      { kind: 'forgotten', spans: unreadable, boots: [], more: false }
    ])
  })
})

describe('what follows from an unreadable record', () => {
  const change = { task: dot, claim: second.claim, started: null, cancelRequest: null }

  test('is unreadable, too, if it only says what has become of the task', () => {
    const log = passed()
    const news: Batch = {
      kind: 'batch',
      origin: C,
      after: 0,
      records: [],
      changes: [{ ...change, outcome: null }],
      writes: [0]
    }
    expect(log.merge(news)).toMatchObject({ kind: 'merged', forgotten: [] })
    expect(log.unreadable.has({ origin: C, seq: 1 })).toBe(true)
    const settled = { ...news, after: 1, changes: [{ ...change, outcome: outcomeBy(C) }] }
    log.merge(settled)
    expect(log.unreadable.has({ origin: C, seq: 2 })).toBe(true)
    // Once the task is known, they can be read, and are asked for.
    log.merge(whole)
    expect(log.origins.unreadable.again()).toEqual([{ origin: C, after: 0, upTo: 2 }])
  })

  test('is read, and with it how the task began, if it is the task as a whole', () => {
    const log = passed()
    const later = { ...second, outcome: outcomeBy(C) }
    log.merge({ kind: 'batch', origin: C, after: 0, records: [later], writes: [0] })
    expect(log.get(second.spec.id)?.record).toEqual(later)
    expect(log.unreadable.isEmpty).toBe(true)
    flushed(log)
    const records = [...batchesOf(log, { kind: 'sync', boot: B, vector: new Map() })][0]?.records
    expect(records?.map(({ spec }) => spec.id)).toContain(second.spec.id)
  })

  test('does not make a later state of a known task look like the one that is held', () => {
    const log = logOf()
    log.merge({ ...torn, records: [first], writes: [0, -2] })
    flushed(log)
    expect([...batchesOf(log, { kind: 'sync', boot: C, vector: new Map() })]).toEqual([
      { ...torn, records: [first], writes: [0] }
    ])
  })
})

describe('after an upgrade', () => {
  test('another version asks again, the same one does not', () => {
    const log = logOf()
    log.merge(torn)
    const disk = flushed(log)
    const again = (version: string): unknown =>
      restored(disk, bootOf('b', 2), version).origins.unreadable.again()
    expect(again('1')).toEqual([])
    expect(again('2')).toEqual([{ origin: A, after: 1, upTo: 2 }])
  })

  test('it is sent once more, and read although the vector has passed it', () => {
    const giver = logOf(C)
    giver.merge(whole)
    flushed(giver)
    const again = [{ origin: A, after: 1, upTo: 2 }]
    const vector = new Map([[A, 3]])
    const answer = [...batchesOf(giver, { kind: 'sync', boot: B, vector, again })]
    expect(answer).toEqual([{ ...whole, after: 1, records: [second], writes: [0] }])
    const log = passed()
    expect(log.merge(answer[0]!)).toMatchObject({ kind: 'merged' })
    expect([log.unreadable.isEmpty, log.merged(A)]).toEqual([true, 3])
    expect(log.get(second.spec.id)?.writes).toEqual([dot])
  })

  test('what has been read is shown to others only when it is on disk', () => {
    const log = passed()
    log.merge(whole)
    expect(hasWrite(log.durableCoverage, dot)).toBe(false)
    expect([...batchesOf(log, { kind: 'sync', boot: C, vector: new Map() })][0]!.writes).toEqual([
      0
    ])
    flushed(log)
    expect(hasWrite(log.durableCoverage, dot)).toBe(true)
    expect([...batchesOf(log, { kind: 'sync', boot: C, vector: new Map() })]).toEqual([whole])
  })

  test('what still cannot be read is not asked for over and over', () => {
    const log = logOf()
    log.merge(torn)
    const disk = flushed(log)
    const upgraded = restored(disk, bootOf('b', 2), '2')
    upgraded.merge({ ...torn, after: 1, records: [], writes: [-2] })
    expect(upgraded.origins.unreadable.again()).toEqual([])
    expect(upgraded.unreadable.has(dot)).toBe(true)
  })
})

describe('more than may be kept', () => {
  test('is not merged, and that is known', () => {
    const log = logOf()
    const writes = Array.from({ length: 2 * UNREADABLE_MAX + 2 }, (_, i) => (i % 2 === 0 ? -2 : 0))
    const batch: Batch = { ...torn, records: [first], writes }
    expect(log.merge(batch)).toEqual({ kind: 'full' })
    expect([log.merged(A), log.size, [...log.origins.unreadable.stuck]]).toEqual([0, 0, [A]])
    expect(log.merge({ ...batch, writes: writes.slice(2) })).toMatchObject({ kind: 'merged' })
    expect(log.origins.unreadable.stuck.size).toBe(0)
  })

  test('in a row is one stretch', () => {
    const log = logOf()
    const writes = Array.from({ length: 60_000 }, () => -2)
    expect(log.merge({ ...torn, records: [], writes })).toMatchObject({ kind: 'merged' })
    expect(log.unreadable.size).toBe(1)
  })
})

describe('what a member has', () => {
  /** A history of one boot: a vector that rises, and writes that are passed unread and read later. */
  const history = fc
    .array(fc.tuple(fc.nat({ max: 3 }), fc.array(fc.boolean(), { maxLength: 12 })), {
      minLength: 1,
      maxLength: 8
    })
    .map(steps => {
      const unread = new Set<number>()
      let upTo = 1
      return steps.map(([by, dice]) => {
        for (const seq of unread) if (dice[seq % 12] === true) unread.delete(seq)
        for (let seq = upTo + 1; seq <= upTo + by; seq++)
          if (dice[seq % 12] === true) unread.add(seq)
        upTo += by
        const unreadable = [...unread].map(seq => ({ origin: A, after: seq - 1, upTo: seq }))
        return { vector: new Map([[A, upTo]]), unreadable }
      })
    })

  test('does not depend on the order in which its words come, nor on how often, nor on some that are lost', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat()), (words, order) => {
        const last = words.at(-1)!
        const member = { vector: new Map<string, number>(), unreadable: new Dots() }
        const heard = [...order.map(i => words[i % words.length]!), last]
        const shuffled = heard.toSorted((x, y) => (heard.indexOf(x) % 3) - (heard.indexOf(y) % 3))
        for (const word of shuffled) raise(member, word)
        expect(member.vector).toEqual(last.vector)
        expect(member.unreadable.all()).toEqual(new Dots(last.unreadable).all())
      })
    )
  })

  test('is not raised by whoever names more than may be kept', () => {
    const member = { vector: new Map([[B, 1]]), unreadable: new Dots() }
    const unreadable = Array.from({ length: UNREADABLE_MAX + 1 }, (_, i) => ({
      origin: A,
      after: 2 * i,
      upTo: 2 * i + 1
    }))
    raise(member, {
      vector: new Map([
        [A, 1e6],
        [B, 2]
      ]),
      unreadable
    })
    expect([...member.vector]).toEqual([[B, 2]])
  })

  test('of a boot that is not spoken of stays as it was', () => {
    const member = { vector: new Map<string, number>(), unreadable: new Dots() }
    const unreadable = [{ origin: A, after: 1, upTo: 2 }]
    raise(member, { vector: new Map([[A, 3]]), unreadable })
    raise(member, { vector: new Map([[B, 3]]) })
    expect(hasWrite(member, dot)).toBe(false)
    raise(member, { vector: new Map([[A, 3]]) })
    expect(hasWrite(member, dot)).toBe(true)
  })
})
