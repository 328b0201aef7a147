/** What goes with a task from claim to claim, and what a claim has to wait for. One record, or one rule, at a time. */
import { describe, expect, test } from 'vitest'
import { bootOf, entryOf, taskOf } from '../../support/tasks.ts'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { grantOf, isEpochTaken, reclaimOf } from '../../../src/core/claim/rules.ts'
import { ClaimBarrier } from '../../../src/core/claim/claim-barrier.ts'
import { startTimeOf } from '../../../src/core/task/times.ts'
import '../forbid.ts'

const [a, b, c] = [bootOf('a'), bootOf('b'), bootOf('c')]
const CLAIM = {
  epoch: 5,
  holder: a,
  attempt: 3,
  hops: 1,
  lost: [c],
  notBefore: 7000,
  cause: 'retry'
} as const

describe('a task that has been tried and lost before', () => {
  const record = taskOf(a, 1, { claim: CLAIM })

  test('keeps its attempts, its backoff and whom it was lost with when it is granted', () => {
    const { attempt, lost, notBefore } = grantOf(a, record, b).claim!
    expect({ attempt, lost, notBefore }).toEqual({ attempt: 3, lost: [c], notBefore: 7000 })
  })

  test('keeps them when it is taken over', () => {
    const { attempt, lost, notBefore } = reclaimOf(b, record).claim!
    expect({ attempt, lost, notBefore }).toEqual({ attempt: 3, lost: [c], notBefore: 7000 })
  })

  test('waits for its backoff also if it had a start time of its own', () => {
    const timed = (own: number): number =>
      startTimeOf(taskOf(a, 1, { claim: CLAIM, spec: { notBefore: own } }))
    expect([timed(1000), timed(9000)]).toEqual([7000, 9000])
  })
})

test('a grant at an epoch that has been reclaimed here meanwhile is not started; a later one is', () => {
  const granted = entryOf(taskOf(a, 1, { claim: { ...CLAIM, holder: b, cause: 'grant' } }))
  granted.reclaimedAt = 5
  expect(isEpochTaken(b, granted)).toBe(true)
  granted.reclaimedAt = 4
  expect(isEpochTaken(b, granted)).toBe(false)
})

test('a claim that nobody can be asked about is confirmed only when it is on the own disk', () => {
  const claimBarrier = new ClaimBarrier()
  const entry = entryOf(taskOf(a, 1))
  claimBarrier.add([{ entry, seq: 4 }])
  const settled = (upTo: number): boolean =>
    claimBarrier.confirm({ boot: b, upTo }, [], () => 0).includes(entry)
  expect([settled(3), settled(4)]).toEqual([false, true])
})

test('a member acknowledges what its disk has, not what it has merged meanwhile', () => {
  const pump = pumpOf([a, b])
  const [here, there] = pump.nodes as [PumpNode, PumpNode]
  pump.pass(1000)
  const accepted = (): number => here.of('accepted').length
  there.holdDisk = true
  here.submit({}, 1)
  pump.settle()
  here.submit({}, 1)
  pump.settle()
  expect(accepted()).toBe(0)
  // The first flush lands, and the second one, of what came meanwhile, is held back.
  there.releaseFlush()
  pump.settle()
  pump.pass(200)
  expect(accepted()).toBe(1)
  there.releaseDisk()
  pump.settle()
  pump.pass(200)
  expect(accepted()).toBe(2)
})

test('what is stamped after a task has come from a node with a later clock is later than it', () => {
  const pump = pumpOf([a, b, c])
  const [ahead, here] = pump.nodes as [PumpNode, PumpNode]
  ahead.skewMs = 20_000
  // What a heartbeat says of its sender's clock comes as well, and later.
  pump.lose = (_from, _to, { kind }) => kind === 'heartbeat'
  const first = ahead.submit()
  pump.settle()
  pump.pass(200)
  const then = here.submit()
  pump.settle()
  expect(here.record(then).spec.submittedAt).toBeGreaterThan(here.record(first).spec.submittedAt)
})

test('of two submissions under one key in one instant one is told that the task is new, and the other not', () => {
  const pump = pumpOf([a, b, c])
  for (let i = 0; i < 6; i++) pump.pass(200)
  const [one, other] = pump.nodes as [PumpNode, PumpNode]
  // The third one has a copy of each, before the two have heard of each other.
  pump.lose = (from, to, { kind }) => kind === 'batch' && from !== 'c' && to !== 'c'
  for (const node of ['a', 'b', 'c']) pump.mute.add(node)
  for (const [i, node] of [one, other].entries()) {
    node.submit({ idempotencyKey: 'one', payload: String(i) })
  }
  pump.pass(200)
  pump.lose = () => false
  pump.mute.clear()
  for (let i = 0; i < 20; i++) pump.pass(200)
  const told = [one, other].flatMap(node => node.of('accepted').map(each => each.deduplicated))
  expect(told.toSorted()).toEqual(['different', 'no'])
})
