/** To whom a holder gives nothing: what it gave would be taken back a moment later. */
import { expect, test } from 'vitest'
import { cluster, passing } from '../../support/crashes.ts'
import type { Pump, PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { BootId } from '../../../src/core/base/ids.ts'

function holder(): { pump: Pump; a: PumpNode; b: PumpNode; steal: (boot?: BootId) => number } {
  const pump = cluster(2)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  for (let i = 0; i < 10; i++) a.submit()
  pump.settle()
  const steal = (boot = b.boot): number => {
    const message = {
      kind: 'steal',
      request: 1,
      boot,
      want: 2,
      handlers: ['work'],
      labels: {}
    } as const
    const before = a.sent('grant').length
    a.feed({ kind: 'message', from: 'b', message })
    pump.settle()
    const answers = a.sent('grant').slice(before)
    expect(answers).toHaveLength(1)
    return answers[0]!.records.length
  }
  return { pump, a, b, steal }
}

test('a thief that has been heard lately is given what it asks for', () => {
  expect(holder().steal()).toBe(2)
})

test('a thief that is held for suspect or unreachable is refused, until it is heard again', () => {
  const { pump, steal } = holder()
  pump.lose = (from, _, { kind }) => from === 'b' && kind !== 'grant'
  passing(pump, 6000)
  expect(steal()).toBe(0)
  passing(pump, 3000)
  expect(steal()).toBe(0)
  pump.lose = () => false
  passing(pump, 2000)
  expect(steal()).toBeGreaterThan(0)
})

test('a thief whose boot is not the one that is known is refused', () => {
  expect(holder().steal(bootOf('b', 7))).toBe(0)
})

test('a thief that has left is refused', () => {
  const { pump, b, steal } = holder()
  b.feed({ kind: 'leave', abort: false })
  passing(pump, 3000)
  expect(steal()).toBe(0)
})
