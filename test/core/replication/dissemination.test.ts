/** Whom a node tells what it has written, and when. */
import { describe, expect, test } from 'vitest'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import type { Batch } from '../../../src/core/message.ts'
import { announce } from '../../support/crashes.ts'
import { bootOf } from '../../support/tasks.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'

const { gatherMs, gatherBusyMs, gatherWorkMs, tickMs: TICK_MS } = CORE_DEFAULTS
/** When a version may still tell what it has told in its heartbeat: twice the 250 ms that news are gathered for at most. */
const LATEST_MS = 500
/** Later than that and a tick of whoever waits. */
const SYNC_MS = 800

/** Three linked nodes that are up for a while and have nothing to tell; the first one runs tasks. */
function three(): { pump: Pump; a: PumpNode; b: PumpNode; c: PumpNode } {
  const pump = pumpOf(['a', 'b', 'c'].map(id => bootOf(id)))
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  a.worker(1)
  pump.pass(CORE_DEFAULTS.bootQuietMs)
  pump.sleepy = true
  return { pump, a, b, c }
}

/** News of the log that a node has sent to all. */
function toAll(node: PumpNode): Batch[] {
  return node.of('publish').flatMap(({ message }) => (message.kind === 'batch' ? [message] : []))
}

/** News of the log that a node has sent to another. */
function straight(node: PumpNode, to: PumpNode): Batch[] {
  return node
    .of('send')
    .flatMap(({ message, to: id }) => (message.kind === 'batch' && id === to.id ? [message] : []))
}

describe('news', () => {
  test('of work that others could do go to all at once after a silence, and are gathered after that', () => {
    const { pump, a } = three()
    a.submit()
    a.submit()
    pump.settle()
    expect(toAll(a)).toHaveLength(1)
    a.submit()
    a.submit()
    pump.settle()
    expect(toAll(a)).toHaveLength(1)
    pump.pass(gatherWorkMs)
    expect(toAll(a)).toHaveLength(2)
    expect(toAll(a)[1]!.writes).toHaveLength(2)
  })

  test('are told when their time has come, whether or not anything else happens', () => {
    const { pump, a, b, c } = three()
    pump.sleepy = false
    const ids = [1, 2, 3].map(() => a.submit())
    pump.settle()
    for (const node of [b, c]) {
      expect(ids.map(id => node.state(id))).toEqual(['running', 'queued', 'queued'])
    }
  })

  test('that are many are told at once', () => {
    const { pump, a } = three()
    a.submit()
    pump.settle()
    a.holdDisk = true
    for (let i = 0; i < 100; i++) a.submit()
    a.releaseDisk()
    pump.settle()
    expect(toAll(a).flatMap(({ records }) => records)).toHaveLength(101)
  })

  test('of how work goes are gathered for longer, and for longest while others are told much', () => {
    const { pump, a } = three()
    const id = a.submit()
    pump.settle()
    pump.pass(gatherMs - 1)
    expect(toAll(a)).toHaveLength(0)
    pump.pass(1)
    expect(toAll(a)).toHaveLength(1)
    a.end(id)
    pump.settle()
    pump.pass(gatherBusyMs - 1)
    expect(toAll(a)).toHaveLength(1)
    pump.pass(1)
    expect(toAll(a)).toHaveLength(2)
  })

  test('are told to all at once when a member is gone: whoever takes over its work may not have heard of it', () => {
    const { pump, a, b, c } = three()
    for (const node of pump.nodes) announce(pump, node)
    const id = a.submit()
    pump.settle()
    expect(toAll(a)).toHaveLength(0)
    const witness = straight(a, b).length > 0 ? b : c
    const other = witness === b ? c : b
    pump.crash(witness)
    pump.settle()
    expect(toAll(a)).toHaveLength(1)
    expect(other.state(id)).toBe('running')
  })

  test.each([
    ['a cancellation', (b: PumpNode, id: string) => b.cancel(id)],
    ['a submission under a key', (b: PumpNode) => b.submit({ idempotencyKey: 'once' })]
  ])('that others wait for are told at once: %s', (_what, act) => {
    const { pump, a, b } = three()
    const id = a.submit({ type: 'nobody runs this' })
    b.submit({ type: 'nobody runs this' })
    pump.settle()
    const before = toAll(b).length
    act(b, id)
    pump.settle()
    expect(toAll(b)).toHaveLength(before + 1)
  })

  test.each([
    ['waited for', LATEST_MS, 0],
    ['fetched', SYNC_MS, 1]
  ])('that a heartbeat told of are %s if they come %i ms later', (_what, lateMs, syncs) => {
    const { pump, a, b } = three()
    pump.lose = (_from, _to, { kind }) => kind === 'batch'
    a.submit()
    a.submit()
    pump.pass(0)
    const late = toAll(a)
    pump.pass(CORE_DEFAULTS.heartbeatMs)
    pump.pass(0)
    for (let passed = TICK_MS; passed < lateMs; passed += TICK_MS) pump.pass(TICK_MS)
    for (const message of late) b.feed({ kind: 'message', from: a.id, message })
    pump.pass(TICK_MS)
    pump.pass(TICK_MS)
    expect(b.of('sync')).toHaveLength(syncs)
  })

  test('of what another node made are told whole for a moment: others may not have heard of it', () => {
    const { pump, a, b } = three()
    a.submit()
    const id = a.submit()
    pump.settle()
    b.worker(1)
    expect(b.running.has(id)).toBe(true)
    pump.pass(CORE_DEFAULTS.lazyFlushMs)
    pump.pass(gatherMs)
    const [first, ...more] = toAll(b)
    expect(first!.records.map(({ spec }) => spec.id)).toContain(id)
    expect(more).toEqual([])
    pump.pass(LATEST_MS)
    b.end(id)
    pump.settle()
    pump.pass(gatherMs)
    const last = toAll(b).at(-1)!
    expect(last.records).toEqual([])
    expect(last.changes).toHaveLength(1)
  })

  test('are not told early by a step that was asked for what has been told since', () => {
    const { pump, a } = three()
    a.worker(0)
    a.submit()
    a.submit()
    pump.settle()
    const told = toAll(a).length
    a.submit()
    pump.pass(1)
    a.feed({ kind: 'wake' })
    pump.settle()
    expect(toAll(a)).toHaveLength(told)
    pump.pass(gatherBusyMs)
    expect(toAll(a)).toHaveLength(told + 1)
  })

  test('are told before a goodbye', () => {
    const { pump, a, b, c } = three()
    const id = a.submit()
    pump.settle()
    a.end(id)
    pump.settle()
    a.feed({ kind: 'leave', abort: false })
    pump.settle()
    expect(a.of('left')).toHaveLength(1)
    for (const node of [b, c]) {
      expect(node.state(id)).toBe('completed')
      expect(node.of('sync')).toEqual([])
    }
  })
})

describe('straight to its reader goes', () => {
  test('all that is written, if that is one member, which acknowledges it', () => {
    const { pump, a, b, c } = three()
    for (let i = 0; i < 3; i++) {
      a.submit()
      pump.settle()
    }
    const [told, other] = straight(a, b).length > 0 ? [b, c] : [c, b]
    expect(straight(a, told)).toHaveLength(3)
    expect(straight(a, other)).toEqual([])
    expect(a.of('accepted').map(({ acks }) => acks)).toEqual([1, 1, 1])
    expect(toAll(a)).toHaveLength(1)
  })

  test('the outcome of a task, to where it was submitted', () => {
    const { pump, a, b, c } = three()
    const first = a.submit()
    const id = a.submit()
    pump.settle()
    b.worker(1)
    c.worker(1)
    pump.pass(gatherWorkMs)
    pump.pass(gatherWorkMs)
    const [runner, other] = b.running.has(id) ? [b, c] : [c, b]
    const before = [toAll(runner).length, straight(runner, other).length]
    runner.end(id)
    pump.settle()
    expect(a.state(id)).toBe('completed')
    expect(a.state(first)).toBe('running')
    expect([toAll(runner).length, straight(runner, other).length]).toEqual(before)
  })

  test('what somebody begins to wait for later', () => {
    const { pump, a, b, c } = three()
    const id = a.submit()
    pump.settle()
    a.end(id)
    pump.settle()
    expect(a.of('settled')).toEqual([])
    const before = straight(a, b).length + straight(a, c).length
    a.feed({ kind: 'watch', taskId: id })
    pump.settle()
    expect(a.of('settled')).toHaveLength(1)
    expect(straight(a, b).length + straight(a, c).length).toBe(before + 1)
  })

  test('nothing that would look like a gap there: then all are told', () => {
    const { pump, a, b, c } = three()
    a.submit()
    pump.settle()
    // Whatever was under way on a link that breaks may be lost.
    pump.lose = (_from, _to, { kind }) => kind === 'batch' || kind === 'ack'
    for (let i = 0; i < 40; i++) {
      a.submit()
      pump.settle()
    }
    for (const node of [b, c]) {
      pump.link(a, node, false)
      pump.link(a, node)
    }
    const before = [b, c].map(node => straight(a, node).length)
    pump.lose = (_from, _to, { kind }) => kind === 'ack'
    const gossip = toAll(a).length
    a.submit()
    pump.settle()
    expect([b, c].map(node => straight(a, node).length)).toEqual(before)
    expect(toAll(a)).toHaveLength(gossip + 1)
  })
})
