/** The log's rules, one by one: gaps, overlaps, cuts, pruning, what is shown and when. */
import { describe, expect, test } from 'vitest'
import { batchesOf, bootOf, idOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { RETIRED, reach } from '../../../src/core/base/version-vector.ts'
import type { Flush, StoredTask } from '../../../src/core/effect.ts'
import { answerSync } from '../../../src/core/replication/sync-answer.ts'
import { Log } from '../../../src/core/log/log.ts'
import type { Batch } from '../../../src/core/message.ts'

const A = bootOf('a')
const B = bootOf('b')
const BYTES_MAX = 65_536

/** A log with `count` tasks of its own, on disk. */
function writer(self: string, count: number, payload = 'null'): Log {
  const log = new Log(self)
  for (let seq = 1; seq <= count; seq++) log.create(taskOf(self, seq, { spec: { payload } }))
  land(log)
  return log
}

/** Flushes, and the flush is on disk. */
function land(log: Log): Flush | null {
  const flush = log.flush()
  if (flush !== null) log.flushed(flush.flush)
  return flush
}

function rangeOf(log: Log, origin: string, after: number, upTo = Infinity): Batch {
  const batch = log.range(origin, after, 10_000_000)!
  return { ...batch, writes: batch.writes.slice(0, upTo - after) }
}

function ids(log: Log): string[] {
  return [...log.entries()].map(({ id }) => id).sort()
}

describe('merging a batch', () => {
  test('of a boot that is closed merges nothing, wherever it begins', () => {
    const log = new Log(B)
    log.close(A)
    for (const after of [0, RETIRED - 1, RETIRED]) {
      const batch: Batch = { kind: 'batch', origin: A, after, records: [], writes: [-1, -1] }
      expect(log.merge(batch)).toEqual({ kind: 'known' })
    }
  })

  test('of a later boot of this node merges nothing: there is none', () => {
    const log = new Log(B)
    const later = bootOf('b', 2)
    const batch: Batch = { kind: 'batch', origin: later, after: 0, records: [], writes: [-1] }
    expect(log.merge(batch)).toEqual({ kind: 'known' })
  })

  test('that says of this boot that it is closed, on a disk, is no reason not to begin', () => {
    const log = new Log(B)
    const older = bootOf('b', 0)
    const vector = new Map([B, bootOf('b', 2), older].map(boot => [boot, RETIRED]))
    log.restore([], vector)
    expect([...log.origins.vector()]).toEqual([[older, RETIRED]])
  })

  test('that begins beyond what is merged merges nothing and says gap', () => {
    const log = new Log(B)
    expect(log.merge(rangeOf(writer(A, 3), A, 1))).toEqual({ kind: 'gap' })
    expect(ids(log)).toEqual([])
    expect(log.merged(A)).toBe(0)
    expect(log.flush()).toBeNull()
  })

  test('a second time changes nothing', () => {
    const log = new Log(B)
    const batch = rangeOf(writer(A, 3), A, 0)
    expect(log.merge(batch).kind).toBe('merged')
    expect(log.merge(batch)).toEqual({ kind: 'known' })
    expect(log.merge(rangeOf(writer(A, 3), A, 0, 2))).toEqual({ kind: 'known' })
    expect(log.merged(A)).toBe(3)
  })

  test('that overlaps moves the vector to its end, and notes each write once', () => {
    const source = writer(A, 4)
    const log = new Log(B)
    log.merge(rangeOf(source, A, 0, 3))
    log.merge(rangeOf(source, A, 1))
    expect(log.merged(A)).toBe(4)
    expect([1, 2, 3, 4].map(seq => log.origins.writtenBy(A, seq)!.id)).toEqual(ids(source))
    expect([...log.entries()].flatMap(({ writes }) => writes)).toHaveLength(4)
  })

  test('reports the tasks that it changed, and only those', () => {
    const source = writer(A, 2)
    const log = new Log(B)
    log.merge(rangeOf(source, A, 0))
    source.write(source.get(idOf(A, 2))!, { outcome: outcomeBy(A) })
    land(source)
    const merged = log.merge(rangeOf(source, A, 1))
    expect(merged.kind === 'merged' && merged.changed.map(({ id }) => id)).toEqual([idOf(A, 2)])
  })

  test('without writes is known already', () => {
    const batch: Batch = { kind: 'batch', origin: A, after: 0, records: [], writes: [] }
    expect(new Log(B).merge(batch)).toEqual({ kind: 'known' })
  })

  test('that claims to be of this boot changes nothing', () => {
    const log = writer(A, 1)
    const forged = rangeOf(writer(A, 3), A, 1)
    log.merge(forged)
    expect(log.nextSeq).toBe(2)
    expect(ids(log)).toEqual([idOf(A, 1)])
    expect(log.merge({ ...forged, after: 7 }).kind).not.toBe('gap')
  })
})

describe('a stretch of writes', () => {
  test('may be cut anywhere: what was merged up to the cut is exactly what was created up to it', () => {
    const source = writer(A, 3)
    source.write(source.get(idOf(A, 1))!, { outcome: outcomeBy(A) })
    source.create(taskOf(A, 5))
    source.write(source.get(idOf(A, 2))!, { outcome: outcomeBy(A) })
    land(source)
    const created = [1, 2, 3, 5]
    for (let cut = 1; cut <= 6; cut++) {
      const log = new Log(B)
      const whole = rangeOf(source, A, 0, cut)
      const used = Math.max(...whole.writes) + 1
      log.merge({ ...whole, records: whole.records.slice(0, used) })
      expect(log.merged(A)).toBe(cut)
      expect(ids(log)).toEqual(created.filter(seq => seq <= cut).map(seq => idOf(A, seq)))
    }
  })

  test('is cut by the bound on bytes, goes on at the cut, and never is empty', () => {
    const source = writer(A, 20, `"${'x'.repeat(5000)}"`)
    for (const bytesMax of [1, 6000, 20_000, BYTES_MAX]) {
      const log = new Log(B)
      let batches = 0
      for (let after = 0; after < 20; batches++) {
        const batch = source.range(A, after, bytesMax)!
        expect(batch.writes.length).toBeGreaterThan(0)
        if (batch.records.length > 1) {
          expect(JSON.stringify(batch.records).length).toBeLessThan(bytesMax * 1.2)
        }
        expect(log.merge(batch).kind).toBe('merged')
        after += batch.writes.length
      }
      expect(ids(log)).toEqual(ids(source))
      expect(batches).toBeGreaterThan(bytesMax === BYTES_MAX ? 1 : 2)
    }
  })

  test('of an origin that is unknown, or after all that there is, is nothing', () => {
    const log = writer(A, 2)
    expect(log.range(B, 0, BYTES_MAX)).toBeNull()
    expect(log.range(A, 2, BYTES_MAX)).toBeNull()
    expect(log.range(A, 9, BYTES_MAX)).toBeNull()
  })

  test('carries a task that several writes changed once', () => {
    const log = writer(A, 1)
    for (let i = 0; i < 5; i++) log.write(log.get(idOf(A, 1))!, {})
    land(log)
    expect(log.range(A, 0, BYTES_MAX)).toMatchObject({ writes: [0, 0, 0, 0, 0, 0] })
    expect(log.range(A, 0, BYTES_MAX)!.records).toHaveLength(1)
  })
})

describe('a task that has been pruned elsewhere', () => {
  const pruned: Batch = { kind: 'batch', origin: A, after: 0, records: [], writes: [-1, -1] }
  const named = { origin: A, after: 0, upTo: 2 }

  test('is a gap as long as its writes have not been named as forgotten', () => {
    const log = new Log(B)
    expect(log.merge(pruned)).toEqual({ kind: 'gap' })
    log.learn([{ origin: A, after: 1, upTo: 2 }])
    expect(log.merge(pruned)).toEqual({ kind: 'gap' })
    log.learn([{ origin: A, after: 0, upTo: 1 }])
    expect(log.merge(pruned)).toMatchObject({ kind: 'merged' })
  })

  test('is over from the moment its creation is named, and what is held of it is returned', () => {
    const log = new Log(B)
    const entry = log.take(taskOf(A, 1))!
    expect(log.learn([named])).toEqual([entry])
    log.remove(entry)
    expect(log.take(taskOf(A, 1))).toBeUndefined()
    expect(log.isForgotten(idOf(A, 1))).toBe(true)
    expect(log.take(taskOf(A, 3))).toBeDefined()
    expect(log.isForgotten(idOf(A, 4))).toBe(false)
  })

  test('is over, too, if its creation has been merged since it was asked what is over', () => {
    const log = new Log(B)
    log.merge(rangeOf(writer(A, 1), A, 0))
    expect(log.learn([named])).toEqual([log.get(idOf(A, 1))])
  })

  test('is over if this boot made it itself, and its next one is not', () => {
    const log = writer(B, 1)
    expect(log.learn([{ origin: B, after: 0, upTo: 9 }])).toEqual([log.get(idOf(B, 1))])
    expect(log.origins.dotCloud.size).toBe(0)
  })

  test('may still be read if it is known how it ended, and is forgotten as a whole for whoever asks', () => {
    const author = writer(A, 1)
    const log = new Log(B)
    log.merge(rangeOf(author, A, 0))
    const entry = log.get(idOf(A, 1))!
    log.write(entry, { outcome: outcomeBy(B) })
    land(log)
    // Its second write by A is known as forgotten only.
    expect(log.learn([named])).toEqual([])
    expect(log.merge({ ...pruned, after: 1, writes: [-1] })).toMatchObject({ kind: 'merged' })
    land(log)
    expect(log.get(entry.id)).toBe(entry)
    const spans = [...log.origins.forgotten()]
    expect(spans).toContainEqual(named)
    expect(spans).toContainEqual({ origin: B, after: 0, upTo: 1 })
    const asker = new Log(bootOf('z'))
    asker.merge(rangeOf(author, A, 0))
    expect(asker.learn(spans)).toEqual([asker.get(entry.id)])
  })

  test('stays forgotten as a whole for whoever asks, though somebody who has not forgotten it tells of its creation', () => {
    const author = writer(A, 1)
    const runner = new Log(B)
    runner.merge(rangeOf(author, A, 0))
    runner.write(runner.get(idOf(A, 1))!, { outcome: outcomeBy(B) })
    land(runner)
    const log = new Log(bootOf('c'))
    log.merge(rangeOf(runner, B, 0))
    log.learn([
      { origin: A, after: 0, upTo: 1 },
      { origin: B, after: 0, upTo: 1 }
    ])
    land(log)
    const again = new Log(bootOf('c', 2))
    again.restore(
      [...log.entries()].map(({ record, writes }) => ({ record, writes })),
      log.durableVector,
      [{ origin: A, after: 0, upTo: 1 }]
    )
    for (const each of [log, again]) {
      expect(each.merge(rangeOf(author, A, 0)).kind).toBe('merged')
      land(each)
      expect(each.get(idOf(A, 1))).toBeDefined()
      const asker = new Log(bootOf('z'))
      asker.merge(rangeOf(author, A, 0))
      expect(asker.learn([...each.origins.forgotten()])).toEqual([asker.get(idOf(A, 1))])
    }
  })

  test('is over if the boot that created it is closed', () => {
    const log = new Log(B)
    log.merge(rangeOf(writer(A, 1), A, 0))
    expect(log.learn([], [A, B])).toEqual([log.get(idOf(A, 1))])
    expect([log.origins.isClosed(A), log.origins.isClosed(B)]).toEqual([true, false])
  })

  test('is not over as long as one of its creations is not', () => {
    const log = new Log(B)
    const created = [
      { origin: A, seq: 1 },
      { origin: A, seq: 9 }
    ]
    log.take({ ...taskOf(A, 1), created })
    expect(log.learn([named])).toEqual([])
  })

  test('is over if somebody says so before its creation was heard of', () => {
    const log = new Log(B)
    log.remove(log.take(taskOf(A, 1))!)
    expect(log.take(taskOf(A, 1))).toBeUndefined()
  })

  test('is on disk as such with what is merged next, and until the vector has passed it', () => {
    const log = new Log(B)
    log.learn([named, { origin: B, after: 0, upTo: 9 }])
    expect(land(log)!.forgotten.get(A)).toEqual([named])
    const again = new Log(bootOf('b', 2))
    again.restore([], new Map(), [named])
    expect(again.flush()).toBeNull()
    expect(again.take(taskOf(A, 2))).toBeUndefined()
    log.merge(pruned)
    expect(land(log)!.forgotten).toEqual(new Map([[A, []]]))
    expect(log.origins.dotCloud.has({ origin: A, seq: 1 })).toBe(false)
  })

  test('is named to the next one, from the notebook and from beyond it', () => {
    const log = writer(A, 3)
    log.remove(log.get(idOf(A, 2))!)
    const spans = [named, { origin: 'c/0000000001-000000', after: 4, upTo: 7 }]
    log.learn(spans)
    expect([...log.origins.forgotten()]).toEqual([{ origin: A, after: 1, upTo: 2 }, spans[1]])
    const knows = new Map([
      [A, 2],
      ['c/0000000001-000000', 6]
    ])
    expect([...log.origins.forgotten(origin => reach(knows, origin))]).toEqual([
      { ...spans[1], after: 6 }
    ])
    expect(log.origins.hasHoles(knows)).toBe(true)
    knows.set('c/0000000001-000000', 7)
    expect(log.origins.hasHoles(knows)).toBe(false)
  })

  test('leaves an empty place, over which the vector moves on', () => {
    const log = new Log(B)
    log.learn([named])
    expect(log.merge(pruned)).toMatchObject({ kind: 'merged', changed: [] })
    expect(log.merged(A)).toBe(2)
    expect(log.origins.writtenBy(A, 1)).toBeNull()
    land(log)
    expect(log.range(A, 0, BYTES_MAX)).toMatchObject({ writes: [-1, -1], records: [] })
  })

  test('is not taken in again, by batch or by grant, once its creation is covered', () => {
    const log = new Log(B)
    log.learn([named])
    log.merge(pruned)
    expect(log.take(taskOf(A, 1))).toBeUndefined()
    const late: Batch = {
      kind: 'batch',
      origin: B.replace('b/', 'c/'),
      after: 0,
      records: [taskOf(A, 2)],
      writes: [0]
    }
    expect(log.merge(late)).toMatchObject({ kind: 'merged', changed: [] })
    expect(ids(log)).toEqual([])
  })

  test('is taken in if one of several submissions of its key is not covered', () => {
    const log = new Log(B)
    log.learn([named])
    log.merge(pruned)
    const created = [
      { origin: A, seq: 1 },
      { origin: 'c/0000000001-000000', seq: 1 }
    ]
    const record = taskOf(A, 1, { created })
    const keyed = { ...record, spec: { ...record.spec, idempotencyKey: 'again' } }
    expect(log.take(record)).toBeUndefined()
    expect(log.take(keyed)).toBeDefined()
  })
})

test('a task may come with a change before its creation is covered, and is then not lost', () => {
  const granted = taskOf(A, 1, {
    claim: { epoch: 1, holder: B, attempt: 1, hops: 1, lost: [], notBefore: null, cause: 'grant' }
  })
  const log = new Log('c/0000000001-000000')
  log.merge({ kind: 'batch', origin: B, after: 0, records: [granted], writes: [0] })
  log.merge(rangeOf(writer(A, 1), A, 0))
  expect(log.get(idOf(A, 1))!.record.claim.epoch).toBe(1)
  expect(log.origins.vector()).toEqual(
    new Map([
      [A, 1],
      [B, 1]
    ])
  )
})

describe('a brief stretch', () => {
  const claim = { ...taskOf(A, 1).claim, epoch: 1, holder: B, cause: 'grant' as const }

  /** A has made task 1 and granted it; B has merged both, and settled it. */
  function told(): { first: Batch; granted: Batch; settled: Batch } {
    const a = writer(A, 1)
    const first = a.range(A, 0, 65_536, () => true)!
    a.write(a.get(idOf(A, 1))!, { claim })
    land(a)
    const granted = a.range(A, 1, 65_536, () => true)!
    const b = new Log(B)
    b.merge(rangeOf(a, A, 0))
    b.write(b.get(idOf(A, 1))!, { outcome: outcomeBy(B, { epoch: 1 }) })
    land(b)
    return { first, granted, settled: b.range(B, 0, 65_536, () => true)! }
  }

  test('says of a task that was made before it only what has become of it', () => {
    const { first, granted, settled } = told()
    expect(first).toMatchObject({ records: [{ spec: { id: idOf(A, 1) } }], writes: [0] })
    expect(first.changes).toBeUndefined()
    const task = { origin: A, seq: 1 }
    expect(granted).toMatchObject({ records: [], changes: [{ task, claim }], writes: [0] })
    expect(settled).toMatchObject({ records: [], changes: [{ task, claim }], writes: [0] })
  })

  test('leaves a replica that knows the task as a whole one would', () => {
    const { first, granted, settled } = told()
    const log = new Log('c/0000000001-000000')
    for (const batch of [first, granted, settled]) expect(log.merge(batch).kind).toBe('merged')
    const { record } = log.get(idOf(A, 1))!
    expect(record).toMatchObject({ claim, outcome: { status: 'completed', by: B } })
    expect(record.spec).toEqual(taskOf(A, 1).spec)
  })

  test('is a gap for a replica that has not heard of the task', () => {
    const { first, settled } = told()
    const log = new Log('c/0000000001-000000')
    expect(log.merge(settled)).toEqual({ kind: 'gap' })
    expect(log.merged(B)).toBe(0)
    log.merge(first)
    expect(log.merge(settled).kind).toBe('merged')
  })

  test('moves a replica on that has pruned the task, unless its author has not seen the task settle', () => {
    const { first, granted, settled } = told()
    const log = new Log('c/0000000001-000000')
    log.merge(first)
    log.remove(log.get(idOf(A, 1))!)
    expect(log.merge(granted)).toEqual({ kind: 'gap' })
    expect(log.merge(settled)).toEqual({ kind: 'merged', changed: [], forgotten: [] })
  })
})

describe('a flush', () => {
  test('is one at a time; what changes meanwhile gathers for the next', () => {
    const log = new Log(A)
    log.create(taskOf(A, 1))
    const first = log.flush()!
    log.create(taskOf(A, 2))
    log.create(taskOf(A, 3))
    expect(log.isFlushing).toBe(true)
    expect(log.flush()).toBeNull()
    log.flushed(first.flush)
    const second = log.flush()!
    expect(second.flush).toBe(first.flush + 1)
    expect(second.tasks.map(({ record }) => record.spec.id)).toEqual([idOf(A, 2), idOf(A, 3)])
    expect(second.vector).toEqual(new Map([[A, 3]]))
  })

  test('of nothing is none', () => {
    const log = writer(A, 1)
    expect(log.flush()).toBeNull()
    log.merge(rangeOf(writer(B, 1), B, 0))
    land(log)
    log.merge(rangeOf(writer(B, 1), B, 0))
    expect(log.flush()).toBeNull()
  })

  test('that ends out of turn is a broken promise of the disk', () => {
    const log = new Log(A)
    expect(() => log.flushed(1)).toThrow('flushes end one by one')
    log.create(taskOf(A, 1))
    log.flush()
    expect(() => log.flushed(2)).toThrow('flushes end one by one')
  })

  test('shows others only what is on disk, in the state that is on disk', () => {
    const log = writer(A, 1)
    log.write(log.get(idOf(A, 1))!, { outcome: outcomeBy(A) })
    log.create(taskOf(A, 3))
    const flush = log.flush()!
    expect(log.merged(A)).toBe(3)
    expect(log.durableVector).toEqual(new Map([[A, 1]]))
    expect(log.range(A, 1, BYTES_MAX)).toBeNull()
    expect(log.range(A, 0, BYTES_MAX)!.records[0]!.outcome).toBeNull()
    log.flushed(flush.flush)
    expect(log.durableVector).toEqual(new Map([[A, 3]]))
    expect(log.range(A, 1, BYTES_MAX)).toMatchObject({ writes: [0, 1] })
  })
})

describe('what was flushed', () => {
  test('restores a log that shows the same, and goes on where it stopped', () => {
    const log = writer(A, 2)
    log.learn([{ origin: B, after: 1, upTo: 2 }])
    log.merge({
      ...rangeOf(writer(B, 3), B, 0),
      writes: [0, -1, 2]
    })
    const disk = new Map<string, StoredTask>()
    const vector = new Map([[A, 2]])
    for (const entry of log.entries()) {
      if (entry.durable !== null) disk.set(entry.id, { record: entry.record, writes: entry.writes })
    }
    const flush = land(log)!
    for (const task of flush.tasks) disk.set(task.record.spec.id, task)
    for (const [origin, upTo] of flush.vector) vector.set(origin, upTo)

    const again = new Log(bootOf('a', 2))
    again.restore(disk.values(), vector)
    expect(again.origins.vector()).toEqual(log.origins.vector())
    expect(again.durableVector).toEqual(log.durableVector)
    expect(again.flush()).toBeNull()
    for (const origin of [A, B]) {
      expect(again.range(origin, 0, BYTES_MAX)).toEqual(log.range(origin, 0, BYTES_MAX))
    }
  })

  test('with an empty place at its end restores the vector as it was', () => {
    const log = new Log(B)
    log.restore([{ record: taskOf(A, 1), writes: [{ origin: A, seq: 1 }] }], new Map([[A, 3]]))
    expect(log.merged(A)).toBe(3)
    expect(log.take(taskOf(A, 3))).toBeUndefined()
  })
})

describe('the answer to a sync', () => {
  const big = `"${'x'.repeat(8000)}"`

  test('makes the asker equal, wherever it stands', () => {
    const source = writer(A, 40, big)
    for (const from of [0, 1, 17, 39, 40]) {
      const asker = new Log(B)
      if (from > 0) asker.merge(rangeOf(source, A, 0, from))
      const request = {
        kind: 'sync',
        boot: B,
        vector: asker.origins.vector()
      } as const
      for (const batch of batchesOf(source, request)) expect(asker.merge(batch).kind).toBe('merged')
      expect(ids(asker)).toEqual(ids(source))
    }
  })

  test('that breaks off after any batch leaves whole stretches, and the next goes on from there', () => {
    const source = writer(A, 60, big)
    const asker = new Log(B)
    let rounds = 0
    for (; asker.merged(A) < 60; rounds++) {
      const request = {
        kind: 'sync',
        boot: B,
        vector: asker.origins.vector()
      } as const
      for (const batch of batchesOf(source, request)) {
        asker.merge(batch)
        break
      }
      expect(ids(asker)).toHaveLength(asker.merged(A))
    }
    expect(rounds).toBeGreaterThan(2)
  })

  test('has nothing for one who knows more', () => {
    const request = {
      kind: 'sync',
      boot: B,
      vector: new Map([[A, 99]])
    } as const
    expect([...answerSync(writer(A, 3), request)]).toEqual([])
  })
})

test('a task that is pruned before it came to disk is not written', () => {
  const log = new Log(A)
  const entry = log.create(taskOf(A, 1))
  log.remove(entry)
  expect(() => log.assertInvariants()).not.toThrow()
  expect(land(log)).toMatchObject({ tasks: [], removed: [entry.id] })
})
