/** What may be forgotten, and what must not be yet. */
import { expect, test } from 'vitest'
import './forbid.ts'
import { pumpOf, type PumpNode } from '../support/pump.ts'
import { bootOf } from '../support/tasks.ts'

const options = { retainCompletedMs: 1000 }

/** Whether a node that is restarted alone, long after the task's retention, has forgotten it. */
function forgetsAlone(vectorIsLost: boolean): boolean {
  const pump = pumpOf([bootOf('a')], options)
  const a = pump.nodes[0]!
  a.worker(1)
  const id = a.submit()
  a.end(id)
  pump.settle()
  const { vector, tasks } = a.core.view.replica()
  const again = pumpOf([bootOf('a', 2)], options)
  const restored: PumpNode = again.nodes[0]!
  const known = vectorIsLost ? new Map<string, number>() : vector
  restored.core.restore({ tasks: [...tasks], vector: known, members: [] })
  expect(restored.state(id)).toBe('completed')
  for (let i = 0; i < 100; i++) again.pass(200)
  return restored.record(id) === undefined
}

test('a task goes when its retention is over, also after a restart', () => {
  expect(forgetsAlone(false)).toBe(true)
})

// Its vector was damaged and is given up. What else its old boot has written nobody can tell but a peer, and until one has,
// nothing would tell any more that the task is over.
test('a task that the vector does not cover is kept for ever by a node that stays alone', () => {
  expect(forgetsAlone(true)).toBe(false)
})
