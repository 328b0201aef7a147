/** What a caller is told of a task that it submits, and when. */
import { expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

function alone(): { settle: () => void; node: PumpNode } {
  const pump = pumpOf([bootOf('a')])
  const [node] = pump.nodes as [PumpNode]
  return { settle: () => pump.settle(), node }
}

test('the id is told before the task is on disk: a chain of a hundred takes two flushes', () => {
  const { settle, node } = alone()
  const before = node.of('persist').length
  node.holdDisk = true
  for (let link = 0; link < 100; link++) {
    const named = node.of('created').map(({ taskId }) => taskId)
    expect(named).toHaveLength(link)
    node.submit({ dependsOn: named.slice(-1) })
    settle()
  }
  expect(node.of('accepted')).toEqual([])
  node.releaseDisk()
  settle()
  expect(node.of('accepted')).toHaveLength(100)
  expect(node.of('persist').length - before).toBe(2)
})

test('the id of a key is told also if its task is there already', () => {
  const { settle, node } = alone()
  const first = node.submit({ idempotencyKey: 'k' })
  settle()
  const second = node.submit({ idempotencyKey: 'k' })
  settle()
  expect(second).toBe(first)
  expect(node.of('created').map(({ request, taskId }) => [request, taskId])).toEqual([
    [1, first],
    [2, first]
  ])
})
