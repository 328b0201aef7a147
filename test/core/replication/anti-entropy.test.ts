/** Whom a node asks for what it lacks. */
import { expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'

test('one member at a time is asked for all that is lacking, however many tell of it', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')])
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  const before = a.of('sync').length
  const asked = (): string[] =>
    a
      .of('sync')
      .slice(before)
      .map(({ peer }) => peer)
  const other = bootOf('d')
  const records = [taskOf(other, 8)]
  const message = { kind: 'batch', origin: other, after: 7, records, writes: [0] } as const
  for (const from of [b.id, c.id, b.id]) a.feed({ kind: 'message', from, message })
  expect(asked()).toEqual([b.id])
  pump.settle()
  a.feed({ kind: 'message', from: c.id, message })
  expect(asked()).toEqual([b.id, c.id])
})
