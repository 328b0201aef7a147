/** Which nodes acknowledge what another has written, and when. */
import { expect, test } from 'vitest'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import type { BootId } from '../../../src/core/base/ids.ts'
import { bootOf } from '../../support/tasks.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'

const { gatherBusyMs, heartbeatMs, tickMs } = CORE_DEFAULTS

/** Six linked nodes that have been up for a while. */
function six(): { pump: Pump; author: PumpNode; others: readonly PumpNode[] } {
  const pump = pumpOf(['a', 'b', 'c', 'd', 'e', 'f'].map(id => bootOf(id)))
  const [author, ...others] = pump.nodes as [PumpNode, ...PumpNode[]]
  pump.pass(CORE_DEFAULTS.bootQuietMs)
  for (const node of pump.nodes) node.effects.length = 0
  return { pump, author, others }
}

/** The nodes that have sent an acknowledgement of their own for writes of this boot. */
function acknowledging(nodes: readonly PumpNode[], boot: BootId): readonly PumpNode[] {
  return nodes.filter(node =>
    node.of('send').some(({ message }) => message.kind === 'ack' && message.vector.has(boot))
  )
}

/** Whether a heartbeat of this node has said that it has a boot's first write on its disk. */
function hasSaidSo(node: PumpNode, boot: BootId): boolean {
  return node
    .of('publish')
    .some(({ message }) => message.kind === 'heartbeat' && message.vector.get(boot) === 1)
}

test('one node acknowledges at once, the next in line with its tick, and all others with a heartbeat', () => {
  const { pump, author, others } = six()
  author.submit()
  pump.settle()
  expect(acknowledging(others, author.boot)).toHaveLength(1)
  pump.pass(gatherBusyMs)
  for (let passed = 0; passed < heartbeatMs; passed += tickMs) pump.pass(tickMs)
  expect(acknowledging(others, author.boot)).toHaveLength(2)
  expect(others.filter(node => hasSaidSo(node, author.boot))).toEqual(others)
})

test('if the first goes, another takes its place, and a caller waits for no heartbeat', () => {
  const { pump, author, others } = six()
  author.submit()
  pump.settle()
  const [first] = acknowledging(others, author.boot)
  pump.link(author, first!, false)
  for (const node of others) if (node !== first) pump.link(node, first!, false)
  author.submit()
  pump.settle()
  expect(author.of('accepted')).toHaveLength(2)
})
