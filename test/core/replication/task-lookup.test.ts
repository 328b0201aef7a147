/** A task that is not known here is asked of all others before anybody says that there is none. */
import { describe, expect, test } from 'vitest'
import { passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, idOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { CORE_DEFAULTS, FIND_IDS_MAX } from '../../../src/core/options.ts'

const UNKNOWN = idOf(bootOf('z'), 7)
const TICK_MS = 200

/** Three nodes, of which the last one never hears any news of the log. */
function deaf(): { pump: Pump; a: PumpNode; b: PumpNode; c: PumpNode } {
  const pump = pumpOf(['a', 'b', 'c'].map(name => bootOf(name)))
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  pump.lose = (_from, to, { kind }) => to === 'c' && kind === 'batch'
  for (const node of [a, b]) pump.mute.add(node.id)
  return { pump, a, b, c }
}

const find = (node: PumpNode, taskId: string): void => void node.feed({ kind: 'find', taskId })

describe('a node that lacks a task', () => {
  test('has it as soon as somebody who has it was asked', () => {
    const { pump, a, c } = deaf()
    const id = a.submit()
    pump.settle()
    find(c, id)
    expect(c.state(id)).toBe('unknown')
    pump.pass(TICK_MS)
    const created = [...a.record(id).created, { origin: c.boot, seq: 1 }]
    expect(c.record(id)).toEqual({ ...a.record(id), created })
    expect(c.of('found')).toEqual([{ kind: 'found', taskId: id, isForgotten: false }])
  })

  test('learns from it how the task has ended, and reports that', () => {
    const { pump, a, c } = deaf()
    a.worker(1)
    const id = a.submit()
    pump.settle()
    a.end(id)
    pump.settle()
    find(c, id)
    c.feed({ kind: 'watch', taskId: id })
    passing(pump, 2 * TICK_MS)
    expect(c.of('settled')).toEqual([{ kind: 'settled', taskId: id }])
  })

  test('merges its news as ever when they come', () => {
    const { pump, a, b, c } = deaf()
    const id = a.submit()
    pump.settle()
    find(c, id)
    pump.pass(TICK_MS)
    pump.lose = () => false
    pump.mute.clear()
    b.worker(1)
    pump.settle()
    b.end(id)
    passing(pump, 2000)
    expect(c.state(id)).toBe('completed')
    expect(c.core.view.mergedVector()).toEqual(a.core.view.mergedVector())
  })

  test('says that nobody knows it when all have said so, and not before', () => {
    const { pump, b, c } = deaf()
    pump.lose = (from, _to, { kind }) => from === 'b' && kind === 'found'
    find(c, UNKNOWN)
    pump.pass(TICK_MS)
    expect(c.of('found')).toEqual([])
    pump.link(b, c, false)
    pump.pass(TICK_MS)
    expect(c.of('found')).toEqual([{ kind: 'found', taskId: UNKNOWN, isForgotten: false }])
  })

  test('waits for an answer that does not come for a second', () => {
    const { pump, c } = deaf()
    pump.lose = (_from, _to, { kind }) => kind === 'found'
    find(c, UNKNOWN)
    passing(pump, CORE_DEFAULTS.findMs - TICK_MS)
    expect(c.of('found')).toEqual([])
    pump.pass(TICK_MS)
    expect(c.of('found')).toHaveLength(1)
  })

  test('asks a node that it meets meanwhile, too', () => {
    const { pump, a, b, c } = deaf()
    for (const other of [a, b]) pump.link(other, c, false)
    const id = a.submit()
    pump.settle()
    find(c, id)
    passing(pump, 2 * TICK_MS)
    pump.link(a, c)
    pump.pass(TICK_MS)
    expect(c.record(id)).toEqual(a.record(id))
  })

  test('is told that it has settled and been forgotten, though it never had it', () => {
    const { pump, a, b, c } = deaf()
    pump.link(a, c, false)
    pump.link(b, c, false)
    a.worker(1)
    const id = a.submit({ retentionMs: 0 })
    pump.settle()
    a.end(id)
    pump.settle()
    a.feed({ kind: 'forget', name: 'test/c', node: 'c' })
    passing(pump, 3000)
    expect(a.state(id)).toBe('unknown')
    pump.link(a, c)
    find(c, id)
    pump.pass(TICK_MS)
    expect(c.of('found')).toEqual([{ kind: 'found', taskId: id, isForgotten: true }])
  })
})

test('many questions are a few messages, asked once and answered as whole as they were put', () => {
  const { pump, a, c } = deaf()
  const count = FIND_IDS_MAX + 10
  const ids = Array.from({ length: count }, () => a.submit({ payload: `"${'x'.repeat(8000)}"` }))
  pump.settle()
  for (const id of ids) for (let i = 0; i < 2; i++) find(c, id)
  pump.pass(TICK_MS)
  expect(ids.filter(id => c.state(id) === 'queued')).toHaveLength(count)
  expect(c.sent('find').map(message => message.ids.length)).toEqual([FIND_IDS_MAX, 10, 256, 10])
  const found = a.sent('found')
  expect(found.length).toBeGreaterThan(2)
  expect(found.flatMap(message => message.ids)).toEqual(ids)
})

test('a task that nobody here has asked for is not taken in', () => {
  const { pump, a, c } = deaf()
  const id = a.submit()
  pump.settle()
  const records = [a.record(id)]
  const found = { kind: 'found', boot: a.boot, ids: [id], records, forgotten: [] } as const
  c.feed({ kind: 'message', from: 'a', message: found })
  expect(c.state(id)).toBe('unknown')
})
