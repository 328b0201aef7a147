/** How often a node says that it is there. */
import { describe, expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { REVISION } from '../../../src/core/message.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'

const { heartbeatMs, idleHeartbeatMs } = CORE_DEFAULTS

function beatsTo(node: PumpNode, other: PumpNode): number {
  return node
    .of('send')
    .filter(({ to, message }) => to === other.id && message.kind === 'heartbeat').length
}

/** What a node has said so far. */
function countsOf(node: PumpNode): { published: number; to: (other: PumpNode) => number } {
  const published = node.of('publish').length
  const sent = new Map(node.of('send').map(({ to }) => [to, 0]))
  for (const { to, message } of node.of('send')) {
    if (message.kind === 'heartbeat') sent.set(to, sent.get(to)! + 1)
  }
  return { published, to: ({ id }) => sent.get(id) ?? 0 }
}

describe('a heartbeat', () => {
  test('says what its sender knows of the protocol, also at second hand', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes
    pump.pass(heartbeatMs)
    const c = pump.add(bootOf('c'))
    pump.link(b!, c)
    for (let i = 0; i < 5; i++) pump.pass(heartbeatMs)
    expect(b!.core.view.self().revision).toBe(REVISION)
    const introduced = b!.of('send').flatMap(({ to, message }) => {
      return to === c.id && message.kind === 'introduction' ? [message.heartbeat] : []
    })
    expect(introduced.map(({ boot, revision }) => [boot, revision])).toContainEqual([
      a!.boot,
      REVISION
    ])
  })

  test('comes every other second while nothing changes, straight to each neighbour', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')])
    const [a, b, c] = pump.nodes
    for (let i = 0; i < 10; i++) pump.pass(heartbeatMs)
    const before = countsOf(a!)
    for (let i = 0; i < 10; i++) pump.pass(heartbeatMs)
    const beats = (10 * heartbeatMs) / idleHeartbeatMs
    expect(beatsTo(a!, b!) - before.to(b!)).toBe(beats)
    expect(beatsTo(a!, c!) - before.to(c!)).toBe(beats)
    expect(a!.of('publish').length).toBe(before.published)
  })

  test('is gossip, which finds its way round, while somebody is behind a broken link', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')])
    const [a, b] = pump.nodes
    pump.pass(idleHeartbeatMs)
    pump.link(a!, b!, false)
    for (let i = 0; i < 10; i++) pump.pass(heartbeatMs)
    const before = countsOf(a!)
    for (let i = 0; i < 10; i++) pump.pass(heartbeatMs)
    const beats = (10 * heartbeatMs) / idleHeartbeatMs
    expect(a!.of('publish').length - before.published).toBe(beats)
  })

  test('is gossip as well to whoever has fallen silent on a link that seems to be there', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')])
    const [a, b] = pump.nodes
    pump.pass(idleHeartbeatMs)
    pump.lose = (from, to) => [from, to].includes(a!.id) && [from, to].includes(b!.id)
    const published = a!.of('publish').length
    for (let i = 0; i < 6; i++) pump.pass(heartbeatMs)
    expect(a!.of('publish').length).toBeGreaterThan(published)
  })

  test('tells at once of a pool that was not there before, and of all that changes in it with one that is due', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes
    const offer = (name: string, slots: number): void => {
      const pools = slots < 0 ? [] : [{ name, slots, types: ['shout'], labels: {}, external: true }]
      a!.feed({ kind: 'worker', slots: 0, handlers: [], pools })
      pump.settle()
    }
    const heard = (): [string, number][] =>
      b!.core.view.workers(pump.now).map(({ name, slots }) => [name, slots])
    for (let i = 0; i < 3; i++) pump.pass(heartbeatMs)
    const before = a!.of('publish').length
    offer('claims', 1)
    expect(heard()).toContainEqual(['claims', 1])
    for (let n = 0; n < 20; n++) {
      offer('claims', -1)
      offer('claims', 1)
    }
    offer('claims', 2)
    expect(a!.of('publish').length - before).toBe(1)
    offer('worker-1', 1)
    expect(a!.of('publish').length - before).toBe(2)
    expect(heard()).toContainEqual(['worker-1', 1])
    offer('worker-1', 3)
    pump.pass(heartbeatMs)
    expect(a!.of('publish').length - before).toBe(3)
    expect(heard()).toContainEqual(['worker-1', 3])
  })

  test('comes from all nodes at the same time, whenever they started', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes
    pump.pass(idleHeartbeatMs)
    pump.pass(heartbeatMs / 2)
    a!.worker(1)
    pump.settle()
    pump.pass(2 * idleHeartbeatMs)
    for (let i = 0; i < 20; i++) {
      const before = [beatsTo(a!, b!), beatsTo(b!, a!)]
      pump.pass(200)
      const [ofA, ofB] = [beatsTo(a!, b!) - before[0]!, beatsTo(b!, a!) - before[1]!]
      expect(ofA).toBe(ofB)
    }
  })

  test('comes every second while something changes', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a] = pump.nodes
    pump.pass(idleHeartbeatMs)
    const before = a!.sent('heartbeat').length
    for (let i = 0; i < 10; i++) {
      a!.submit()
      pump.pass(heartbeatMs)
    }
    expect(a!.sent('heartbeat').length - before).toBeGreaterThanOrEqual(9)
  })

  test('says how late the event loop was, and is no more frequent for that', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes
    pump.pass(idleHeartbeatMs)
    const before = a!.sent('heartbeat').length
    for (let i = 1; i <= 4; i++) {
      a!.feed({ kind: 'tick', loopLagMs: 100 * i + 0.4 })
      pump.pass(heartbeatMs)
    }
    expect(a!.sent('heartbeat').length - before).toBe((4 * heartbeatMs) / idleHeartbeatMs)
    a!.feed({ kind: 'tick', loopLagMs: 700.4 })
    a!.worker(2)
    pump.settle()
    const view = b!.core.view.members(pump.now).find(({ heartbeat }) => heartbeat.boot === a!.boot)
    expect(view?.heartbeat.loopLagMs).toBe(700)
  })
})
