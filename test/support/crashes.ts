/** Small clusters whose nodes die, and what became of their tasks. */
import type { TaskId } from '../../src/core/base/ids.ts'
import { weight } from '../../src/core/base/weight.ts'
import { pumpOf, type Pump, type PumpNode } from './pump.ts'
import { bootOf } from './tasks.ts'

/** Nodes a, b, c ... that know each other and have been up for a while. */
export function cluster(count: number): Pump & { of: PumpNode[] } {
  const names = ['a', 'b', 'c', 'd', 'e'].slice(0, count)
  const pump = pumpOf(names.map(name => bootOf(name)))
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
  return nodes.toSorted((x, y) => weight(taskId, y.id) - weight(taskId, x.id))[0]!
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
