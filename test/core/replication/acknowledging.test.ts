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

test('a claim that all have to confirm is confirmed at once, with all that is there, also where a greater claim stands', () => {
  const pump = pumpOf(['a', 'b', 'c', 'd'].map(id => bootOf(id)))
  const [a, b, c, d] = pump.nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
  pump.pass(CORE_DEFAULTS.bootQuietMs)
  d.worker(1)
  pump.pass(heartbeatMs)
  const id = a.submit()
  pump.settle()
  pump.pass(gatherBusyMs)
  const record = c.record(id)
  expect(record.claim).toMatchObject({ epoch: 1, holder: d.boot })
  const claim = { ...record.claim, holder: b.boot, cause: 'reclaim' } as const
  const said = {
    kind: 'batch',
    origin: b.boot,
    after: 0,
    records: [{ ...record, claim }],
    writes: [0]
  } as const
  c.effects.length = 0
  c.feed({ kind: 'message', from: b.id, message: said })
  pump.settle()
  expect(c.record(id).claim.holder).toBe(d.boot)
  const [ack] = c
    .of('send')
    .flatMap(({ to, message }) => (to === b.id && message.kind === 'ack' ? [message] : []))
  expect([...ack!.vector.keys()]).toEqual(expect.arrayContaining([a.boot, b.boot, d.boot]))
})

test('whoever becomes the first in line after it has heard of a write acknowledges it with its tick all the same', () => {
  const { pump, author, others } = six()
  author.submit()
  pump.settle()
  const [first] = acknowledging(others, author.boot)
  pump.pass(gatherBusyMs)
  for (let passed = 0; passed < heartbeatMs; passed += tickMs) pump.pass(tickMs)
  const next = acknowledging(others, author.boot).find(node => node !== first)!
  for (const node of pump.nodes) node.effects.length = 0
  first!.holdDisk = true
  author.submit()
  pump.settle()
  expect(acknowledging(others, author.boot)).toEqual([])
  for (const node of [author, ...others]) if (node !== first) pump.link(node, first!, false)
  pump.pass(gatherBusyMs)
  pump.pass(tickMs)
  expect(acknowledging(others, author.boot)).toContain(next)
  expect(author.of('accepted')).toHaveLength(1)
})
