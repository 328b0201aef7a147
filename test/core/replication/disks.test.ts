/** When a boot has ended for certain: goodbye, a newer boot, a refused probe. Silence is none of them. */
import { describe, expect, test } from 'vitest'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { disksWith } from '../../../src/core/replication/disks.ts'
import { Members } from '../../../src/core/membership/members.ts'

const A = bootOf('a')
const B = bootOf('b')
const B2 = bootOf('b', 2)
const DAY_MS = 86_400_000

function members(): Members {
  const all = new Members(A, { suspectMs: 3000, unreachableMs: 7000 })
  all.heard(heartbeatOf(B), 0)
  return all
}

describe('a boot', () => {
  test('is gone when it has said goodbye', () => {
    const all = members()
    expect(all.isGone(B)).toBe(false)
    all.saidGoodbye(B, 0)
    expect(all.isGone(B)).toBe(true)
  })

  test('is gone when a newer boot of its node has spoken, and only the older one', () => {
    const all = members()
    all.heard(heartbeatOf(B2), 1)
    expect([all.isGone(B), all.isGone(B2)]).toEqual([true, false])
  })

  test('of our own node is gone unless it is ours', () => {
    const all = members()
    expect([all.isGone(A), all.isGone(bootOf('a', 0))]).toEqual([false, true])
  })

  test('that was never heard of is not gone', () => {
    expect(members().isGone(bootOf('z'))).toBe(false)
  })

  test('that is newer than the one we know is not gone, whatever became of the older', () => {
    const all = members()
    all.saidGoodbye(B, 0)
    expect(all.isGone(B2)).toBe(false)
  })

  test('that has been silent for a day is unreachable, not gone', () => {
    const all = members()
    expect(all.status(all.get('b')!, DAY_MS)).toBe('unreachable')
    expect(all.isGone(B)).toBe(false)
    expect(all.notEnded()).toHaveLength(1)
  })
})

describe('a refused probe', () => {
  test('ends the boot that was probed', () => {
    const all = members()
    expect(all.refused(B)).toBe(true)
    expect(all.isGone(B)).toBe(true)
    expect(all.notEnded()).toEqual([])
    expect(all.refused(B)).toBe(false)
  })

  test('is void while there is a link to the node', () => {
    const all = members()
    all.link('b', true)
    expect(all.refused(B)).toBe(false)
    expect(all.isGone(B)).toBe(false)
  })

  test('of an older boot says nothing about the newer one', () => {
    const all = members()
    all.heard(heartbeatOf(B2), 1)
    expect(all.refused(B)).toBe(false)
    expect(all.status(all.get('b')!, 1)).toBe('alive')
  })

  test('of a boot that nobody knows, or that has left, is no news', () => {
    const all = members()
    expect(all.refused(bootOf('z'))).toBe(false)
    all.saidGoodbye(B, 0)
    expect(all.refused(B)).toBe(false)
    expect(all.status(all.get('b')!, 1)).toBe('left')
  })

  test('is undone by a new link: somebody does answer there', () => {
    const all = members()
    all.refused(B)
    all.link('b', true)
    expect(all.isGone(B)).toBe(false)
  })

  test('is not undone by gossip of the dead boot that is still going round', () => {
    const all = members()
    all.refused(B)
    expect(all.heard(heartbeatOf(B, { at: 99 }), 1)).toBe(false)
    expect(all.isGone(B)).toBe(true)
    expect(all.heard(heartbeatOf(B2), 2)).toBe(true)
    expect(all.status(all.get('b')!, 2)).toBe('alive')
  })

  test('makes its copies count no more', () => {
    const all = members()
    all.acknowledged('b', B, new Map([[A, 5]]))
    expect(disksWith(all, [{ origin: A, seq: 5 }], 'test').copies).toBe(1)
    all.refused(B)
    expect(disksWith(all, [{ origin: A, seq: 5 }], 'test').copies).toBe(0)
  })
})

describe('probing', () => {
  function two(): { pump: Pump; a: PumpNode; b: PumpNode } {
    const pump = pumpOf([A, B])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    for (const node of [a, b]) node.feed({ kind: 'addresses', addresses: [`/${node.id}`] })
    pump.pass(2000)
    return { pump, a, b }
  }

  test('begins as soon as the link is down, at the addresses that the node named last', () => {
    const { pump, a, b } = two()
    pump.link(a, b, false)
    expect(a.of('probe')).toMatchObject([{ peer: 'b', boot: B, addresses: ['/b'], afterMs: 0 }])
  })

  test('is not repeated while a probe is under way', () => {
    const { pump, a, b } = two()
    pump.link(a, b, false)
    a.feed({ kind: 'tick' })
    expect(a.of('probe')).toHaveLength(1)
  })

  test('that proves nothing is repeated at once, and then ever more rarely: a dying process closes its port last', () => {
    const { pump, a, b } = two()
    pump.probing = false
    pump.link(a, b, false)
    pump.settle()
    for (let passed = 0; passed < 4000; passed += 10) pump.pass(10)
    const pauses = a.of('probe').map(({ afterMs }) => afterMs)
    expect(pauses).toEqual([0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000])
    expect(a.core.view.member('b')!.crashed).toBe(false)
    pump.probing = true
    b.gone = true
    pump.pass(1000)
    expect(a.core.view.member('b')!.crashed).toBe(true)
  })

  test('begins anew when the link goes down again', () => {
    const { pump, a, b } = two()
    pump.probing = false
    pump.link(a, b, false)
    for (let i = 0; i < 5; i++) pump.pass(1000)
    pump.link(a, b)
    pump.pass(1000)
    const before = a.of('probe').length
    pump.link(a, b, false)
    pump.settle()
    const pauses = a.of('probe').map(({ afterMs }) => afterMs)
    expect(pauses.slice(before)).toEqual([0, 10])
  })

  test('begins anew also if the link was back for a moment only', () => {
    const { pump, a, b } = two()
    pump.probing = false
    pump.link(a, b, false)
    for (let i = 0; i < 5; i++) pump.pass(1000)
    const before = a.of('probe').length
    pump.link(a, b)
    pump.link(a, b, false)
    expect(a.of('probe').slice(before)).toMatchObject([{ afterMs: 0 }])
  })

  test('whose answer comes after it was given up is not followed by a row of its own', () => {
    const { pump, a, b } = two()
    pump.probing = false
    a.feed({ kind: 'link', peer: b.id, up: false })
    pump.now += 11_000
    a.feed({ kind: 'tick' })
    expect(a.of('probe')).toHaveLength(2)
    pump.settle()
    pump.pass(9)
    expect(a.of('probe')).toHaveLength(3)
  })

  test('that is never answered is taken up again in the end', () => {
    const { pump, a, b } = two()
    b.gone = true
    pump.link(a, b, false)
    for (let i = 0; i < 9; i++) {
      pump.now += 1000
      a.feed({ kind: 'tick' })
    }
    expect(a.of('probe')).toHaveLength(1)
    for (let i = 0; i < 2; i++) {
      pump.now += 1000
      a.feed({ kind: 'tick' })
    }
    expect(a.of('probe')).toHaveLength(2)
  })

  test('is not done to a node whose addresses are unknown, that has left, or that is linked', () => {
    const pump = pumpOf([A, B])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    pump.pass(2000)
    expect(a.of('probe')).toEqual([])
    pump.link(a, b, false)
    pump.pass(2000)
    expect(a.of('probe')).toEqual([])
    pump.link(a, b)
    b.feed({ kind: 'addresses', addresses: ['/b'] })
    b.feed({ kind: 'leave', abort: false })
    pump.settle()
    pump.link(a, b, false)
    pump.pass(2000)
    expect(a.of('probe')).toEqual([])
  })

  test('that was refused is told once', () => {
    const { pump, a, b } = two()
    pump.crash(b)
    for (let i = 0; i < 5; i++) pump.pass(1000)
    const crashed = a.of('notify').filter(({ event }) => event.name === 'node:crashed')
    expect(crashed).toMatchObject([{ event: { node: 'b', nodeName: 'test/b' } }])
    expect(a.core.view.members(pump.now)).toMatchObject([{ status: 'crashed' }])
  })
})
