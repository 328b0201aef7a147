/** Small clusters whose nodes die, and what became of their tasks. */
import assert from 'node:assert/strict'
import type { TaskId } from '../../src/core/base/ids.ts'
import type { CoreOptions } from '../../src/core/options.ts'
import { rendezvousWeight } from '../../src/core/base/rendezvous.ts'
import { pumpOf, type Pump, type PumpNode } from './pump.ts'
import { bootOf } from './tasks.ts'

/** Nodes a, b, c ... that know each other and have been up for a while. */
export function cluster(
  count: number,
  options: Partial<CoreOptions> = {}
): Pump & { of: PumpNode[] } {
  const names = ['a', 'b', 'c', 'd', 'e'].slice(0, count)
  const pump = pumpOf(
    names.map(name => bootOf(name)),
    options
  )
  for (const node of pump.nodes) announce(pump, node)
  for (let i = 0; i < 3; i++) pump.pass(1000)
  return Object.assign(pump, { of: [...pump.nodes] })
}

export function announce(pump: Pump, node: PumpNode): void {
  node.feed({ kind: 'addresses', addresses: [`/${node.id}`] })
  pump.settle()
}

export function passing(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += 200) pump.pass(200)
}

/** Of these nodes, the one that is first in line for a task. */
export function first(taskId: TaskId, nodes: readonly PumpNode[]): PumpNode {
  return nodes.toSorted(
    (x, y) => rendezvousWeight(taskId, y.id) - rendezvousWeight(taskId, x.id)
  )[0]!
}

export function starts(node: PumpNode, taskId: TaskId): number[] {
  return node
    .of('start')
    .filter(({ run }) => run.taskId === taskId)
    .map(({ run }) => run.epoch)
}

/** A task that runs on the first node, which is linked to all others. */
export function runningOn(pump: Pump, node: PumpNode): TaskId {
  node.worker(1)
  const taskId = node.submit()
  pump.settle()
  return taskId
}

/**
 * The schedule behind the wait. The first node gives its task to b and dies; of the grant only b has heard, and runs it;
 * what b writes reaches nobody. Then whoever is first in line of the others takes the task over.
 */
export function hiddenGrant(): { pump: Pump; b: PumpNode; others: PumpNode[]; taskId: TaskId } {
  const pump = cluster(4)
  const [a, b, ...others] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode]
  const taskId = a.submit()
  pump.settle()
  pump.lose = (from, to, { kind }) =>
    (from === 'a' && kind === 'batch') || (from === 'b' && kind === 'batch' && to !== 'a')
  for (const node of ['a', 'b']) pump.mute.add(node)
  b.worker(1)
  pump.settle()
  assert.deepEqual(starts(b, taskId), [1])
  for (const node of others) {
    assert.equal(node.record(taskId).claim.holder, a.boot)
    node.worker(1)
  }
  pump.crash(a)
  return { pump, b, others, taskId }
}
