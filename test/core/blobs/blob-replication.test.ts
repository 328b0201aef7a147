/** What becomes of blobs: two places before anybody is told, the holders' share, and nothing left behind. */
import { beforeEach, describe, expect, test } from 'vitest'
import { holdersOf } from '../../../src/core/blobs/holders.ts'
import { CORE_DEFAULTS, type CoreOptions } from '../../../src/core/options.ts'
import type { BlobRef } from '../../../src/core/task/content.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, keepersOf } from '../../support/tasks.ts'

const BOOTS = ['a', 'b', 'c', 'd', 'e'].map(node => bootOf(node))
const { blobBalanceMs, blobLostMs, blobRetryMs, blobSpareMs, blobOrphanMs, acksTimeoutMs } =
  CORE_DEFAULTS

let pump: Pump
let nodes: PumpNode[]

beforeEach(() => begin(5))

/** A cluster that has had time to look round. */
function begin(count: number, options: Partial<CoreOptions> = {}): void {
  pump = pumpOf(BOOTS.slice(0, count), options)
  nodes = [...pump.nodes]
  // Where they can be probed: so a crash is noticed at once.
  for (const node of nodes) node.feed({ kind: 'addresses', addresses: [node.boot] })
  pump.pass(1)
  pump.pass(blobBalanceMs)
}

/** A blob that these nodes are to keep, the first in line first. */
function blobFor(...wanted: PumpNode[]): BlobRef {
  for (let i = 0; ; i++) {
    const hash = i.toString(16).padStart(64, '0')
    const holders = holdersOf(hash, keepersOf(pump.alive().map(({ id }) => id)))
    if (wanted.every(({ id }, place) => holders[place] === id)) return { hash, bytes: 20_000 }
  }
}

function keepers(blob: BlobRef): string[] {
  return pump
    .alive()
    .filter(node => node.has(blob))
    .map(({ id }) => id)
}

/** Time in the steps that a real node takes. */
function wait(ms: number): void {
  for (let passed = 0; passed < ms; passed += 500) pump.pass(500)
}

function names(node: PumpNode): string[] {
  return [...node.core.view.records()].map(({ spec }) => spec.id)
}

describe('a submission with a large payload', () => {
  test('is written down and accepted only when another node has the payload on disk', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.submitBlob(blob)
    pump.settle()
    expect([names(a), a.of('accepted')]).toEqual([[], []])
    expect(keepers(blob)).toEqual(['a', 'b', 'c'])
    pump.lose = () => false
    wait(blobRetryMs)
    expect(a.of('accepted')).toMatchObject([{ acks: 1, short: false }])
    expect(names(c)).toEqual(names(a))
  })

  test('is accepted without that when nobody takes it in time, and says so', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    pump.lose = (_from, _to, { kind }) => kind === 'offer'
    a.submitBlob(blobFor(b, c))
    wait(acksTimeoutMs - 1000)
    expect(a.of('accepted')).toEqual([])
    wait(2000)
    expect(a.of('accepted')).toMatchObject([{ acks: 0, short: true }])
  })

  test('is accepted at once by a node alone, which says that it has the only copy', () => {
    begin(1)
    const [a] = nodes as [PumpNode]
    a.submitBlob({ hash: '1'.repeat(64), bytes: 20_000 })
    pump.settle()
    expect(a.of('accepted')).toMatchObject([{ acks: 0, short: true }])
  })

  test('is not accepted for the copy of a node that has crashed since', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    pump.lose = (from, _to, { kind }) => kind === 'kept' && from !== b.id
    a.submitBlob(blob)
    pump.settle()
    expect(a.of('accepted')).toMatchObject([{ acks: 1 }])
    pump.crash(b)
    wait(1000)
    a.submitBlob(blob)
    pump.settle()
    expect(a.of('accepted')).toHaveLength(1)
    pump.lose = () => false
    wait(2 * blobRetryMs)
    expect(a.of('accepted')).toHaveLength(2)
  })

  test('is accepted at once if no copies are asked for', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    pump.lose = (_from, _to, { kind }) => kind === 'offer'
    a.submitBlob(blobFor(b, c), 0)
    pump.settle()
    expect(a.of('accepted')).toMatchObject([{ short: false }])
  })
})

describe('a task with a large payload', () => {
  test('starts only when the payload is here, and its slot is taken meanwhile', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    d.worker(1)
    const [id] = names(d)
    expect(d.of('fetch-blob')).toMatchObject([{ ref: blob }])
    expect(d.running.get(id!)!.payload).toEqual(blob)
    expect(d.effects.findIndex(({ kind }) => kind === 'fetch-blob')).toBeLessThan(
      d.effects.findIndex(({ kind }) => kind === 'start')
    )
  })

  test('that is nowhere leaves its slot to others, and starts when it can be had again', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    for (const node of [a, b, c]) node.disk.blobs.delete(blob.hash)
    d.worker(1)
    const [large] = names(d)
    expect(d.running.size).toBe(0)
    const small = a.submit()
    pump.settle()
    wait(1000)
    expect([...d.running.keys()]).toEqual([small])
    d.end(small)
    b.disk.blobs.set(blob.hash, blob)
    wait(2 * blobRetryMs)
    expect([...d.running.keys()]).toEqual([large])
  })

  test('leaves its slot to others where nobody is left to be asked, and starts when somebody comes', () => {
    const [a, b, c, d, e] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode, PumpNode]
    a.submitBlob(blobFor(b, c))
    pump.settle()
    pump.crash(a, b, c, e)
    d.worker(1)
    wait(2000)
    const [large] = names(d)
    expect(d.record(large!).claim.holder).toBe(d.boot)
    const small = d.submit()
    wait(blobRetryMs)
    expect([...d.running.keys()]).toEqual([small])
    d.end(small)
    pump.restart(b, bootOf('b', 2))
    wait(2 * blobRetryMs)
    expect([...d.running.keys()]).toEqual([large])
  })

  test('that is on no disk any more fails, once everybody has been asked for a while', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    for (const node of [a, b, c]) node.disk.blobs.delete(blob.hash)
    d.worker(1)
    const [id] = names(d)
    wait(blobLostMs - blobRetryMs)
    expect(d.state(id!)).toBe('queued')
    wait(2 * blobRetryMs)
    expect(a.record(id!).outcome).toMatchObject({ status: 'failed', reason: 'PayloadLost' })
    expect(a.record(id!).outcome!.error!.message).toContain(blob.hash)
    expect(d.of('start')).toEqual([])
  })

  test('that is given away and comes back is asked for anew, for as long as at first', () => {
    const [a, b, c, d, e] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    for (const node of [a, b, c]) node.disk.blobs.delete(blob.hash)
    d.worker(1)
    const [id] = names(d)
    d.worker(0)
    wait(blobRetryMs)
    e.worker(1)
    wait(blobLostMs / 2)
    expect(d.record(id!).claim.holder).toBe(e.boot)
    e.worker(0)
    wait(blobLostMs / 2)
    d.worker(1)
    wait(blobLostMs - blobRetryMs)
    expect(d.record(id!).claim.holder).toBe(d.boot)
    expect(d.state(id!)).toBe('queued')
    wait(2 * blobRetryMs)
    expect(d.record(id!).outcome).toMatchObject({ status: 'failed', reason: 'PayloadLost' })
  })

  test('waits for as long as somebody who may have it is away', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    for (const node of [a, c]) node.disk.blobs.delete(blob.hash)
    pump.crash(b)
    d.worker(1)
    wait(3 * blobLostMs)
    const [id] = names(d)
    expect(d.state(id!)).toBe('queued')
    pump.restart(b, bootOf('b', 2))
    wait(2 * blobRetryMs)
    expect([...d.running.keys()]).toEqual([id])
  })

  test('waits for as long as there is no room for it here, and is not lost', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    a.submitBlob(blobFor(b, c))
    wait(blobSpareMs)
    d.isFull = true
    d.worker(1)
    wait(3 * blobLostMs)
    expect([d.running.size, d.core.view.record(names(d)[0]!)?.outcome]).toEqual([0, null])
    d.isFull = false
    wait(2 * blobRetryMs)
    expect(d.running.size).toBe(1)
  })

  test('whose claim is lost while it is fetched does not start', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    for (const node of [b, c]) node.disk.blobs.delete(blob.hash)
    a.disk.blobs.delete(blob.hash)
    d.worker(1)
    d.feed({ kind: 'leave', abort: true })
    pump.settle()
    wait(1000)
    expect(d.of('start')).toEqual([])
    expect(d.of('left')).toHaveLength(1)
  })
})

describe('a large result', () => {
  test('is reported only when another node has it on disk', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit()
    pump.settle()
    const blob = blobFor(b, c)
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.endWith(id, blob)
    pump.settle()
    expect([a.state(id), a.of('settled')]).toEqual(['running', []])
    pump.lose = () => false
    wait(blobRetryMs)
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
    expect(b.record(id).outcome!.result).toEqual(blob)
  })

  test('of a node that was alone when it was written is reported once it is with somebody who has come', () => {
    begin(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit()
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.endWith(id, blobFor(b))
    pump.crash(b)
    a.holdDisk = true
    wait(1500)
    expect(a.state(id)).toBe('completed')
    pump.restart(b, bootOf('b', 2))
    a.releaseDisk()
    wait(blobRetryMs)
    expect(a.of('settled')).toEqual([])
    pump.lose = () => false
    wait(blobRetryMs)
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
  })

  test('that nobody has taken in time is reported before its task is forgotten', () => {
    begin(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit({ retentionMs: 0 })
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.endWith(id, blobFor(b))
    for (let ms = 0; ms < 4 * acksTimeoutMs && a.of('settled').length === 0; ms += 200) {
      pump.pass(200)
    }
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
    expect(a.state(id)).toBe('completed')
    wait(2000)
    expect(a.state(id)).toBe('unknown')
  })

  test('finds its second place on a node that drains, where there is no other', () => {
    begin(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit()
    b.feed({ kind: 'drain', node: b.id })
    pump.settle()
    const blob = blobFor(b)
    a.endWith(id, blob)
    pump.settle()
    expect(keepers(blob)).toEqual(['a', 'b'])
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
  })

  test('of a run that was superseded while it was passed on is not the outcome', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit()
    pump.settle()
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.endWith(id, blobFor(b, c))
    a.feed({ kind: 'leave', abort: true })
    pump.lose = () => false
    wait(blobRetryMs)
    expect(b.record(id).outcome).toBeNull()
    expect(b.record(id).claim.holder).not.toBe(a.boot)
  })
})

describe('copies', () => {
  test('come to both holders, and the writer keeps its own until both have confirmed', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    pump.lose = (from, _to, { kind }) => kind === 'kept' && from === c.id
    a.submitBlob(blob)
    wait(blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['a', 'b', 'c'])
    pump.lose = () => false
    wait(blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['b', 'c'])
  })

  test('are not believed to be where a boot had them that has ended', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    pump.lose = (from, _to, { kind }) => kind === 'kept' && from === c.id
    a.submitBlob(blob)
    wait(2000)
    pump.crash(b)
    b.disk.blobs.clear()
    pump.lose = (from, _to, { kind }) => kind === 'kept' && from === b.id
    pump.restart(b, bootOf('b', 2))
    wait(blobSpareMs + 5000)
    expect(a.has(blob)).toBe(true)
    pump.lose = () => false
    wait(blobSpareMs + 5000)
    expect(keepers(blob).sort()).toEqual(['b', 'c'])
  })

  test('are fetched again by a holder that finds its own damaged', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    wait(blobSpareMs + 5000)
    b.disk.blobs.clear()
    b.feed({ kind: 'blob-missing', hash: blob.hash })
    wait(1000)
    expect(keepers(blob)).toEqual(['b', 'c'])
  })

  test('that are missing without being needed are not looked for', () => {
    const [a, b] = nodes as [PumpNode, PumpNode]
    const fetches = (): number => b.of('fetch-blob').length
    const before = fetches()
    b.feed({ kind: 'blob-missing', hash: blobFor(b, a).hash })
    wait(1000)
    expect(fetches()).toBe(before)
  })

  test('stay with the node that reads them for as long as it does', () => {
    const [a, b, c, d] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    pump.settle()
    d.worker(1)
    wait(blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['b', 'c', 'd'])
    d.end(names(d)[0]!)
    wait(blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['b', 'c'])
  })

  test('come to the next in line when a holder has crashed, and when a holder has left', () => {
    const [a, b, c, d, e] = nodes as [PumpNode, PumpNode, PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    wait(blobSpareMs + 5000)
    pump.crash(b)
    wait(10_000)
    const heirs = keepers(blob)
    expect(heirs).toHaveLength(2)
    expect(heirs).toContain('c')
    c.feed({ kind: 'leave', abort: false })
    wait(10_000)
    expect(c.of('left')).toHaveLength(1)
    const left = [a, d, e].filter(node => node.has(blob))
    expect(left).toHaveLength(2)
  })

  test('are with others before a node that leaves alone has them says goodbye', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(a, b)
    a.submitBlob(blob)
    wait(2000)
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.feed({ kind: 'leave', abort: false })
    wait(3000)
    expect(a.of('left')).toEqual([])
    pump.lose = () => false
    wait(3000)
    expect(a.of('left')).toHaveLength(1)
    expect([b, c].filter(node => node.has(blob)).length).toBeGreaterThan(0)
  })

  test('are brought to one that had them as their writer and has let go of them, before both holders have left', () => {
    begin(3)
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    wait(blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['b', 'c'])
    for (const node of [b, c]) node.feed({ kind: 'leave', abort: false })
    wait(10_000)
    expect([b, c].map(node => node.of('left').length)).toEqual([1, 1])
    expect(a.has(blob)).toBe(true)
  })

  test('stay with whoever was asked for them by a holder that is about to leave', () => {
    begin(3, { blobSpareMs: 500 })
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    b.worker(1, ['slow'])
    b.submit({ type: 'slow' })
    a.submitBlob(blob)
    wait(1500)
    expect(keepers(blob)).toEqual(['b', 'c'])
    b.feed({ kind: 'leave', abort: false })
    for (let passed = 0; passed < 2 * blobBalanceMs; passed += 500) {
      pump.pass(500)
      expect(keepers(blob)).toEqual(expect.arrayContaining(['a', 'c']))
    }
  })

  test('stay with a node that is to go where one other stays, until two others have them', () => {
    begin(2)
    const [a, b] = nodes as [PumpNode, PumpNode]
    const blob = blobFor(a, b)
    a.submitBlob(blob)
    pump.settle()
    a.worker(1, ['slow'])
    a.submit({ type: 'slow' })
    pump.settle()
    a.feed({ kind: 'leave', abort: false })
    wait(blobBalanceMs + blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['a', 'b'])
    const c = pump.add(BOOTS[2]!)
    for (const other of [a, b]) pump.link(c, other)
    c.feed({ kind: 'addresses', addresses: [c.boot] })
    wait(2 * blobBalanceMs + blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(['b', 'c'])
  })

  test('move to a newcomer that is first in line, and only then leave the one it relieves', () => {
    begin(4)
    const e = pump.add(BOOTS[4]!)
    const blob = blobFor(e, nodes[0]!)
    e.gone = true
    pump.nodes.pop()
    const before = holdersOf(blob.hash, keepersOf(['a', 'b', 'c', 'd']))
    nodes[3]!.submitBlob(blob)
    wait(blobSpareMs + 5000)
    expect(keepers(blob)).toEqual(before.sort())
    const late = pump.restart(e, bootOf('e', 2))
    wait(blobSpareMs + 10_000)
    expect(late.has(blob)).toBe(true)
    expect(keepers(blob)).toEqual(['a', 'e'])
  })

  test('stay with a node that keeps their task for another which depends on it, while the holders have forgotten it', () => {
    begin(3)
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    a.worker(1)
    const needed = a.submit({ retentionMs: 3000 })
    pump.settle()
    const blob = blobFor(b, c)
    a.endWith(needed, blob)
    wait(2500)
    // Only these look what is past its time.
    for (let passed = 0; passed < 3000; passed += 500) {
      pump.now += 500
      for (const node of [b, c]) node.feed({ kind: 'tick' })
      pump.settle()
    }
    expect([a, b, c].map(node => node.state(needed))).toEqual(['completed', 'unknown', 'unknown'])
    a.worker(0)
    const taskId = a.submit({ dependsOn: [needed] })
    wait(blobOrphanMs + blobSpareMs)
    expect(keepers(blob)).toEqual(['a'])
    a.worker(1)
    a.end(taskId)
    wait(blobOrphanMs + blobSpareMs)
    expect(keepers(blob)).toEqual([])
  })

  test('come back to a node that is given a task which depends on theirs, when the holders have forgotten that one', () => {
    begin(3, { blobSpareMs: 500 })
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    a.worker(1)
    const needed = a.submit({ retentionMs: 3000 })
    pump.settle()
    const blob = blobFor(b, c)
    a.endWith(needed, blob)
    pump.settle()
    // It does not hear that the others have the outcome, and waits with forgetting.
    pump.lose = (_from, to, { kind }) => to === a.id && (kind === 'ack' || kind === 'heartbeat')
    wait(4000)
    expect([a, b, c].map(node => node.state(needed))).toEqual(['completed', 'unknown', 'unknown'])
    expect(keepers(blob)).toEqual(['b', 'c'])
    pump.lose = () => false
    a.worker(0)
    const taskId = a.submit({ dependsOn: [needed] })
    wait(blobOrphanMs + 5000)
    expect(keepers(blob)).toEqual(['a'])
    a.worker(1)
    a.end(taskId)
    wait(blobOrphanMs + 5000)
    expect(keepers(blob)).toEqual([])
  })

  test('stay where they are while a member restarts', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    wait(blobSpareMs + 5000)
    const fetches = nodes.map(node => node.of('fetch-blob').length)
    pump.crash(b)
    wait(1500)
    const again = pump.restart(b, bootOf('b', 2))
    wait(blobSpareMs + 10_000)
    expect(keepers(blob).sort()).toEqual(['b', 'c'])
    expect(again.of('fetch-blob')).toEqual([])
    expect(nodes.map(node => node.of('fetch-blob').length)).toEqual(fetches)
  })
})

describe('what is left behind', () => {
  test('a payload and a result go with their task, everywhere', () => {
    begin(5, { retainCompletedMs: 10_000, blobOrphanMs: 1000 })
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    a.submitBlob(blobFor(b, c))
    pump.settle()
    a.worker(1)
    const [id] = names(a)
    a.endWith(id!, blobFor(c, b))
    pump.settle()
    wait(5000)
    expect(nodes.filter(({ disk }) => disk.blobs.size > 0).length).toBeGreaterThanOrEqual(2)
    wait(30_000)
    expect(nodes.flatMap(names)).toEqual([])
    expect(nodes.flatMap(({ disk }) => [...disk.blobs.keys()])).toEqual([])
  })

  test('one that two tasks name stays until the second is gone', () => {
    begin(5, { retainCompletedMs: 10_000, blobOrphanMs: 1000 })
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const blob = blobFor(b, c)
    a.submitBlob(blob)
    a.submitBlob(blob)
    pump.settle()
    a.worker(1)
    const [first, second] = names(a)
    a.end(first!)
    pump.settle()
    wait(30_000)
    expect(names(a)).toEqual([second])
    expect(keepers(blob)).toEqual(expect.arrayContaining(['b', 'c']))
    a.end(second!)
    wait(30_000)
    expect(keepers(blob)).toEqual([])
  })

  test('one that no task names goes after a while, also if it was there at the start', () => {
    const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
    const written = blobFor(b, c)
    a.disk.blobs.set(written.hash, written)
    a.feed({ kind: 'blob-kept', ref: written })
    const stray = blobFor(c, b)
    b.disk.blobs.set(stray.hash, stray)
    pump.crash(b)
    pump.restart(b, bootOf('b', 2))
    wait(blobOrphanMs - 10_000)
    expect([keepers(written), keepers(stray)]).toEqual([['a'], ['b']])
    wait(20_000)
    expect([keepers(written), keepers(stray)]).toEqual([[], []])
  })
})
