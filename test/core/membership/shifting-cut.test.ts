/** Cuts that shift: whoever has not heard a member for long meets others who have, and is a majority with them. */
import { expect, test } from 'vitest'
import { announce, passing, runningOn, starts } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const ALONE_MS = 20_000

/** Nothing passes but within these groups. Links that come up do so at once. */
function cut(pump: Pump, ...groups: readonly (readonly PumpNode[])[]): void {
  for (const [i, x] of pump.nodes.entries()) {
    for (const y of pump.nodes.slice(i + 1)) {
      const together = groups.some(group => group.includes(x) && group.includes(y))
      if (together !== x.links.has(y.id)) pump.link(x, y, together)
    }
  }
  pump.settle()
}

/** a runs a task, and is heard by b and d; the others have not heard it for long. */
function shifted(): { pump: Pump; nodes: PumpNode[]; taskId: string } {
  const boots = ['a', 'b', 'c', 'd', 'e'].map(name => bootOf(name))
  const pump = pumpOf(boots, { stopAfterIsolatedMs: ALONE_MS })
  const nodes = [...pump.nodes]
  const [a, b, c, d, e] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode, PumpNode]
  for (const node of nodes) announce(pump, node)
  passing(pump, 3000)
  const taskId = runningOn(pump, a)
  for (const node of [b, c, d, e]) node.worker(1)
  pump.probing = false
  cut(pump, [a, b, d], [c, e])
  passing(pump, 2 * ALONE_MS)
  expect(a.running.has(taskId)).toBe(true)
  cut(pump, [a], [b, c, d, e])
  return { pump, nodes, taskId }
}

test('what a node runs that ends its work alone is not started by a new majority before it has ended it', () => {
  const { pump, nodes, taskId } = shifted()
  const [a, ...others] = nodes as [PumpNode, ...PumpNode[]]
  let endedAt = Infinity
  let startedAt = Infinity
  for (let ms = 0; ms < 2 * ALONE_MS; ms += 100) {
    pump.pass(100)
    if (!a.running.has(taskId)) endedAt = Math.min(endedAt, ms)
    if (others.some(node => starts(node, taskId).length > 0)) startedAt = Math.min(startedAt, ms)
  }
  expect(startedAt).toBeLessThan(Infinity)
  expect(endedAt).toBeLessThan(startedAt)
})

test('two who meet again and again do not keep each other waiting for a third for ever', () => {
  const { pump, nodes, taskId } = shifted()
  const [, ...others] = nodes as [PumpNode, ...PumpNode[]]
  const [b, c] = others as [PumpNode, PumpNode]
  for (let ms = 0; ms < 2 * ALONE_MS; ms += 1000) {
    pump.link(b, c, false)
    pump.pass(100)
    pump.link(b, c)
    passing(pump, 1000)
  }
  expect(others.flatMap(node => starts(node, taskId))).toHaveLength(1)
})
