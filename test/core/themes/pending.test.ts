/** What a core waits for is data: it can be printed and asked for, and nothing is waited for that has happened. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cluster, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { Message } from '../../../src/core/message.ts'
import { newsOf } from '../../../src/core/replication/snapshot.ts'
import type { TaskRecord } from '../../../src/core/task/record.ts'

const once = { delivery: 'at-most-once' } as const
const keyed = { idempotencyKey: 'k' } as const
const BLOB = { hash: 'b'.repeat(64), bytes: 100_000 }
const MINUTE_MS = 60_000

function nodes(count: number): { pump: ReturnType<typeof cluster>; a: PumpNode; b: PumpNode } {
  const pump = cluster(count)
  const [a, b] = pump.of as [PumpNode, PumpNode]
  return { pump, a, b }
}

/** All that a node waits for, each as `what on what`. */
function waits({ core }: PumpNode): string[] {
  return Array.from(core.view.pending(), ({ pending, until }) => `${pending.kind} on ${until.on}`)
}

describe('what is waited for says what is to be done, and what has to happen first', () => {
  test('a submission that is on no other disk yet', () => {
    const { pump, a, b } = nodes(2)
    b.holdDisk = true
    const id = a.submit({}, 1)
    pump.settle()
    const { created: writes } = a.record(id)
    expect([...a.core.view.pending(id)]).toMatchObject([
      {
        pending: { kind: 'accept', taskId: id, input: { acks: 1 } },
        until: { on: 'copies', writes, acks: 1 }
      }
    ])
    b.releaseDisk()
    pump.settle()
    expect(waits(a)).toEqual([])
  })

  test('one under a key that others have not confirmed, and its claim', () => {
    const { pump, a, b } = nodes(3)
    pump.of[2]!.holdDisk = true
    const id = a.submit(keyed, 0)
    pump.settle()
    expect(a.waitsFor(id).toSorted()).toEqual(['accept on confirmation', 'claim on confirmation'])
    b.submit(keyed, 2)
    pump.settle()
    expect(b.waitsFor(id)).toContain('recognise on copies')
  })

  test('one whose payload, and a run whose result, is on no other disk yet', () => {
    const { pump, a, b } = nodes(2)
    a.worker(1)
    const id = a.submit()
    pump.settle()
    b.isFull = true
    a.submitBlob(BLOB)
    pump.settle()
    expect(waits(a)).toEqual(['create on blob copies'])
    a.endWith(id, { ...BLOB, hash: 'c'.repeat(64) })
    pump.settle()
    expect(a.waitsFor(id)).toEqual(['settle on blob copies'])
  })

  test('an outcome that is on no other disk yet', () => {
    const { pump, a, b } = nodes(2)
    a.worker(1)
    const id = a.submit()
    pump.settle()
    b.holdDisk = true
    a.end(id)
    pump.settle()
    expect(a.waitsFor(id)).toEqual(['report on copies'])
  })

  test('a start that no other node knows of', () => {
    const { pump, a, b } = nodes(2)
    a.worker(1)
    b.holdDisk = true
    const id = a.submit(once, 0)
    pump.settle()
    expect(a.waitsFor(id)).toEqual(['start on copies'])
    expect([...a.core.view.pending(id)]).toMatchObject([
      { pending: { kind: 'start', epoch: 0, mustBeKnown: true } }
    ])
    a.cancel(id)
    expect(a.waitsFor(id)).not.toContain('start on copies')
  })

  test('what is to be told once it is on our own disk', () => {
    const { pump, a, b } = nodes(2)
    const ids = [a.submit(), a.submit()]
    pump.settle()
    const [news] = newsOf(b.core.view.replica())
    a.holdDisk = true
    a.submit()
    const tell = (message: Message): void => void a.feed({ kind: 'message', from: b.id, message })
    const { handlers, labels } = { handlers: ['work'], labels: {} }
    tell({ kind: 'steal', request: 3, boot: b.boot, want: 2, handlers, labels })
    tell({ kind: 'find', boot: b.boot, ids })
    tell({ kind: 'goodbye', boot: b.boot, upTo: 0 })
    a.feed({ kind: 'load', request: 7, news: news! })
    const told = [...a.core.view.pending()].filter(({ until }) => until.on === 'flush')
    expect(told.map(({ pending }) => pending)).toEqual([
      { kind: 'grant', to: b.id, request: 3, taskIds: ids },
      { kind: 'answer', to: b.id, taskIds: ids },
      { kind: 'farewell', to: b.id, boot: b.boot },
      { kind: 'load', request: 7 }
    ])
    a.releaseDisk()
    pump.settle()
    expect(a.sent('farewell')).toEqual([{ kind: 'farewell', boot: b.boot }])
  })

  test('what members are asked', () => {
    const { pump, a, b } = nodes(2)
    const id = a.submit()
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'found'
    const unknown = `${id.slice(0, -1)}f`
    a.feed({ kind: 'find', taskId: unknown })
    expect([...a.core.view.pending(unknown)]).toEqual([
      { pending: { kind: 'find', taskId: unknown }, until: { on: 'answers', of: null } }
    ])
    pump.pass(200)
    expect([...a.core.view.pending(unknown)]).toMatchObject([{ until: { of: [b.id] } }])
  })

  test('what a task reads', () => {
    const { pump, a, b } = nodes(2)
    a.isFull = true
    b.submitBlob(BLOB, 0)
    pump.settle()
    a.worker(1)
    const [{ spec }] = [...a.core.view.records()] as [TaskRecord]
    const waiting = [...a.core.view.pending(spec.id)]
    expect(waiting).toMatchObject([
      { pending: { kind: 'stage', taskId: spec.id }, until: { on: 'blobs', hashes: [BLOB.hash] } }
    ])
    expect(b.waitsFor(spec.id)).toEqual([])
  })
})

type Deed = Readonly<{ what: string; node: number; other: number }>

const DEEDS: Readonly<Record<string, (node: PumpNode, other: PumpNode, pump: Pump) => void>> = {
  submit: node => void node.submit(),
  'submit to two disks': node => void node.submit({}, 2),
  'submit at most once': node => void node.submit(once),
  'submit under a key': node => void node.submit(keyed),
  'submit a blob': node => node.submitBlob(BLOB),
  work: node => node.worker(2),
  end: node => [...node.running.keys()].slice(0, 1).forEach(id => node.end(id)),
  'end with a blob': node =>
    [...node.running.keys()].slice(0, 1).forEach(id => node.endWith(id, BLOB)),
  cancel: node =>
    [...node.core.view.records()].slice(0, 1).forEach(({ spec }) => node.cancel(spec.id)),
  find: node => void node.feed({ kind: 'find', taskId: bootOf('x') }),
  'hold its disk': node => void (node.holdDisk = true),
  'release its disk': node => node.releaseDisk(),
  unlink: (node, other, pump) => node !== other && pump.link(node, other, false),
  'let time pass': (_node, _other, pump) => pump.pass(200),
  'let all arrive': (_node, _other, pump) => pump.settle()
}

const deeds: fc.Arbitrary<Deed[]> = fc.array(
  fc.record({
    what: fc.constantFrom(...Object.keys(DEEDS)),
    node: fc.nat({ max: 2 }),
    other: fc.nat({ max: 2 })
  }),
  { minLength: 1, maxLength: 25 }
)

/** Everybody reaches everybody again, all disks answer, and what runs ends. */
function mend(pump: Pump): void {
  for (const node of pump.nodes) node.releaseDisk()
  for (const [i, node] of pump.nodes.entries()) {
    for (const other of pump.nodes.slice(i + 1))
      if (!node.links.has(other.id)) pump.link(node, other)
    node.worker(2)
  }
  for (let i = 0; i < 5; i++) {
    passing(pump, MINUTE_MS / 5)
    for (const node of pump.nodes) for (const id of node.running.keys()) node.end(id)
  }
  passing(pump, MINUTE_MS / 5)
}

describe('whatever happens', () => {
  test('what is waited for is plain data, and once all is well nothing is waited for', () => {
    fc.assert(
      fc.property(deeds, all => {
        const pump = pumpOf(['a', 'b', 'c'].map(name => bootOf(name)))
        for (const { what, node, other } of all) {
          DEEDS[what]!(pump.nodes[node]!, pump.nodes[other]!, pump)
          for (const { core } of pump.nodes) {
            const waiting = [...core.view.pending()]
            expect(structuredClone(waiting)).toEqual(waiting)
            expect(JSON.parse(JSON.stringify(waiting))).toEqual(waiting)
          }
        }
        mend(pump)
        expect(pump.nodes.map(waits)).toEqual([[], [], []])
      }),
      { numRuns: 60 }
    )
  })
})
