/** Silence is measured against what is known of everybody's lateness. */
import { describe, expect, test } from 'vitest'
import { cluster } from '../../support/crashes.ts'
import type { Pump, PumpNode } from '../../support/pump.ts'
import '../forbid.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { Lateness, noteLag } from '../../../src/core/liveness/lateness.ts'

/** Ticks of these nodes say how late they are. */
function late(pump: Pump, ms: number, lags: ReadonlyMap<PumpNode, number>): void {
  for (let passed = 0; passed < ms; passed += 200) {
    pump.now += 200
    for (const node of pump.alive()) node.feed({ kind: 'tick', loopLagMs: lags.get(node) ?? 0 })
    pump.settle()
  }
}

function statusOf(of: PumpNode, by: PumpNode, pump: Pump): string | undefined {
  return by.core.view.members(pump.now).find(({ heartbeat }) => heartbeat.boot === of.boot)?.status
}

type Silent = Readonly<{
  pump: Pump
  a: PumpNode
  b: PumpNode
  taskId: TaskId
  go: (ms: number) => void
}>

/** b, which holds a task, falls silent after it has said how late it was. */
function silent(lagMs: number, ownMs = 0): Silent {
  const pump = cluster(3)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  const lags = new Map([
    [b, lagMs],
    [a, ownMs]
  ])
  late(pump, 6000, lags)
  const taskId = b.submit()
  late(pump, 200, lags)
  pump.lose = (from, to) => from === b.id || to === b.id
  return { pump, a, b, taskId, go: ms => late(pump, ms, lags) }
}

describe('a member that has said that it was late', () => {
  test('may be silent for as much longer before it is suspect, and before it is unreachable', () => {
    const { pump, a, b, go } = silent(4000)
    go(8000)
    expect(statusOf(b, a, pump)).toBe('alive')
    go(2000)
    expect(statusOf(b, a, pump)).toBe('suspect')
    go(2400)
    expect(statusOf(b, a, pump)).toBe('unreachable')
  })

  test('and has been on time since, by its last words, may not', () => {
    const pump = cluster(3)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    late(pump, 6000, new Map([[b, 9000]]))
    late(pump, 9000, new Map())
    pump.lose = (from, to) => from === b.id || to === b.id
    late(pump, 8000, new Map())
    expect(statusOf(b, a, pump)).toBe('unreachable')
  })

  test('is gone in the end: more than half a minute is not made up for', () => {
    const { pump, a, b, go } = silent(600_000)
    go(36_000)
    expect(statusOf(b, a, pump)).not.toBe('unreachable')
    go(2000)
    expect(statusOf(b, a, pump)).toBe('unreachable')
  })

  test('keeps its work for as long', () => {
    const { a, b, taskId, go } = silent(4000)
    go(10_000)
    expect(a.record(taskId).claim.holder).toBe(b.boot)
    go(4000)
    expect(a.record(taskId).claim.holder).not.toBe(b.boot)
  })
})

test('a node that is late itself gives all others the time that it takes itself', () => {
  const { pump, a, b, go } = silent(0, 5000)
  go(9000)
  expect(statusOf(b, a, pump)).toBe('alive')
  go(4000)
  expect(statusOf(b, a, pump)).toBe('unreachable')
})

describe('what others make up for', () => {
  test('is the greatest lag of the last words, up to half a minute, and the own', () => {
    const lateness = new Lateness()
    const lagsMs: number[] = []
    for (const ms of [500, 9000, 100, 0, 0]) noteLag(lagsMs, ms)
    expect(lateness.of({ lagsMs })).toBe(9000)
    noteLag(lagsMs, 0)
    expect(lateness.of({ lagsMs })).toBe(100)
    lateness.note(2000)
    expect(lateness.of({ lagsMs: [70_000] })).toBe(32_000)
  })

  test('is for sure the least that was said since they may have heard a word', () => {
    const lateness = new Lateness()
    for (const [at, ms] of [
      [1, 0],
      [2, 800],
      [3, 500]
    ] as const)
      lateness.said(at, ms)
    expect([lateness.leastSaidMs(1), lateness.leastSaidMs(2), lateness.leastSaidMs(4)]).toEqual([
      0, 500, 0
    ])
    for (let at = 4; at < 1000; at++) lateness.said(at, 700)
    expect(lateness.leastSaidMs(2)).toBeLessThanOrEqual(500)
    expect(lateness.leastSaidMs(990)).toBe(700)
  })
})
