/** A task may have any number of writes: one more takes a moment, and all of them come back from disk. */
import { describe, expect, test } from 'vitest'
import { itemsCopied } from '../../support/counting.ts'
import { bootOf, entryOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { reach } from '../../../src/core/base/version-vector.ts'
import { Log } from '../../../src/core/log/log.ts'
import type { Batch } from '../../../src/core/message.ts'
import type { Dot } from '../../../src/core/task/record.ts'
import { decodeStored, encodeStored } from '../../../src/wire/codec.ts'
import { LIMITS } from '../../../src/core/options.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]
const MANY = LIMITS.writesMax

/** All writes of B are about two tasks: now one, now the other. */
function alternating(after: number, count: number): Batch {
  const records = [taskOf(B, 1), taskOf(B, 2)]
  const writes = Array.from({ length: count }, (_, i) => i % 2)
  return { kind: 'batch', origin: B, after, records, writes }
}

function sorted(dots: readonly Dot[]): string[] {
  return dots.map(({ origin, seq }) => `${origin} ${seq}`).sort()
}

describe('many writes of one task', () => {
  test('cost no more each than few do', () => {
    const one: Batch = {
      kind: 'batch',
      origin: B,
      after: 0,
      records: [taskOf(B, 1)],
      writes: Array.from({ length: MANY }, () => 0)
    }
    for (const batch of [one, alternating(0, MANY)]) {
      const log = new Log(A)
      expect(itemsCopied(() => log.merge(batch))).toBeLessThan(20 * MANY)
      expect(log.merged(B)).toBe(MANY)
    }
  })

  test('are all there, whoever wrote them and in whatever order they came', () => {
    const entry = entryOf(taskOf(A, 1))
    const dots = Array.from({ length: 100 }, (_, i) => ({
      origin: [A, B, C][i % 3]!,
      seq: 1 + Math.floor(i / 3) + (i > 50 ? 7 : 0)
    }))
    dots.forEach((dot, i) => {
      entry.noteWrite(dot)
      expect(sorted(entry.writes)).toEqual(sorted(dots.slice(0, i + 1)))
    })
    const last = new Map([...entry.lastWrites()].map(({ origin, seq }) => [origin, seq]))
    const expected = new Map(dots.map(({ origin, seq }) => [origin, seq]))
    expect(last).toEqual(expected)
    expect(sorted([...entry.takeWrites()])).toEqual(sorted(dots))
    expect(entry.writes).toEqual([])
  })

  test('come back from disk, also more of them than one message carries', () => {
    const log = new Log(A)
    for (let i = 0; i < 3; i++) log.merge(alternating(i * MANY, MANY))
    const flush = log.flush()!
    const again = new Log(A)
    const stored = flush.tasks.map(task => {
      const decoded = decodeStored(encodeStored(task))
      if (!decoded.ok) throw new Error(decoded.why)
      expect(sorted(decoded.task.writes)).toEqual(sorted(task.writes))
      return decoded.task
    })
    again.restore(stored, flush.vector)
    expect(again.merged(B)).toBe(3 * MANY)
    const { writes } = again.range(B, 0, 1_000_000)!
    expect(new Set(writes)).toEqual(new Set([0, 1]))
  })

  test('are let go of when the task is forgotten, wherever they stand', () => {
    const log = new Log(A)
    log.merge(alternating(0, MANY))
    log.merge({
      kind: 'batch',
      origin: C,
      after: 0,
      records: [taskOf(B, 1, { outcome: outcomeBy(C) })],
      writes: [0, 0]
    })
    for (const entry of log.entries()) log.remove(entry)
    for (const boot of [B, C]) expect(log.origins.get(boot)!.isEmpty).toBe(true)
    expect(reach(log.origins.vector(), B)).toBe(MANY)
  })

  test('take no more room on disk than a few bytes each', () => {
    const log = new Log(A)
    log.merge(alternating(0, MANY))
    const [task] = log.flush()!.tasks
    expect(encodeStored(task!).length).toBeLessThan(3 * MANY)
  })
})

test('a batch names one task in every change: it is looked at once', () => {
  const log = new Log(A)
  log.merge({ kind: 'batch', origin: B, after: 0, records: [taskOf(B, 1)], writes: [0] })
  const { claim, started, cancelRequest, outcome } = taskOf(B, 1)
  const changes = Array.from({ length: 1000 }, (_, epoch) => ({
    task: { origin: B, seq: 1 },
    claim: { ...claim, epoch },
    started,
    cancelRequest,
    outcome
  }))
  const writes = changes.map((_, i) => i)
  const merged = log.merge({ kind: 'batch', origin: B, after: 1, records: [], changes, writes })
  expect(merged).toMatchObject({ kind: 'merged', changed: [{ id: taskOf(B, 1).spec.id }] })
})
