/** The last lines of a run that was ended from outside: they come after the outcome that ended it. */
import { expect, test } from 'vitest'
import { bootOf } from '../../support/tasks.ts'
import { pumpOf, type PumpNode } from '../../support/pump.ts'

const A = bootOf('a')
const B = bootOf('b')

/** A task that runs at the first of two nodes. */
function running() {
  const pump = pumpOf([A, B])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  a.worker(1)
  const id = a.submit()
  pump.settle()
  return { pump, a, b, id }
}

test('they go into the outcome of a cancelled run on all nodes, and it counts once', () => {
  const { pump, a, b, id } = running()
  b.cancel(id)
  a.feed({ kind: 'tail', taskId: id, epoch: 0, tail: 'the end' })
  pump.pass(1000)
  pump.pass(1000)
  for (const node of [a, b]) {
    expect(node.record(id).outcome).toMatchObject({ status: 'cancelled', tail: 'the end' })
  }
  expect(a.core.view.counters.settled.all()).toEqual([
    { labels: ['work', 'cancelled', 'CancelledByUser'], count: 1 }
  ])
})

test('of another epoch, or of a run that has told its end itself, they are of no interest', () => {
  const { a, id } = running()
  a.feed({ kind: 'tail', taskId: id, epoch: 0, tail: 'too early' })
  expect(a.record(id).outcome).toBeNull()
  a.end(id)
  a.feed({ kind: 'tail', taskId: id, epoch: 0, tail: 'too late' })
  expect(a.record(id).outcome).toMatchObject({ status: 'completed', tail: null })
  const second = a.submit()
  a.cancel(second)
  a.feed({ kind: 'tail', taskId: second, epoch: 1, tail: 'of another run' })
  expect(a.record(second).outcome).toMatchObject({ status: 'cancelled', tail: null })
})
