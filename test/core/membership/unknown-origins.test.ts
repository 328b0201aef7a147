/** Who is known from the log only, as the author of something, counts before it has introduced itself. */
import { expect, test } from 'vitest'
import { pumpOf } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]
const forgetful = { retainFailedMs: 0, retainCompletedMs: 0 }

test('a newcomer that meets one side of a cut forgets no failure that the other may have undone', () => {
  const pump = pumpOf([A, B], forgetful)
  const [a, b] = pump.nodes
  const id = a!.submit({ maxRetries: 0 })
  b!.worker(1)
  pump.pass(1000)
  expect(b!.running.has(id)).toBe(true)
  pump.link(a!, b!, false)
  b!.fail(id)
  const late = pump.add(C, forgetful)
  // Nobody introduces the other side to it: it knows that side as an author only.
  pump.lose = (_, to, { kind }) => to === late.id && kind === 'introduction'
  pump.link(late, b!)
  // On the other side it runs anew: what has begun by then, the failure does not end.
  a!.worker(1)
  for (let i = 0; i < 50; i++) pump.pass(200)
  expect(late.state(id)).toBe('failed')
  expect(a!.running.has(id)).toBe(true)
  pump.lose = () => false
  pump.link(a!, b!)
  pump.link(a!, late)
  for (let i = 0; i < 50; i++) pump.pass(200)
  expect(a!.running.has(id)).toBe(true)
  a!.end(id)
  for (let i = 0; i < 50; i++) pump.pass(200)
  expect(pump.nodes.map(node => node.state(id))).toEqual(['unknown', 'unknown', 'unknown'])
})

test('a node is introduced by whoever knows it from its disk only, and may have been started anew since', () => {
  const pump = pumpOf([A, B])
  const [a, b] = pump.nodes
  a!.submit()
  pump.pass(1000)
  pump.crash(a!, b!)
  const again = pump.restart(b!, bootOf('b', 2))
  const late = pump.add(C)
  pump.link(late, again)
  for (let i = 0; i < 10; i++) pump.pass(200)
  expect(late.core.view.member('a')?.heartbeat.boot).toBe(A)
  const newer = pump.restart(a!, bootOf('a', 2))
  pump.pass(200)
  expect(late.core.view.member('a')?.heartbeat.boot).toBe(newer.boot)
})
