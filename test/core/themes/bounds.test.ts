/**
 * Whatever a node says, others accept: no message is longer than what carries it, or has more of anything than a peer
 * may send. A message that is refused or dropped is not repeated, so one that is always too large cuts a node off for
 * good.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Message } from '../../../src/core/message.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX, NODE_LIMITS } from '../../../src/core/options.ts'
import { Disk } from '../../../src/sim/world/disk.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { Pump, pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

/** As long as a libp2p peer id. */
const NODE_LENGTH = 53

function nodeName(n: number): string {
  return `n${n}`.padEnd(NODE_LENGTH, 'x')
}

function expectFits(message: Message, bytesMax: number): void {
  const bytes = encode(message)
  expect(bytes.length).toBeLessThanOrEqual(bytesMax)
  expect(decode(bytes).ok).toBe(true)
}

/** All that a node has said so far. */
function expectAccepted({ effects }: PumpNode): void {
  for (const effect of effects) {
    if (effect.kind === 'send') expectFits(effect.message, FRAME_BYTES_MAX)
    if (effect.kind === 'sync') expectFits(effect.request, FRAME_BYTES_MAX)
    if (effect.kind === 'publish') expectFits(effect.message, GOSSIP_BYTES_MAX)
  }
}

/** What it tells somebody who knows nothing. */
function expectAnswerAccepted({ core, boot }: PumpNode): number {
  let writes = 0
  const request = { kind: 'sync', boot, vector: new Map() } as const
  for (const message of core.answerSync(request)) {
    expectFits(message, FRAME_BYTES_MAX)
    if (message.kind === 'batch') writes += message.writes.length
  }
  return writes
}

/** A node whose disk remembers this many boots that wrote something. */
function withHistory(boots: number, writes = 1): { pump: Pump; node: PumpNode } {
  const disk = new Disk()
  for (let n = 0; n < boots; n++) disk.vector.set(bootOf(nodeName(n)), writes)
  const pump = new Pump()
  return { pump, node: pump.add(bootOf(nodeName(boots), 2), {}, disk) }
}

describe('what a node says is accepted', () => {
  test('when thousands of boots have written; each of them is told of, in heartbeat after heartbeat', () => {
    const boots = 3000
    const { pump, node } = withHistory(boots)
    for (let second = 0; second < 10; second++) pump.pass(1000)
    expectAccepted(node)
    const told = node.sent('heartbeat').map(({ vector }) => vector)
    expect(told.every(vector => vector.size > 300)).toBe(true)
    expect(new Set(told.flatMap(vector => [...vector.keys()])).size).toBe(boots)
  })

  test('when thousands of boots have written, on a new link and in a request, too', () => {
    const { pump, node } = withHistory(10_000)
    const other = pump.add(bootOf(nodeName(-1)))
    pump.link(node, other)
    for (let second = 0; second < 3; second++) pump.pass(1000)
    expectAccepted(node)
    expectAccepted(other)
    expect(other.core.view.mergedVector().size).toBeGreaterThan(9999)
  })

  test('when it has as many handlers and addresses as it may have, and more', () => {
    const { pump, node } = withHistory(2000)
    const bytes = Math.floor(NODE_LIMITS.handlersBytesMax / NODE_LIMITS.handlersMax)
    const handlers = Array.from({ length: NODE_LIMITS.handlersMax }, (_, n) =>
      String(n).padStart(bytes, 'x')
    )
    node.feed({ kind: 'worker', slots: 1, handlers })
    const addresses = Array.from({ length: 100 }, (_, n) => `/ip4/10.0.0.${n}/${'x'.repeat(n * 3)}`)
    node.feed({ kind: 'addresses', addresses })
    pump.pass(1000)
    expectAccepted(node)
    expect(node.sent('heartbeat').at(-1)!.addresses).toHaveLength(NODE_LIMITS.addressesMax)
  })

  test('when a million tasks in a row have been forgotten', () => {
    const { node } = withHistory(1, 1_000_000)
    expect(expectAnswerAccepted(node)).toBe(1_000_000)
  })

  test('under stress: large tasks, thieves, crashes, lost gossip and goodbyes', () => {
    const load = fc.record({
      bytes: fc.array(fc.integer({ min: 4, max: 8192 }), { minLength: 20, maxLength: 300 }),
      dependsOn: fc.integer({ min: 0, max: 60 }),
      slots: fc.integer({ min: 1, max: 100 }),
      loss: fc.boolean()
    })
    fc.assert(
      fc.property(load, ({ bytes, dependsOn, slots, loss }) => {
        const pump = pumpOf([1, 2, 3].map(n => bootOf(nodeName(n))))
        const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
        if (loss) pump.lose = (_from, _to, { kind }) => kind === 'batch'
        const ids = bytes.map(length => a.submit({ payload: `"${'x'.repeat(length - 2)}"` }))
        for (let n = 0; n < 20; n++) a.submit({ dependsOn: ids.slice(0, dependsOn) })
        pump.settle()
        b.worker(slots)
        const started = [...b.running.keys()]
        for (const id of started) {
          b.end(id, { status: 'completed', result: `"${'y'.repeat(8000)}"` })
        }
        for (let i = 0; i < 3; i++) pump.pass(1000)
        pump.crash(b)
        const again = pump.restart(b, bootOf(nodeName(2), 2))
        for (let i = 0; i < 3; i++) pump.pass(1000)
        a.feed({ kind: 'leave', abort: true })
        for (let i = 0; i < 5; i++) pump.pass(1000)
        for (const node of [a, b, c, again]) expectAccepted(node)
        expect(expectAnswerAccepted(c)).toBeGreaterThan(bytes.length)
      }),
      { numRuns: 15 }
    )
  })
})
