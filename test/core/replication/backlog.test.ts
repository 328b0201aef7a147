/** What a node says of its own backlog: what it has yet to write, and the copies that somebody could make. */
import { expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

function two() {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  pump.settle()
  return { pump, a, b }
}

test('what is not on its own disk, and what others have no copy of, is its backlog', () => {
  const { pump, a, b } = two()
  expect(a.core.view.backlog).toEqual({ unflushed: 0, awaited: 0, awaitedMs: 0 })
  a.holdDisk = true
  for (let i = 0; i < 3; i++) a.submit()
  expect(a.core.view.backlog).toEqual({ unflushed: 3, awaited: 3, awaitedMs: 0 })
  b.holdDisk = true
  a.releaseDisk()
  pump.settle()
  pump.pass(200)
  expect(a.core.view.backlog).toEqual({ unflushed: 0, awaited: 3, awaitedMs: 200 })
  b.releaseDisk()
  pump.settle()
  expect(a.core.view.backlog).toEqual({ unflushed: 0, awaited: 0, awaitedMs: 0 })
})

test('copies that nobody is there to make are no backlog', () => {
  const { pump, a, b } = two()
  b.holdDisk = true
  a.submit()
  pump.settle()
  expect(a.core.view.backlog.awaited).toBe(1)
  pump.link(a, b, false)
  expect(a.core.view.backlog.awaited).toBe(0)
})

test('copies that only a member could make that has fallen silent are no backlog', () => {
  const { pump, a, b } = two()
  b.holdDisk = true
  pump.lose = from => from === b.id
  a.submit({}, 1)
  let pauses = 0
  while (a.core.view.members(pump.now)[0]!.status === 'alive' && pauses++ < 100) pump.pass(200)
  a.submit({}, 1)
  pump.settle()
  expect(a.core.view.backlog.awaited).toBe(0)
})

test('what others have yet to write holds nobody back here', () => {
  const { pump, a, b } = two()
  b.holdDisk = true
  for (let i = 0; i < 5; i++) b.submit()
  pump.settle()
  expect(a.core.view.backlog).toEqual({ unflushed: 0, awaited: 0, awaitedMs: 0 })
})
