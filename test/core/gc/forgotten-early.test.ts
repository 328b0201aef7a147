/** What keeps a task, or a boot, that has had its time. */
import { expect, test } from 'vitest'
import { announce, cluster, passing } from '../../support/crashes.ts'
import type { PumpNode } from '../../support/pump.ts'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import { bootOf, idOf } from '../../support/tasks.ts'
import '../forbid.ts'

const GONE = { retentionMs: 0 }

test('a task stays as long as one that has not settled depends on it', () => {
  const pump = cluster(2)
  const [a] = pump.of as [PumpNode, PumpNode]
  a.worker(1)
  const named = a.submit(GONE)
  const open = a.submit({ ...GONE, dependsOn: [named, idOf(bootOf('z'), 9)] })
  const other = a.submit(GONE)
  for (const id of [named, other]) {
    passing(pump, 400)
    a.end(id)
  }
  passing(pump, 10_000)
  expect([named, open, other].map(id => a.state(id))).toEqual(['completed', 'waiting', 'unknown'])
  a.cancel(open)
  passing(pump, 10_000)
  expect([named, open].map(id => a.state(id))).toEqual(['unknown', 'unknown'])
})

test('a failure stays until all that the others had is merged; a completion need not wait for that', () => {
  const pump = cluster(3)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  a.worker(2)
  const [failing, completing] = [a.submit(GONE), a.submit(GONE)]
  pump.settle()
  // What b writes from here on is on c's disk as well, and does not get to a.
  pump.lose = (from, to, { kind }) => to === 'a' && kind === 'batch' && from !== 'a'
  for (const other of ['b', 'c']) pump.mute.add(other)
  b.submit()
  passing(pump, 3000)
  a.fail(failing)
  a.end(completing)
  passing(pump, 10_000)
  expect([failing, completing].map(id => a.state(id))).toEqual(['failed', 'unknown'])
  pump.lose = () => false
  pump.mute.clear()
  passing(pump, 10_000)
  expect(a.state(failing)).toBe('unknown')
})

test('a boot is not closed before everybody, also a newcomer, has all that it wrote', () => {
  const pump = cluster(2)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  a.worker(1)
  const id = a.submit(GONE)
  pump.settle()
  a.end(id)
  passing(pump, 10_000)
  expect([a, b].map(node => node.state(id))).toEqual(['unknown', 'unknown'])
  // Somebody new is told nothing of what was.
  for (const node of ['a', 'b']) pump.mute.add(node)
  pump.crash(a)
  const newcomer = pump.add(bootOf('d'))
  pump.link(newcomer, b)
  announce(pump, newcomer)
  const again = pump.restart(a, bootOf('a', 2))
  announce(pump, again)
  passing(pump, 10_000)
  const isClosed = (node: PumpNode): boolean =>
    node.core.view.mergedVector().get(a.boot) === RETIRED
  expect([b, again, newcomer].map(isClosed)).toEqual([false, false, false])
  pump.mute.clear()
  passing(pump, 20_000)
  expect([b, again].map(isClosed)).toEqual([true, true])
})
