/** What attempts save for those after them, in cores that are driven by hand. */
import { describe, expect, test } from 'vitest'
import { cluster, passing } from '../../support/crashes.ts'
import type { Pump, PumpNode } from '../../support/pump.ts'
import '../forbid.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import type { BlobRef } from '../../../src/core/task/content.ts'

const { blobBalanceMs, blobLostMs } = CORE_DEFAULTS
const [blobSpareMs, blobOrphanMs] = [2000, 5000]

/** Small ones, too, are blobs. */
function blobOf(number: number): BlobRef {
  return { hash: number.toString(16).padStart(64, '0'), bytes: number }
}

/** A task that runs on the first of four nodes, which know who keeps blobs. */
function running(): { pump: Pump; a: PumpNode; others: PumpNode[]; id: string } {
  const pump = cluster(4, { blobSpareMs, blobOrphanMs })
  passing(pump, blobBalanceMs)
  const [a, ...others] = pump.of as [PumpNode, ...PumpNode[]]
  a.worker(1)
  const id = a.submit({
    maxRetries: 3,
    backoff: { delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0 }
  })
  pump.settle()
  return { pump, a, others, id }
}

/** The first of them crashes, and another one runs its task. */
function elsewhere({ pump, a, others, id }: ReturnType<typeof running>): PumpNode {
  pump.crash(a)
  for (const node of others) node.worker(1)
  passing(pump, 20_000)
  return others.find(node => node.running.has(id))!
}

describe('what an attempt has saved', () => {
  test('is what the next one gets, where the first has crashed', () => {
    const all = running()
    const { pump, a, id } = all
    a.save(id, blobOf(1))
    a.save(id, blobOf(2))
    pump.settle()
    expect(a.of('saved')).toMatchObject([
      { isTaken: true, short: false },
      { isTaken: true, short: false }
    ])
    const next = elsewhere(all)
    expect(next.running.get(id)).toMatchObject({ epoch: 1, checkpoint: blobOf(2) })
    expect(next.has(blobOf(2))).toBe(true)
  })

  test('is what the next one gets, where the first has failed', () => {
    const { pump, a, id } = running()
    a.save(id, blobOf(1))
    pump.settle()
    a.fail(id)
    passing(pump, 1000)
    expect(a.running.get(id)).toMatchObject({ attempt: 2, checkpoint: blobOf(1) })
  })

  test('is in the hands of the first attempt of no other task', () => {
    const { pump, a, id } = running()
    a.save(id, blobOf(1))
    pump.settle()
    a.end(id)
    const other = a.submit()
    pump.settle()
    expect(a.running.get(other)!.checkpoint).toBeUndefined()
  })

  test('stands when the blob and the record are on another disk, and not before', () => {
    const { pump, a, id } = running()
    pump.lose = (_from, _to, { kind }) => kind === 'kept'
    a.save(id, blobOf(1))
    passing(pump, 400)
    expect(a.record(id).checkpoint).toBeUndefined()
    pump.lose = (_from, to, { kind }) => kind === 'ack' || (kind === 'heartbeat' && to === 'a')
    passing(pump, 2000)
    expect(a.record(id).checkpoint).toMatchObject({ epoch: 0, sequence: 1, blob: blobOf(1) })
    expect(a.of('saved')).toEqual([])
    pump.lose = () => false
    passing(pump, 2000)
    expect(a.of('saved')).toMatchObject([{ isTaken: true, short: false }])
  })

  test('is replaced by what it saves later, also if that finds its second place first', () => {
    const { pump, a, id } = running()
    let held = true
    pump.lose = (_from, _to, message) =>
      held && message.kind === 'offer' && message.blobs.some(({ bytes }) => bytes === 1)
    a.save(id, blobOf(1))
    a.save(id, blobOf(2))
    passing(pump, 500)
    expect(a.record(id).checkpoint).toMatchObject({ sequence: 2, blob: blobOf(2) })
    held = false
    passing(pump, 2000)
    expect(a.of('saved')).toHaveLength(2)
    expect(a.record(id).checkpoint).toMatchObject({ sequence: 2, blob: blobOf(2) })
  })

  test('is not taken once the task is not its own: nothing replaces what a later attempt saved', () => {
    const all = running()
    const { pump, a, id } = all
    a.fail(id)
    passing(pump, 1000)
    a.save(id, blobOf(2))
    pump.settle()
    a.save(id, blobOf(3), 0)
    pump.settle()
    expect(a.of('saved')).toMatchObject([{ isTaken: true }, { isTaken: false }])
    expect(a.record(id).checkpoint).toMatchObject({ epoch: 1, blob: blobOf(2) })
  })

  test('is not taken if the task ends before its blob is elsewhere', () => {
    const { pump, a, id } = running()
    pump.lose = (_from, _to, { kind }) => kind === 'offer'
    a.save(id, blobOf(1))
    pump.settle()
    a.end(id)
    pump.lose = () => false
    passing(pump, 2000)
    expect(a.of('saved')).toMatchObject([{ isTaken: false }])
    expect(a.record(id).checkpoint).toBeUndefined()
  })
})

describe('the blob of a checkpoint', () => {
  const keepers = (pump: Pump, blob: BlobRef): number =>
    pump.alive().filter(node => node.has(blob)).length

  test('is with two nodes, and goes when it is replaced', () => {
    const { pump, a, id } = running()
    a.save(id, blobOf(1))
    passing(pump, blobSpareMs + 2000)
    expect(keepers(pump, blobOf(1))).toBe(2)
    a.save(id, blobOf(2))
    passing(pump, blobOrphanMs + 2000)
    expect([keepers(pump, blobOf(1)), keepers(pump, blobOf(2))]).toEqual([0, 2])
  })

  test('goes when the task has ended', () => {
    const { pump, a, id } = running()
    a.save(id, blobOf(1))
    pump.settle()
    a.end(id)
    passing(pump, blobOrphanMs + 2000)
    expect(keepers(pump, blobOf(1))).toBe(0)
  })

  test('that no node has any more costs the task what it saved, not the task', () => {
    const all = running()
    const { pump, a, others, id } = all
    a.save(id, blobOf(1))
    pump.settle()
    for (const node of others) node.disk.blobs.delete(blobOf(1).hash)
    for (const node of others) node.feed({ kind: 'blob-missing', hash: blobOf(1).hash })
    pump.crash(a)
    for (const node of others) node.worker(1)
    passing(pump, 5000)
    expect(others.some(node => node.running.has(id))).toBe(false)
    // Who has crashed may come back with it.
    others[0]!.feed({ kind: 'forget', name: a.name, node: a.id })
    passing(pump, 2 * blobLostMs + 10_000)
    const next = others.find(node => node.running.has(id))!
    expect(next.running.get(id)!.checkpoint).toBeUndefined()
    next.end(id)
    pump.settle()
    expect(next.state(id)).toBe('completed')
  })
})
