/** What a node tells: who keeps settled tasks from being forgotten, and which identity is in use twice. */
import { expect, test } from 'vitest'
import { duplicatesOf, overfullOf } from '../../../src/node/queries/diagnosis.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'

const MINUTE_MS = 60_000

function passing(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += 500) pump.pass(500)
}

function completed(pump: Pump, count: number): void {
  const [a] = pump.nodes as [PumpNode]
  a.worker(1)
  for (let i = 0; i < count; i++) {
    const id = a.submit()
    pump.settle()
    a.end(id)
    passing(pump, 500)
  }
}

test('a member that is away is named when there are far too many tasks, until it is there again', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')], { settledMax: 4 })
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  const told = (): unknown => overfullOf(a.core.view, pump.now)
  passing(pump, 2000)
  pump.probing = false
  for (const node of [a, b]) pump.link(node, c, false)
  completed(pump, 8)
  passing(pump, MINUTE_MS)
  expect(told()).toBeNull()
  completed(pump, 1)
  passing(pump, MINUTE_MS)
  expect(told()).toEqual({ kept: 9, max: 4, behind: [{ node: 'test/c', why: 'away' }] })
  for (const node of [a, b]) pump.link(node, c, true)
  passing(pump, MINUTE_MS)
  expect(told()).toBeNull()
  expect([...a.core.view.records()]).toHaveLength(4)
})

test('a copy is told until it has been silent for a minute', () => {
  const found = new Map([['x', 1000]])
  const told = (heardAt: number | null, now: number): unknown =>
    duplicatesOf({ twinHeardAt: () => heardAt }, found, now)
  expect(told(null, 2000)).toEqual([{ id: 'x', at: 1000 }])
  expect(told(500_000, 510_000)).toEqual([{ id: 'x', at: 500_000 }])
  expect(told(500_000, 500_000 + MINUTE_MS)).toEqual([])
  expect(told(null, 1000 + MINUTE_MS)).toEqual([])
})
