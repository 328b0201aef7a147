/** A grant says whether anybody had asked for it, and every node that hears of it knows. */
import { expect, test } from 'vitest'
import '../forbid.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'

function three(): { nodes: [PumpNode, PumpNode, PumpNode]; pass: (ms: number) => void } {
  const pump = pumpOf(
    ['a', 'b', 'c'].map(id => bootOf(id)),
    {},
    ['pc1', 'pc2', 'pc3']
  )
  pump.pass(CORE_DEFAULTS.bootQuietMs)
  return { nodes: pump.nodes as [PumpNode, PumpNode, PumpNode], pass: ms => pump.pass(ms) }
}

test('what is placed in a free slot says so, and what a thief asks for does not', () => {
  const {
    nodes: [a, b, c],
    pass
  } = three()
  b.worker(1)
  pass(2000)
  const [placed, stolen] = [a.submit(), a.submit()]
  pass(100)
  for (const node of [a, b, c]) {
    expect(node.record(placed).claim).toMatchObject({ cause: 'grant', unasked: 'placed' })
    expect(node.record(stolen).claim).toMatchObject({ holder: a.boot })
  }
  b.end(placed)
  pass(2000)
  for (const node of [a, b, c]) {
    const { claim } = node.record(stolen)
    expect(claim).toMatchObject({ cause: 'grant', holder: b.boot })
    expect(claim).not.toHaveProperty('unasked')
  }
})

test('what is handed on by a node that drains says so; a retry says nothing of it any more', () => {
  const {
    nodes: [a, b, c],
    pass
  } = three()
  b.worker(1)
  pass(2000)
  const ids = [1, 2, 3, 4].map(() => a.submit({ maxRetries: 1 }))
  pass(100)
  a.feed({ kind: 'drain', node: a.id })
  pass(3000)
  const handedOn = ids.filter(id => c.record(id).claim.unasked === 'handed-on')
  expect(handedOn.length).toBeGreaterThan(0)
  const [running] = b.running.keys()
  b.end(running!, { status: 'failed', reason: 'HandlerError', error: FAILED })
  pass(100)
  expect(c.record(running!).claim).toMatchObject({ cause: 'retry' })
  expect(c.record(running!).claim).not.toHaveProperty('unasked')
})

const FAILED = { name: 'Error', message: 'it failed', stack: null }
