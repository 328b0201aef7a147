/** What a record that one node cannot read means for the others, and for the node itself among them. */
import { describe, expect, test } from 'vitest'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { Batch, Message } from '../../../src/core/message.ts'
import type { TaskRecord } from '../../../src/core/task/record.ts'

type Three = { pump: Pump; a: PumpNode; b: PumpNode; c: PumpNode; unread: Set<string> }

/** What is left of news when the records of some tasks cannot be read. */
function torn(message: Message, isRead: (record: TaskRecord) => boolean): Message {
  if (message.kind !== 'batch') return message
  const kept = message.records.filter(isRead)
  const places = message.records.map(record => (isRead(record) ? kept.indexOf(record) : -2))
  const shift = message.records.length - kept.length
  const writes = message.writes.map(write => (write < 0 ? write : (places[write] ?? write - shift)))
  return { ...message, records: kept, writes } satisfies Batch
}

/** Three nodes, of which b cannot read tasks of type `new`. */
function three(options: Parameters<typeof pumpOf>[1] = {}): Three {
  const pump = pumpOf(
    ['a', 'b', 'c'].map(name => bootOf(name)),
    options
  )
  const unread = new Set(['b'])
  pump.read = (to, message) =>
    unread.has(to) ? torn(message, ({ spec }) => spec.type !== 'new') : message
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  for (let i = 0; i < 40; i++) pump.pass(200)
  return { pump, a, b, c, unread }
}

function passing(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += 200) pump.pass(200)
}

function accepted(node: PumpNode): { acks: number; short: boolean } {
  return node.of('accepted').at(-1)!
}

describe('a task that one member cannot read', () => {
  test('counts as kept by those who can only', () => {
    const { pump, a, b } = three()
    const id = a.submit({ type: 'new' }, 2)
    passing(pump, 7000)
    expect(b.core.view.record(id)).toBeUndefined()
    expect(b.core.view.unreadable()).toHaveLength(1)
    expect(accepted(a)).toMatchObject({ acks: 1, short: true })
    const other = a.submit({}, 2)
    passing(pump, 7000)
    expect(b.core.view.record(other)).toBeDefined()
    expect(accepted(a)).toMatchObject({ acks: 2, short: false })
  })

  test('keeps nobody from leaving who could not read it, either', () => {
    const { pump, a, b, c, unread } = three()
    unread.add('c')
    a.submit({ type: 'new' }, 0)
    passing(pump, 1000)
    expect([b, c].map(node => node.core.view.unreadable().length)).toEqual([1, 1])
    pump.crash(a)
    passing(pump, 10_000)
    b.feed({ kind: 'leave', abort: false })
    passing(pump, 5000)
    expect(b.of('left')).toHaveLength(1)
  })

  test('is forgotten by nobody until that member has read it, and by all then', () => {
    const { pump, a, b, c, unread } = three({ retainCompletedMs: 1000 })
    a.worker(1, ['new', 'work'])
    const [strange, plain] = [a.submit({ type: 'new' }), a.submit()]
    pump.settle()
    a.end(strange)
    pump.settle()
    a.end(plain)
    passing(pump, 20_000)
    expect([a, b, c].map(node => node.core.view.record(plain))).toEqual([
      undefined,
      undefined,
      undefined
    ])
    expect([a, c].map(node => node.state(strange))).toEqual(['completed', 'completed'])
    unread.clear()
    pump.crash(b)
    const again = pump.restart(b, bootOf('b', 2), b.options, '0.0.1')
    passing(pump, 40_000)
    expect(again.core.view.unreadable()).toEqual([])
    expect([a, again, c].map(node => node.core.view.taskCount)).toEqual([0, 0, 0])
  })

  test('keeps its author from leaving until somebody else has it', () => {
    const { pump, a, b, c } = three()
    pump.crash(c)
    passing(pump, 1000)
    a.submit({ type: 'new' })
    pump.settle()
    a.feed({ kind: 'leave', abort: false })
    passing(pump, 5000)
    expect(a.of('left')).toEqual([])
    const back = pump.restart(c, bootOf('c', 2))
    passing(pump, 5000)
    expect(a.of('left')).toHaveLength(1)
    expect([back, b].map(node => node.core.view.taskCount)).toEqual([1, 0])
  })

  test('is no dependency that nobody knows, where it cannot be read', () => {
    const { pump, a, b } = three()
    const id = a.submit({ type: 'new' })
    passing(pump, 1000)
    const waiting = b.submit({ dependsOn: [id] })
    passing(pump, 120_000)
    expect(b.state(waiting)).toBe('waiting')
  })

  test('is not given to a thief that has said so', () => {
    const { pump, a, b } = three()
    const id = a.submit({ type: 'new' })
    passing(pump, 2000)
    b.worker(1, ['new'])
    b.feed({ kind: 'tick' })
    a.feed({
      kind: 'message',
      from: 'b',
      message: { kind: 'steal', request: 9, boot: b.boot, want: 1, handlers: ['new'], labels: {} }
    })
    passing(pump, 1000)
    expect(a.record(id).claim).toMatchObject({ epoch: 0, holder: a.boot })
  })

  test('is taken over from a gone holder by one who can read what that wrote', () => {
    for (const node of ['b', 'c']) {
      const { pump, a, b, c } = three()
      a.submit({ type: 'new' })
      const id = a.submit()
      passing(pump, 2000)
      pump.crash(a)
      passing(pump, 20_000)
      for (const each of [b, c]) expect(each.record(id).claim.holder).toBe(c.boot)
      c.worker(node === 'c' ? 1 : 0)
      passing(pump, 5000)
      expect(c.running.has(id)).toBe(node === 'c')
    }
  })
})

describe('what nobody is left to read', () => {
  test('is passed over by a newcomer, and fetched when its author is back', () => {
    const { pump, a, b, c, unread } = three()
    unread.add('c')
    const strange = a.submit({ type: 'new' })
    const plain = a.submit()
    passing(pump, 2000)
    pump.crash(a)
    passing(pump, 2000)
    const d = pump.add(bootOf('d'))
    for (const node of [b, c]) pump.link(d, node)
    passing(pump, 10_000)
    expect(d.core.view.record(plain)).toBeDefined()
    expect(d.core.view.isUnreadable({ origin: a.boot, seq: 1 })).toBe(true)
    pump.restart(a, bootOf('a', 2))
    passing(pump, 10_000)
    expect(d.core.view.record(strange)).toBeDefined()
    expect(d.core.view.unreadable()).toEqual([])
  })

  test('is asked of nobody who could not read it, over and over', () => {
    const { pump, a, b, c } = three()
    pump.link(a, c, false)
    a.submit({ type: 'new' })
    passing(pump, 10_000)
    expect(b.core.view.unreadable()).toHaveLength(1)
    const before = c.of('sync').length
    passing(pump, 60_000)
    expect(c.of('sync').length - before).toBe(0)
    // Whoever could show it has not been heard here.
    expect(c.core.view.isUnreadable({ origin: a.boot, seq: 1 })).toBe(true)
    pump.link(a, c)
    passing(pump, 10_000)
    expect(c.core.view.taskCount).toBe(1)
  })
})
