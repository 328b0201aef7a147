/** What a node writes can be read: nothing else comes into its log, whatever others have written there. */
import { describe, expect, test } from 'vitest'
import { cluster } from '../../support/crashes.ts'
import type { PumpNode } from '../../support/pump.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { AssertionError } from '../../../src/core/base/assert.ts'
import { Log } from '../../../src/core/log/log.ts'
import type { Patch } from '../../../src/core/task/patch.ts'
import { EPOCH_MAX, HOPS_MAX, type Claim } from '../../../src/core/task/record.ts'
import { RECORD } from '../../../src/core/task/shapes.ts'
import { TIME_MS_MAX } from '../../../src/core/task/times.ts'

const A = bootOf('a')

describe('a log', () => {
  test('takes in no task that could not be read', () => {
    const log = new Log(A)
    const bad = taskOf(A, 1, { spec: { notBefore: TIME_MS_MAX + 1 } })
    expect(() => log.create(bad)).toThrow(AssertionError)
    expect(log.size).toBe(0)
  })

  const claim = taskOf(A, 1).claim
  test.each<[string, Patch]>([
    ['a claim that begins at no time', { claim: { ...claim, notBefore: Number.NaN } }],
    ['a claim of half an epoch', { claim: { ...claim, epoch: 0.5 } }],
    ['a start before all time', { started: { epoch: 0, by: A, at: -1 } }],
    ['a wish of nobody', { cancelRequest: { at: 1, by: '' } }],
    ['an outcome that took no number of ms', { outcome: outcomeBy(A, { durationMs: -1 }) }]
  ])('writes no %s', (_, patch) => {
    const log = new Log(A)
    const entry = log.create(taskOf(A, 1))
    const before = entry.record
    expect(() => log.write(entry, patch)).toThrow(AssertionError)
    expect(entry.record).toBe(before)
  })
})

describe('a claim at the end of its range', () => {
  /** As somebody may send it, and nobody can have made it. */
  const last = (parts: Partial<Claim>): Claim => ({
    epoch: EPOCH_MAX,
    holder: bootOf('b'),
    attempt: 2 ** 32 - 1,
    hops: HOPS_MAX,
    lost: [],
    notBefore: null,
    cause: 'grant',
    ...parts
  })

  test.each<[string, Partial<Claim>]>([
    ['of a node that is gone', {}],
    ['of this node, that was reclaimed', { holder: A, cause: 'reclaim' }],
    ['of this node', { holder: A }]
  ])('%s ends nobody, and what follows from it can be read', (_, parts) => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    pump.settle()
    const record = taskOf(b.boot, 1, { claim: last(parts) })
    const message = {
      kind: 'batch',
      origin: b.boot,
      after: 0,
      records: [record],
      writes: [0]
    } as const
    a.feed({ kind: 'message', from: b.id, message })
    a.worker(3)
    pump.settle()
    pump.crash(b)
    for (let i = 0; i < 100; i++) pump.pass(200)
    expect(RECORD.fault(a.record(record.spec.id))).toBeNull()
    const next = a.submit()
    pump.settle()
    expect(a.running.has(next)).toBe(true)
  })
})
