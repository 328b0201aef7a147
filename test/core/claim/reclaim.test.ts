/** What a dead node held is run again: by whom, and when. */
import { describe, expect, test } from 'vitest'
import { announce, cluster, first, passing, runningOn, starts } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import type { TaskDraft } from '../../../src/core/task/spec.ts'

const { bootQuietMs, stepInMs } = CORE_DEFAULTS
const MINUTE_MS = 60_000

describe('what a crashed node held', () => {
  test('runs elsewhere at once, and names the boot that was lost with it', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = runningOn(pump, a)
    for (const node of [b, c]) node.worker(1)
    pump.crash(a)
    pump.settle()
    const heir = first(taskId, [b, c])
    expect(heir.running.get(taskId)).toMatchObject({ epoch: 1, attempt: 1 })
    for (const node of [b, c]) {
      expect(node.record(taskId).claim).toEqual({
        epoch: 1,
        holder: heir.boot,
        attempt: 1,
        hops: 0,
        lost: [a.boot],
        notBefore: null,
        cause: 'reclaim'
      })
    }
    heir.end(taskId)
    pump.settle()
    expect([b, c].map(node => node.state(taskId))).toEqual(['completed', 'completed'])
  })

  /** A task that runs on the first of three; of its start the second has heard, and not the third, which is first in line. */
  function halfHeard(draft: Partial<TaskDraft>): {
    pump: Pump
    a: PumpNode
    c: PumpNode
    id: TaskId
  } {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    let id = a.submit(draft)
    while (first(id, [b, c]) !== c) id = a.submit(draft)
    pump.settle()
    pump.lose = (from, to, { kind }) => from === 'a' && to === 'c' && kind === 'batch'
    for (const node of ['a', 'b']) pump.mute.add(node)
    a.worker(9)
    passing(pump, 1000)
    expect(b.record(id).started).not.toBeNull()
    expect(c.record(id).started).toBeNull()
    c.worker(9)
    pump.mute.clear()
    pump.crash(a)
    passing(pump, 2000)
    return { pump, a, c, id }
  }

  test('and was started unheard by whoever takes it over is counted before it runs again', () => {
    const { pump, a, c, id } = halfHeard({})
    expect(starts(c, id)).toEqual([2])
    expect(c.record(id).claim).toMatchObject({ holder: c.boot, epoch: 2, lost: [a.boot] })
    c.end(id)
    pump.settle()
    expect(c.state(id)).toBe('completed')
  })

  test('... and runs no more if it may cost no node', () => {
    const { a, c, id } = halfHeard({ maxLost: 0 })
    expect(starts(c, id)).toEqual([])
    expect(c.record(id).outcome).toMatchObject({ status: 'failed', reason: 'HolderLost' })
    expect(c.record(id).claim.lost).toEqual([a.boot])
  })

  test('and had not started is lost to nobody', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    pump.crash(a)
    pump.settle()
    expect(b.record(taskId).claim).toMatchObject({ holder: b.boot, lost: [] })
  })

  test('is told of as reclaimed, with the boot that it was taken from', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    pump.crash(a)
    pump.settle()
    expect(b.of('notify').map(({ event }) => event)).toContainEqual({
      name: 'task:reclaimed',
      taskId,
      by: b.boot,
      attempt: 1,
      from: a.boot
    })
  })

  test('and what waits for its dependencies is taken over, too', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const [one, two] = [a.submit(), a.submit()]
    const third = a.submit({ dependsOn: [one, two] })
    pump.settle()
    pump.crash(a)
    b.worker(2)
    pump.settle()
    for (const id of [one, two]) b.end(id)
    pump.settle()
    expect(starts(b, third)).toEqual([1])
  })

  test('goes on to the next in line when the first dies as well, and counts both', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = runningOn(pump, a)
    for (const node of [b, c]) node.worker(1)
    pump.crash(a)
    pump.settle()
    const heir = first(taskId, [b, c])
    const last = heir === b ? c : b
    passing(pump, 1000)
    pump.crash(heir)
    passing(pump, 1000)
    expect(last.running.get(taskId)).toMatchObject({ epoch: 2 })
    expect(last.record(taskId).claim.lost).toEqual([a.boot, heir.boot])
  })

  test('comes back to it when it is started again, and is not run by its old boot', () => {
    const pump = cluster(1)
    const [a] = pump.of as [PumpNode]
    const taskId = runningOn(pump, a)
    pump.crash(a)
    const again = pump.restart(a, bootOf('a', 2))
    again.worker(1)
    expect(starts(again, taskId)).toEqual([])
    passing(pump, bootQuietMs + 200)
    expect(starts(again, taskId)).toEqual([1])
    expect(again.record(taskId).claim).toMatchObject({ holder: again.boot, lost: [a.boot] })
  })

  test('is reclaimed by whoever is first in line, a node that has just started included', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const ids = Array.from({ length: 20 }, () => a.submit())
    pump.settle()
    pump.probing = false
    pump.crash(a)
    const again = pump.restart(a, bootOf('a', 2))
    for (const node of [again, b]) node.worker(1)
    passing(pump, bootQuietMs + 3 * stepInMs)
    const holders = new Set(ids.map(id => b.record(id).claim.holder))
    expect(holders).not.toContain(a.boot)
    expect(ids.map(id => b.record(id))).toEqual(ids.map(id => again.record(id)))
  })
})

describe('what had failed for good', () => {
  test('stays so, though two took it over one after the other that had not heard of that', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const id = a.submit({ maxRetries: 0 })
    pump.settle()
    pump.lose = (from, to, { kind }) => from === 'a' && to === 'c' && kind === 'batch'
    for (const node of ['a', 'b']) pump.mute.add(node)
    a.worker(1)
    a.fail(id)
    passing(pump, 1000)
    expect(a.of('settled')).toMatchObject([{ taskId: id }])
    pump.mute.clear()
    pump.crash(a, b)
    passing(pump, 2000)
    expect(c.record(id).claim).toMatchObject({ holder: c.boot, epoch: 1 })
    pump.crash(c)
    const again = pump.restart(c, bootOf('c', 2))
    passing(pump, bootQuietMs + 1000)
    expect(again.record(id)).toMatchObject({
      claim: { holder: again.boot, epoch: 2 },
      outcome: null
    })
    const other = pump.restart(b, bootOf('b', 2))
    pump.settle()
    again.worker(1)
    passing(pump, 3000)
    expect([again, other].flatMap(node => starts(node, id))).toEqual([])
    for (const node of [again, other]) {
      expect(node.record(id).outcome).toMatchObject({ status: 'failed', epoch: 2, by: a.boot })
    }
  })
})

describe('the line of those who take over', () => {
  test('has the next one step in when the first says nothing, and not before', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    const heir = first(taskId, [b, c])
    const next = heir === b ? c : b
    pump.lose = from => from === heir.id
    pump.crash(a)
    passing(pump, stepInMs - 200)
    expect(next.record(taskId).claim.holder).toBe(a.boot)
    passing(pump, 400)
    expect(next.record(taskId).claim.holder).toBe(next.boot)
  })

  test('has those in front that can run the task', () => {
    const pump = cluster(4)
    const [a, b, c, d] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode]
    const ids = Array.from({ length: 10 }, () => a.submit())
    pump.settle()
    b.worker(1, ['other'])
    c.worker(0)
    d.worker(1)
    pump.crash(a)
    pump.settle()
    for (const id of ids) expect(d.record(id).claim.holder).toBe(d.boot)
  })

  test('passes by whoever is leaving', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const ids = Array.from({ length: 10 }, () => a.submit())
    b.worker(1)
    pump.settle()
    b.feed({ kind: 'leave', abort: false })
    pump.settle()
    pump.crash(a)
    pump.settle()
    for (const id of ids.filter(id => !b.running.has(id))) {
      expect([b.boot, a.boot]).not.toContain(c.record(id).claim.holder)
    }
  })

  test('is not joined by a node that has just started, before it has listened for a while', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    pump.crash(a, b)
    const again = pump.restart(b, bootOf('b', 2))
    announce(pump, again)
    passing(pump, bootQuietMs - 200)
    expect(again.record(taskId).claim.holder).toBe(a.boot)
    passing(pump, 600)
    expect(again.record(taskId).claim.holder).toBe(again.boot)
  })
})

describe('members that were known before a restart', () => {
  function lastOneBack(addressed: boolean): { pump: Pump; again: PumpNode; taskId: TaskId } {
    const pump = addressed ? cluster(2) : pumpOf([bootOf('a'), bootOf('b')])
    const [a, b] = pump.nodes as [PumpNode, PumpNode]
    pump.pass(1000)
    const taskId = runningOn(pump, a)
    passing(pump, 1000)
    pump.crash(a, b)
    const again = pump.restart(b, bootOf('b', 2))
    again.worker(1)
    passing(pump, bootQuietMs + 2000)
    return { pump, again, taskId }
  }

  test('and never come back lose what they held, if their addresses refuse', () => {
    const { again, taskId } = lastOneBack(true)
    expect(again.of('probe')[0]).toMatchObject({ peer: 'a', addresses: ['/a'] })
    expect(starts(again, taskId)).toEqual([1])
    expect(again.record(taskId).claim.lost).toEqual([bootOf('a')])
  })

  test('and whose addresses nobody knows keep what they held: nothing proves their end', () => {
    const { pump, again, taskId } = lastOneBack(false)
    passing(pump, MINUTE_MS)
    expect(starts(again, taskId)).toEqual([])
  })

  test('have to confirm a reclaim, too, unless their end is proven', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = runningOn(pump, a)
    passing(pump, 1000)
    pump.crash(a, b)
    const again = pump.restart(b, bootOf('b', 2))
    pump.link(again, c, false)
    again.links.clear()
    again.worker(1)
    passing(pump, bootQuietMs + 5000)
    expect(again.record(taskId).claim.holder).toBe(again.boot)
    expect(starts(again, taskId)).toEqual([])
    pump.link(again, c)
    passing(pump, 2000)
    const runs = [again, c].flatMap(node => starts(node, taskId))
    expect(runs).toHaveLength(1)
  })

  test('and had left are neither probed nor waited for', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    c.feed({ kind: 'leave', abort: false })
    pump.settle()
    const taskId = runningOn(pump, a)
    passing(pump, 1000)
    c.gone = true
    pump.crash(a, b)
    const again = pump.restart(b, bootOf('b', 2))
    again.worker(1)
    passing(pump, bootQuietMs + 2000)
    expect(again.of('probe').map(({ peer }) => peer)).not.toContain('c')
    expect(starts(again, taskId)).toEqual([1])
  })
})

test('what a boot held of which only the dead had heard is taken over, too', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  pump.crash(a)
  passing(pump, 2000)
  const again = pump.restart(a, bootOf('a', 2))
  pump.link(again, c, false)
  announce(pump, again)
  const taskId = again.submit()
  passing(pump, 3000)
  expect(c.record(taskId).claim.holder).toBe(again.boot)
  pump.crash(again, b)
  c.worker(1)
  passing(pump, MINUTE_MS)
  expect(starts(c, taskId)).toEqual([1])
})
