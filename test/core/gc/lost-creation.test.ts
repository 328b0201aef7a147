/** A task went on to others outside the log, and the write that created it is lost, with the only disk that had it. */
import { describe, expect, test } from 'vitest'
import type { Message } from '../../../src/core/message.ts'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import type { TaskRecord } from '../../../src/core/task/record.ts'
import { announce } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'

const [A, B, C, D] = [bootOf('a'), bootOf('b'), bootOf('c'), bootOf('d')]
const { tickMs, bootQuietMs, unknownMs } = CORE_DEFAULTS
const forgetful = { retainFailedMs: 0, retainCompletedMs: 0 }

function wait(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += tickMs) pump.pass(tickMs)
}

function grantOf(dependencies: readonly TaskRecord[]): Message {
  return { kind: 'grant', request: 0, boot: B, records: [], dependencies }
}

/** Its end came to `a` with a grant; the notebook of the node that created it came to nobody. */
const record = { ...taskOf(C, 1), outcome: outcomeBy(C) }
const { id } = record.spec

function told(boots: readonly string[]): { pump: Pump; nodes: PumpNode[] } {
  const pump = pumpOf(boots, forgetful)
  for (const node of pump.nodes) announce(pump, node)
  wait(pump, bootQuietMs)
  return { pump, nodes: pump.nodes }
}

describe('a task of which only the creation is lost', () => {
  test('is forgotten by all, once all have what was written of it, and is past for whoever comes later', () => {
    const { pump, nodes } = told([A, B, C])
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    pump.crash(c)
    a.feed({ kind: 'message', from: b.id, message: grantOf([record]) })
    wait(pump, 20_000)
    expect([a, b].map(node => node.state(id))).toEqual(['unknown', 'unknown'])
    const late = pump.add(D, forgetful)
    pump.link(late, a)
    wait(pump, 5000)
    for (const node of [a, late]) {
      const open = { ...record, outcome: null }
      node.feed({ kind: 'message', from: b.id, message: grantOf([open]) })
      expect(node.state(id)).toBe('unknown')
    }
  })

  test('is kept as long as the boot that created it may be there', () => {
    const { pump, nodes } = told([A, B, C])
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    pump.probing = false
    pump.crash(c)
    a.feed({ kind: 'message', from: b.id, message: grantOf([record]) })
    wait(pump, 2 * unknownMs)
    expect([a, b].map(node => node.state(id))).toEqual(['completed', 'completed'])
  })

  test('is kept for a minute where nobody knows that boot: somebody may still tell', () => {
    const { pump, nodes } = told([A, B])
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.feed({ kind: 'message', from: b.id, message: grantOf([record]) })
    wait(pump, unknownMs - 5000)
    expect([a, b].map(node => node.state(id))).toEqual(['completed', 'completed'])
    wait(pump, 10_000)
    expect([a, b].map(node => node.state(id))).toEqual(['unknown', 'unknown'])
  })

  test('keeps the boot that created it from being closed, as long as it is here', () => {
    const { pump, nodes } = told([A, B, C])
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    // That boot is known by one write, of a task that is over.
    const heard = c.submit()
    c.cancel(heard)
    wait(pump, 5000)
    expect(a.state(heard)).toBe('unknown')
    pump.crash(c)
    const open = { ...taskOf(C, 9), outcome: null }
    a.feed({ kind: 'message', from: b.id, message: grantOf([open]) })
    pump.link(pump.add(bootOf('c', 2), forgetful), a)
    wait(pump, 20_000)
    const closed = [a, b].map(node => node.core.view.mergedVector().get(C) === RETIRED)
    expect(closed).toEqual([false, false])
    a.worker(1)
    wait(pump, 1000)
    a.end(open.spec.id)
    wait(pump, 20_000)
    const later = [a, b].map(node => node.core.view.mergedVector().get(C) === RETIRED)
    expect(later).toEqual([true, true])
  })
})
