/** An answer to a peer that catches up is one picture, whatever happens to this node while the peer reads it. */
import { expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../support/pump.ts'
import { bootOf } from '../support/tasks.ts'
import './forbid.ts'

const A = bootOf('a')
const B = bootOf('b')
const everything = {
  kind: 'sync',
  boot: bootOf('z'),
  vector: new Map(),
  open: [],
  more: false
} as const

test('an answer under way ends when a peer makes this node forget a task that was open', () => {
  const pump = pumpOf([A, B])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  const ids = [a.submit(), b.submit()]
  pump.settle()
  const answer = b.core.answerSync(everything)
  expect(answer.next()).toMatchObject({ value: { kind: 'batch', origin: A } })
  // The next batch, of b, would say nothing of this task, but move the asker over it.
  b.feed({ kind: 'message', from: a.id, message: { kind: 'pruned', ids: [ids[1]!] } })
  expect(answer.next()).toEqual({ done: true, value: undefined })
  expect([...b.core.answerSync(everything)]).toHaveLength(2)
})

test('an answer under way goes on when there was nothing to forget', () => {
  const pump = pumpOf([A, B])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.submit()
  b.submit()
  pump.settle()
  const answer = b.core.answerSync(everything)
  answer.next()
  b.feed({ kind: 'message', from: a.id, message: { kind: 'pruned', ids: [] } })
  expect(answer.next()).toMatchObject({ value: { kind: 'batch', origin: B } })
})
