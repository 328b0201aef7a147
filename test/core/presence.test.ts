/** How often a node says that it is there. */
import { describe, expect, test } from 'vitest'
import { pumpOf } from '../support/pump.ts'
import { bootOf } from '../support/tasks.ts'
import './forbid.ts'
import { CORE_DEFAULTS } from '../../src/core/options.ts'

const { heartbeatMs, idleHeartbeatMs } = CORE_DEFAULTS

describe('a heartbeat', () => {
  test('comes every other second while nothing changes', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b')])
    const [a] = pump.nodes
    pump.pass(idleHeartbeatMs)
    const before = a!.of('publish').length
    for (let i = 0; i < 10; i++) pump.pass(heartbeatMs)
    expect(a!.of('publish').length - before).toBe((10 * heartbeatMs) / idleHeartbeatMs)
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
    const before = a!.of('publish').length
    for (let i = 1; i <= 4; i++) {
      a!.feed({ kind: 'tick', loopLagMs: 100 * i + 0.4 })
      pump.pass(heartbeatMs)
    }
    expect(a!.of('publish').length - before).toBe((4 * heartbeatMs) / idleHeartbeatMs)
    a!.feed({ kind: 'tick', loopLagMs: 700.4 })
    a!.worker(2)
    pump.settle()
    const view = b!.core.view.members(pump.now).find(({ heartbeat }) => heartbeat.boot === a!.boot)
    expect(view?.heartbeat.loopLagMs).toBe(700)
  })
})
