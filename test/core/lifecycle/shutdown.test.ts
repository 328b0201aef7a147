/** Leaving on purpose: nothing that was accepted may be lost by it. */
import { describe, expect, test } from 'vitest'
import { announce, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { FRAME_BYTES_MAX } from '../../../src/core/options.ts'
import { bootOf, DRAFT } from '../../support/tasks.ts'
import '../forbid.ts'

const BOOTS = ['a', 'b', 'c'].map(node => bootOf(node))

function leave(pump: Pump, node: PumpNode, abort = false): void {
  node.feed({ kind: 'leave', abort })
  pump.settle()
}

function hasLeft(node: PumpNode): boolean {
  return node.of('left').length > 0
}

describe('a node that leaves', () => {
  test('hands on what is queued and what waits, and then says goodbye', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    const queued = a.submit()
    const waiting = a.submit({ dependsOn: [queued] })
    pump.settle()
    leave(pump, a)
    expect(hasLeft(a)).toBe(true)
    expect(a.sent('goodbye')).toHaveLength(1)
    expect([queued, waiting].map(id => b.record(id).claim.holder)).toEqual([b.boot, b.boot])
    expect(b.core.view.members(pump.now)).toMatchObject([{ status: 'left' }])
    b.worker(1)
    b.end(queued)
    expect(b.running.has(waiting)).toBe(true)
  })

  test('hands on to whoever speaks on a link, and not to the boot that was there before', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    pump.probing = false
    const queued = a.submit()
    pump.settle()
    pump.crash(b)
    leave(pump, a)
    const again = pump.restart(b, bootOf('b', 2))
    pump.settle()
    passing(pump, 1000)
    expect(again.record(queued).claim).toMatchObject({ epoch: 1, holder: again.boot })
    expect(hasLeft(a)).toBe(true)
  })

  test('waits for what runs, and starts nothing more', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    a.worker(1)
    const [running, queued] = [a.submit(), a.submit()]
    pump.settle()
    leave(pump, a)
    expect(hasLeft(a)).toBe(false)
    expect(b.record(queued).claim.holder).toBe(b.boot)
    a.end(running)
    pump.settle()
    expect(a.running.size).toBe(0)
    expect(hasLeft(a)).toBe(true)
    expect(b.state(running)).toBe('completed')
  })

  test('is taken for gone only by those who have its last words, also if others tell of it', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    for (const node of pump.nodes) announce(pump, node)
    const id = a.submit()
    pump.settle()
    passing(pump, 2000)
    // Of what becomes of the task c hears nothing but that a has left, and that from b.
    for (const other of [a, b]) pump.mute.add(other.id)
    pump.lose = (_, to, { kind }) => to === c.id && (kind === 'batch' || kind === 'goodbye')
    b.worker(1)
    leave(pump, a)
    passing(pump, 3000)
    expect(hasLeft(a)).toBe(true)
    a.gone = true
    pump.probing = false
    for (const other of [b, c]) pump.link(a, other, false)
    passing(pump, 3000)
    expect(c.record(id).claim).toMatchObject({ holder: a.boot, epoch: 0 })
    pump.lose = () => false
    pump.mute.clear()
    passing(pump, 5000)
    expect(c.record(id).claim).toMatchObject({ holder: b.boot, cause: 'grant' })
    expect(c.core.view.members(pump.now)).toContainEqual(
      expect.objectContaining({ status: 'left' })
    )
  })

  test('has left for all, in a while, if its last words were on a disk alone that was damaged since', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    for (const node of pump.nodes) announce(pump, node)
    passing(pump, 2000)
    pump.lose = (_, to) => to === c.id
    const id = a.submit()
    leave(pump, a)
    passing(pump, 3000)
    expect(hasLeft(a)).toBe(true)
    a.gone = true
    for (const other of [b, c]) pump.link(a, other, false)
    pump.crash(b)
    b.disk.distrust()
    pump.lose = () => false
    const again = pump.restart(b, bootOf('b', 2))
    passing(pump, 30_000)
    // It might be the first to hear.
    const leftTo = (node: PumpNode): string | undefined =>
      node.core.view.members(pump.now).find(({ heartbeat }) => heartbeat.boot === a.boot)?.status
    expect([again, c].map(leftTo)).toEqual(['left', 'crashed'])
    expect(c.record(id).claim.holder).not.toBe(a.boot)
    passing(pump, 60_000)
    expect([again, c].map(leftTo)).toEqual(['left', 'left'])
  })

  test('hands on what runs, too, when told to abort, also when it was leaving already', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    a.worker(1)
    const running = a.submit()
    pump.settle()
    leave(pump, a)
    leave(pump, a, true)
    expect(a.of('abort')).toEqual([{ kind: 'abort', taskId: running, epoch: 0 }])
    expect(hasLeft(a)).toBe(true)
    b.worker(1)
    expect(b.running.get(running)).toMatchObject({ epoch: 1 })
  })

  test('stays until what it wrote is on the disk of another', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    b.holdDisk = true
    a.submit()
    pump.settle()
    leave(pump, a)
    expect(hasLeft(a)).toBe(false)
    b.releaseDisk()
    pump.settle()
    expect(hasLeft(a)).toBe(true)
  })

  test('does not count what is only with one who has left before', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    pump.lose = (_from, to, { kind }) => to === 'c' && kind === 'batch'
    a.worker(1)
    const taskId = a.submit()
    a.end(taskId)
    pump.settle()
    leave(pump, b)
    expect(hasLeft(b)).toBe(true)
    expect(c.core.view.record(taskId)).toBeUndefined()
    a.feed({ kind: 'leave', abort: false })
    pump.settle()
    expect(hasLeft(a)).toBe(false)
    for (let i = 0; i < 4; i++) pump.pass(1000)
    expect(c.state(taskId)).toBe('completed')
    expect(hasLeft(a)).toBe(true)
  })

  test('stays for what comes after the first goodbye, until somebody who stays has it', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    for (const node of pump.nodes) announce(pump, node)
    a.worker(1)
    const id = a.submit()
    pump.settle()
    passing(pump, 2000)
    // Whoever stays does not hear the last word of one that crashes.
    pump.lose = (from, _, { kind }) => from === a.id && kind === 'farewell'
    pump.link(a, c, false)
    leave(pump, b)
    expect(hasLeft(b)).toBe(false)
    a.end(id)
    pump.settle()
    expect(b.state(id)).toBe('completed')
    a.gone = true
    pump.link(a, b, false)
    passing(pump, 5000)
    expect(hasLeft(b)).toBe(true)
    expect(c.state(id)).toBe('completed')
  })

  test('hands on any number of tasks in messages that a peer accepts', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    const payload = JSON.stringify('x'.repeat(7000))
    for (let request = 1; request <= 6000; request++) {
      const draft = { ...DRAFT, payload: request % 3 === 0 ? payload : 'null' }
      a.feed({ kind: 'submit', request, id: null, draft, acks: 0 })
    }
    pump.settle()
    leave(pump, a)
    for (let i = 0; i < 4; i++) pump.pass(1000)
    expect(hasLeft(a)).toBe(true)
    for (const grant of a.sent('grant')) {
      const bytes = encode(grant)
      expect(bytes.length).toBeLessThan(FRAME_BYTES_MAX)
      expect(decode(bytes).ok).toBe(true)
    }
    expect(a.sent('grant').flatMap(({ records }) => records)).toHaveLength(6000)
    for (const node of [b, c]) {
      const held = [...node.core.view.records()].filter(({ claim }) => claim.holder === node.boot)
      expect(held).toHaveLength(3000)
    }
  })

  test('does not count what is only with one who leaves as well', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    b.worker(1)
    const long = b.submit()
    pump.settle()
    leave(pump, b)
    pump.lose = (_from, to, { kind }) => to === 'c' && kind === 'batch'
    for (const { id } of [a, b]) pump.mute.add(id)
    const taskId = a.submit()
    pump.settle()
    expect(b.state(taskId)).toBe('queued')
    a.feed({ kind: 'leave', abort: false })
    for (let i = 0; i < 4; i++) pump.pass(1000)
    expect(hasLeft(a)).toBe(false)
    pump.mute.clear()
    for (let i = 0; i < 4; i++) pump.pass(1000)
    expect(c.record(taskId).claim.holder).toBe(c.boot)
    expect([hasLeft(a), b.running.has(long)]).toEqual([true, true])
  })

  test('alone keeps what it has, and goes when its time is over', () => {
    const pump = pumpOf(BOOTS.slice(0, 1))
    const a = pump.nodes[0]!
    const taskId = a.submit()
    pump.settle()
    leave(pump, a)
    expect(hasLeft(a)).toBe(false)
    leave(pump, a, true)
    expect(hasLeft(a)).toBe(true)
    expect(a.record(taskId).claim.holder).toBe(a.boot)
  })

  test('leaves once, however often it is told to', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const a = pump.nodes[0]!
    for (const abort of [false, true, false]) leave(pump, a, abort)
    expect(a.of('left')).toHaveLength(1)
    expect(a.sent('goodbye')).toHaveLength(1)
  })

  test('says goodbye until everybody who is there has heard it', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    let lost = 3
    pump.lose = (_from, to, { kind }) => kind === 'goodbye' && to === 'b' && lost-- > 0
    leave(pump, a)
    for (let n = 0; n < 3; n++) {
      expect(hasLeft(a)).toBe(false)
      pump.pass(200)
    }
    expect(hasLeft(a)).toBe(true)
    for (const node of [b, c]) {
      expect(node.core.view.members(pump.now).map(({ status }) => status)).toContain('left')
    }
  })

  test('is not taken to have left by one that has not heard all that it wrote', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    a.worker(1)
    const id = a.submit()
    pump.settle()
    leave(pump, a)
    // What has become of the task reaches one of the others only.
    pump.lose = (from, to, { kind }) => kind === 'batch' && from === a.id && to === c.id
    pump.mute.add(a.id)
    a.end(id)
    pump.settle()
    expect(b.record(id).outcome).not.toBe(null)
    expect(c.record(id).outcome).toBe(null)
    expect(c.core.view.members(pump.now).map(({ status }) => status)).not.toContain('left')
    pump.mute.clear()
    for (let n = 0; n < 5; n++) pump.pass(200)
    expect(hasLeft(a)).toBe(true)
    expect(c.record(id).outcome).not.toBe(null)
    expect(c.record(id).claim).toMatchObject({ holder: a.boot, lost: [] })
  })

  test('does not wait for one that does not answer, if another one has', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    pump.lose = (_from, to, { kind }) => kind === 'goodbye' && to === 'b'
    leave(pump, a)
    pump.pass(900)
    expect(hasLeft(a)).toBe(false)
    pump.pass(200)
    expect(hasLeft(a)).toBe(true)
    // The others tell it.
    a.gone = true
    for (const other of [b, c]) pump.link(a, other, false)
    pump.pass(1000)
    expect(b.core.view.members(pump.now)).toMatchObject([{ status: 'left' }, { status: 'alive' }])
  })

  test('goes without an answer when its time is over and nobody is there who could give one', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    pump.lose = (_from, to) => to === 'b'
    leave(pump, a)
    pump.pass(200)
    expect(hasLeft(a)).toBe(false)
    pump.crash(b)
    pump.settle()
    expect(hasLeft(a)).toBe(false)
    leave(pump, a, true)
    expect(hasLeft(a)).toBe(true)
  })

  test('is given nothing any more, and hands on a grant that was on its way', () => {
    const pump = pumpOf(BOOTS.slice(0, 3))
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    b.feed({ kind: 'worker', slots: 1, handlers: ['work'] })
    expect(b.sent('steal')).toHaveLength(1)
    leave(pump, b)
    pump.pass(2000)
    expect(hasLeft(b)).toBe(true)
    const { holder } = c.record(taskId).claim
    expect([a.boot, c.boot]).toContain(holder)
  })

  test('whose only link is down for a moment keeps its tasks until it is back', () => {
    const pump = pumpOf(BOOTS.slice(0, 2))
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    pump.link(a, b, false)
    leave(pump, a)
    expect(hasLeft(a)).toBe(false)
    pump.link(a, b)
    pump.settle()
    expect(hasLeft(a)).toBe(true)
    expect(b.record(taskId).claim.holder).toBe(b.boot)
  })
})
