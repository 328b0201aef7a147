/** What waits for a node that could run it costs those that cannot next to nothing. */
import { describe, expect, test } from 'vitest'
import '../forbid.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { isSettled } from '../../../src/core/task/record.ts'
import { callsOf } from '../../support/counting.ts'
import { pumpOf } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'

const TASKS = 30

/**
 * How often it is asked whether some pool has handlers for a type, while three nodes run tasks beside `unrunnable`
 * others that nobody can run, each of a type of its own.
 */
function looksBeside(unrunnable: number): number {
  const pump = pumpOf(['a', 'b', 'c'].map(id => bootOf(id)))
  for (const node of pump.nodes) node.worker(1)
  pump.pass(CORE_DEFAULTS.bootQuietMs)
  for (const node of pump.nodes) {
    for (let i = 0; i < unrunnable / 3; i++) node.submit({ type: `nobody runs ${node.id} ${i}` })
  }
  pump.settle()
  const [a] = pump.nodes
  return callsOf(Array.prototype, 'includes', () => {
    const ids = Array.from({ length: TASKS }, () => a!.submit())
    pump.settle()
    while (!ids.every(id => isSettled(a!.record(id)))) {
      for (const node of pump.nodes) for (const id of node.running.keys()) node.end(id)
      pump.pass(1000)
    }
  })
}

describe('tasks that no node can run', () => {
  test('are not looked at when others are submitted, placed, stolen, started and end', () => {
    const few = looksBeside(3)
    expect(few).toBeGreaterThan(TASKS)
    expect(looksBeside(300)).toBeLessThan(1.1 * few)
  })
})
