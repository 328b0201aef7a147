/** When a node looks at the clock only now and then, and what ends that. */
import { describe, expect, test } from 'vitest'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const { acksTimeoutMs, idleHeartbeatMs, restTickMs, suspectMs, tickMs } = CORE_DEFAULTS

/** Three nodes that have nothing to do. */
function idle(): { pump: Pump; nodes: PumpNode[] } {
  const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')])
  pass(pump, 2 * acksTimeoutMs)
  return { pump, nodes: pump.nodes }
}

/** In ticks as they are due to whoever is awake. */
function pass(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += tickMs) pump.pass(tickMs)
}

function atRest(nodes: readonly PumpNode[]): boolean[] {
  return nodes.map(({ core }) => core.idle.isAtRest)
}

describe('a node is at rest', () => {
  test('when nothing is to be done and everybody is there, but not at once', () => {
    const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')])
    pump.pass(tickMs)
    expect(atRest(pump.nodes)).toEqual([false, false, false])
    pass(pump, 2 * acksTimeoutMs)
    expect(atRest(pump.nodes)).toEqual([true, true, true])
  })

  test('with ticks at rest alone, too, and nobody is ever missed', () => {
    const { pump, nodes } = idle()
    for (let i = 0; i < 30; i++) {
      pump.pass(nodes[0]!.core.idle.nextTickMs(pump.now))
      expect(atRest(nodes)).toEqual([true, true, true])
      const { core } = nodes[0]!
      expect(core.view.members(pump.now).every(({ status }) => status === 'alive')).toBe(true)
    }
  })

  test('while no task is open, and a while after the last one', () => {
    const { pump, nodes } = idle()
    const [a] = nodes
    const id = a!.submit()
    pass(pump, 2 * acksTimeoutMs)
    expect(atRest(nodes)).toEqual([false, false, false])
    a!.cancel(id)
    expect(atRest(nodes)).toEqual([false, false, false])
    pass(pump, 2 * acksTimeoutMs)
    expect(atRest(nodes)).toEqual([true, true, true])
  })

  test('until somebody does not say that he is there, well before that makes him suspect', () => {
    const { pump, nodes } = idle()
    const [a, b] = nodes
    pump.lose = from => from === b!.id
    let silentMs = 0
    while (a!.core.idle.isAtRest) {
      const ms = a!.core.idle.nextTickMs(pump.now)
      pump.pass(ms)
      silentMs += ms
    }
    expect(silentMs).toBeLessThan(suspectMs)
    expect(a!.core.idle.nextTickMs(pump.now)).toBe(tickMs)
  })

  test('until a link is gone', () => {
    const { pump, nodes } = idle()
    const [a, b] = nodes
    pump.link(a!, b!, false)
    expect(atRest(nodes)).toEqual([false, false, true])
    pass(pump, 2 * acksTimeoutMs)
    expect(a!.core.idle.isAtRest).toBe(false)
  })
})

test('ticks at rest fall on full seconds, so that all nodes wake together', () => {
  const { pump, nodes } = idle()
  pump.now += 333
  const at = nodes.map(({ core }) => (pump.now + core.idle.nextTickMs(pump.now)) % restTickMs)
  expect(at).toEqual([0, 0, 0])
  expect(idleHeartbeatMs % restTickMs).toBe(0)
})
