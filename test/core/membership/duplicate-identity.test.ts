/** What has run twice because nodes could not hear each other: each time is counted once, by the node that lost its claim. */
import { expect, test } from 'vitest'
import { announce, passing, runningOn, starts } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

/** Longer than it takes to be given up, and for others to start anew what was lost. */
const LATE_MS = 12_000

function three(): { pump: Pump; a: PumpNode; others: PumpNode[] } {
  const pump = pumpOf(['a', 'b', 'c'].map(name => bootOf(name)))
  for (const node of pump.nodes) announce(pump, node)
  passing(pump, 3000)
  const [a, ...others] = pump.nodes as [PumpNode, ...PumpNode[]]
  return { pump, a, others }
}

/** a is cut off while it runs a task, which the others start anew. */
function startedTwice(): ReturnType<typeof three> & { taskId: string } {
  const nodes = three()
  const { pump, a, others } = nodes
  const taskId = runningOn(pump, a)
  pump.probing = false
  for (const node of others) pump.link(a, node, false)
  for (const node of others) node.worker(1)
  passing(pump, LATE_MS)
  expect(others.flatMap(node => starts(node, taskId))).toHaveLength(1)
  return { ...nodes, taskId }
}

function heal({ pump, a, others }: ReturnType<typeof three>): void {
  pump.probing = true
  for (const node of others) pump.link(a, node)
  passing(pump, 3000)
}

const counted = ({ nodes }: Pump): number[] =>
  nodes.map(({ core }) => core.view.counters.duplicateStarts)

test('a run that is aborted because somebody else runs the task', () => {
  const nodes = startedTwice()
  heal(nodes)
  expect(nodes.a.running.size).toBe(0)
  expect(counted(nodes.pump)).toEqual([1, 0, 0])
})

test('a run that had ended before its node heard of the other one', () => {
  const nodes = startedTwice()
  nodes.a.end(nodes.taskId)
  passing(nodes.pump, 1000)
  heal(nodes)
  expect(counted(nodes.pump)).toEqual([1, 0, 0])
})

test('both runs have ended before anybody heard of the other one', () => {
  const nodes = startedTwice()
  const { a, others, taskId } = nodes
  for (const node of [a, ...others]) if (node.running.has(taskId)) node.end(taskId)
  heal(nodes)
  expect(counted(nodes.pump)).toEqual([1, 0, 0])
})

test('not a run that died with its node', () => {
  const { pump, a, others } = three()
  const taskId = runningOn(pump, a)
  for (const node of others) node.worker(1)
  pump.crash(a)
  passing(pump, 3000)
  expect(others.flatMap(node => starts(node, taskId))).toHaveLength(1)
  expect(counted(pump)).toEqual([0, 0, 0])
})
