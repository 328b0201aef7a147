/** What was taken over is not started as long as it may be running elsewhere: the schedules behind the wait. */
import { describe, expect, test } from 'vitest'
import {
  announce,
  cluster,
  first,
  hiddenGrant,
  passing,
  runningOn,
  starts
} from '../../support/crashes.ts'
import { Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf, outcomeBy } from '../../support/tasks.ts'
import '../forbid.ts'
import { nodeOf, type TaskId } from '../../../src/core/base/ids.ts'
import { rendezvousWeight } from '../../../src/core/base/rendezvous.ts'
import type { Message } from '../../../src/core/message.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import type { TaskDraft } from '../../../src/core/task/spec.ts'

const { stepInMs, unreachableMs } = CORE_DEFAULTS
const MINUTE_MS = 60_000

describe('a reclaim', () => {
  test('is not started before all who may be alive have confirmed it', () => {
    const pump = cluster(4)
    const [a, ...others] = pump.of as [PumpNode, PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    const heir = first(taskId, others)
    const mute = others.find(node => node !== heir)!
    pump.lose = (from, _to, { kind }) => from === mute.id && kind !== 'batch'
    pump.crash(a)
    pump.settle()
    heir.worker(1)
    passing(pump, unreachableMs - 2000)
    expect(heir.record(taskId).claim.holder).toBe(heir.boot)
    expect(heir.waitsFor(taskId)).toContain('claim on confirmation')
    expect(starts(heir, taskId)).toEqual([])
    pump.lose = () => false
    passing(pump, 2000)
    expect(starts(heir, taskId)).toEqual([1])
  })

  test('of a node alone is on its disk before it is started: its epoch is never given to a second run', () => {
    const pump = cluster(1)
    const [a] = pump.of as [PumpNode]
    const taskId = a.submit()
    pump.settle()
    pump.crash(a)
    const second = pump.restart(a, bootOf('a', 2))
    second.holdDisk = true
    second.worker(1)
    passing(pump, 3000)
    expect(second.record(taskId).claim).toMatchObject({ epoch: 1, cause: 'reclaim' })
    expect(starts(second, taskId)).toEqual([])
    pump.crash(second)
    const third = pump.restart(second, bootOf('a', 3))
    third.worker(1)
    passing(pump, 3000)
    expect(starts(third, taskId)).toEqual([1])
    third.end(taskId)
    expect(third.state(taskId)).toBe('completed')
  })

  test('is not started while somebody who has just come back may know how it ended', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = runningOn(pump, a)
    // Of the end only b hears, where somebody waits for it.
    b.feed({ kind: 'watch', taskId })
    pump.lose = (from, to, { kind }) =>
      (from === a.id || from === b.id) && to === c.id && kind === 'batch'
    for (const { id } of [a, b]) pump.mute.add(id)
    a.end(taskId)
    pump.settle()
    expect(b.state(taskId)).toBe('completed')
    pump.crash(a, b)
    passing(pump, 5000)
    expect(c.record(taskId).claim).toMatchObject({ holder: c.boot, epoch: 1 })
    const again = pump.restart(b, bootOf('b', 2))
    pump.settle()
    c.worker(1)
    passing(pump, 1000)
    expect(starts(c, taskId)).toEqual([])
    pump.mute.clear()
    pump.lose = () => false
    passing(pump, 5000)
    expect([c, again].map(node => node.state(taskId))).toEqual(['completed', 'completed'])
    expect(starts(c, taskId)).toEqual([])
  })

  test('waits for a member that is silent, until it counts as unreachable', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    const heir = first(taskId, [b, c])
    const other = heir === b ? c : b
    other.worker(0, ['work'])
    // The link between them is cut, and a dies: the probe of a is refused, that of the other is not.
    pump.link(b, c, false)
    pump.crash(a)
    pump.settle()
    heir.feed({ kind: 'worker', slots: 1, handlers: ['work'] })
    passing(pump, unreachableMs - 2000)
    expect(heir.record(taskId).claim.holder).toBe(heir.boot)
    expect(starts(heir, taskId)).toEqual([])
    passing(pump, 3000)
    expect(starts(heir, taskId)).toEqual([1])
  })
})

describe('whoever has taken a task over', () => {
  /**
   * a has completed its task, and b alone has heard of that, when c takes it over and has a reason to end it without a run.
   * Returns whether it did.
   */
  function hasEndedIt(
    draft: Partial<TaskDraft>,
    reason: (c: PumpNode, id: TaskId) => void
  ): boolean {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    let id = a.submit(draft)
    while (first(id, [b, c]) !== c) id = a.submit(draft)
    passing(pump, 2000)
    pump.lose = (from, to, { kind }) => to === 'c' && from !== 'c' && kind === 'batch'
    for (const node of ['a', 'b']) pump.mute.add(node)
    a.worker(9)
    a.end(id)
    passing(pump, 400)
    expect([b, c].map(node => node.state(id))).toEqual(['completed', 'queued'])
    c.feed({ kind: 'watch', taskId: id })
    pump.mute.clear()
    pump.crash(a)
    reason(c, id)
    passing(pump, 3000)
    expect(c.record(id).claim).toMatchObject({ holder: c.boot, epoch: 1 })
    expect([b, c].map(node => node.state(id))).toEqual(['completed', 'completed'])
    expect(c.of('settled').filter(({ taskId }) => taskId === id)).toHaveLength(1)
    const written = c.of('persist').flatMap(({ flush }) => flush.tasks)
    return written.some(({ record }) => record.outcome?.by === c.boot)
  }

  test('ends it as cancelled only when nobody can have completed it', () => {
    const cancel = (c: PumpNode, taskId: TaskId): void => void c.feed({ kind: 'cancel', taskId })
    expect(hasEndedIt({}, cancel)).toBe(false)
  })

  test('ends it as overdue only when nobody can have completed it', () => {
    expect(hasEndedIt({ deadlineMs: 2500 }, () => {})).toBe(false)
  })
})

describe('whoever confirms a reclaim', () => {
  test('says with it what it has heard of those who are gone, and had not said yet', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    let id = a.submit()
    while (first(id, [b, c]) !== c) id = a.submit()
    passing(pump, 2000)
    // Of the start b alone hears, and c does not hear that it has.
    pump.lose = (from, to) => to === 'c' && from !== 'c'
    a.worker(9)
    passing(pump, 400)
    expect([b, c].map(node => node.record(id).started?.epoch)).toEqual([0, undefined])
    c.worker(9)
    pump.lose = (from, _to, { kind }) => from === 'b' && kind === 'heartbeat'
    pump.crash(a)
    pump.settle()
    passing(pump, 1000)
    expect(starts(c, id)).toEqual([2])
    expect(c.record(id).claim.lost).toEqual([a.boot])
  })

  test('writes down once more how it ended, if it knows: that may be in no vector', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const id = a.submit()
    passing(pump, 2000)
    pump.crash(a)
    const record = a.record(id)
    const started = { epoch: 0, by: a.boot, at: 1 }
    // A stretch that was cut: its last write says that the task has begun, what it shows is how it ended.
    const shown = [
      [b, outcomeBy(a.boot)],
      [c, null]
    ] as const
    for (const [node, outcome] of shown) {
      const records = [{ ...record, started, outcome }]
      const after = node.core.view.mergedVector().get(a.boot)!
      const batch = { kind: 'batch', origin: a.boot, after, records, writes: [0] } as const
      node.feed({ kind: 'message', from: node.id, message: batch })
    }
    for (const node of [b, c]) node.worker(1)
    passing(pump, 5000)
    expect([b, c].map(node => node.state(id))).toEqual(['completed', 'completed'])
    expect([b, c].flatMap(node => starts(node, id))).toEqual([])
  })
})

describe('two that know a third, and not each other', () => {
  /** The second one has just met the third. Both could run what it holds, and are first in line as far as they know. */
  function strangers(): { pump: Pump; a: PumpNode; b: PumpNode; third: PumpNode; taskId: TaskId } {
    const pump = new Pump()
    const [third, a] = ['c', 'a'].map(name => pump.add(bootOf(name))) as [PumpNode, PumpNode]
    const taskId = third.submit()
    pump.link(third, a)
    for (const node of [third, a]) announce(pump, node)
    passing(pump, 4000)
    const b = pump.add(bootOf('b'))
    announce(pump, b)
    for (const node of [a, b]) node.worker(0)
    return { pump, a, b, third, taskId }
  }

  test('are told of each other by it, and do not both run what it held', () => {
    const { pump, a, b, third, taskId } = strangers()
    pump.link(third, b)
    passing(pump, 2000)
    for (const [x, y] of [
      [a, b],
      [b, a]
    ] as const) {
      expect(x.core.view.member(y.id)?.heartbeat.addresses).toEqual([`/${y.id}`])
    }
    pump.crash(third)
    for (const node of [a, b]) node.worker(1)
    passing(pump, 4000)
    expect([a, b].flatMap(node => starts(node, taskId))).toEqual([])
    pump.link(a, b)
    passing(pump, 4000)
    expect([a, b].flatMap(node => starts(node, taskId))).toHaveLength(1)
  })

  test('are asked for no more once they are known', () => {
    const { pump, a, b, third } = strangers()
    pump.link(third, b)
    pump.link(a, b)
    passing(pump, 4000)
    const asked: string[] = []
    pump.lose = (from, _to, { kind }) => kind === 'who' && asked.push(from) === 0
    passing(pump, 10_000)
    expect(asked).toEqual([])
  })

  test('wait for each other by name alone, if it is gone before it could say more, but not for ever', () => {
    const { pump, a, b, third, taskId } = strangers()
    pump.lose = (_from, _to, { kind }) => kind === 'introduction'
    pump.link(third, b)
    passing(pump, 2000)
    pump.crash(third)
    for (const node of [a, b]) node.worker(1)
    passing(pump, unreachableMs - 4000)
    expect([a, b].flatMap(node => starts(node, taskId))).toEqual([])
    passing(pump, 4000)
    expect([a, b].map(node => starts(node, taskId).length)).toContain(1)
  })

  test('are all told of each other, however many the third one knows', () => {
    const pump = new Pump()
    const [third, b] = ['c', 'b'].map(name => pump.add(bootOf(name))) as [PumpNode, PumpNode]
    const others = Array.from({ length: 200 }, (_, i) => bootOf(`n${i}`))
    for (const boot of others) {
      third.feed({ kind: 'link', peer: nodeOf(boot), up: true })
      third.feed({
        kind: 'message',
        from: nodeOf(boot),
        message: heartbeatOf(boot, { name: boot })
      })
    }
    passing(pump, 6000)
    pump.link(third, b)
    passing(pump, 6000)
    expect(others.filter(boot => b.core.view.member(nodeOf(boot)) === undefined)).toEqual([])
  })

  test('hear of it also when a later word of the third one overtakes the first', () => {
    const { pump, a, b, third } = strangers()
    let greeting: Message | null = null
    pump.lose = (from, to, message) => {
      if (from !== third.id || to !== b.id || message.kind !== 'heartbeat') return false
      greeting ??= message
      return greeting === message
    }
    passing(pump, 4000)
    pump.link(third, b)
    passing(pump, 400)
    expect(b.core.view.member(third.id)).toBeDefined()
    expect(b.core.view.member(a.id)).toBeUndefined()
    b.feed({ kind: 'message', from: third.id, message: greeting! })
    pump.settle()
    expect(b.core.view.member(a.id)).toBeDefined()
  })
})

describe('a grant that died with its giver, and is running', () => {
  test('is not run beside itself: the reclaim waits for what the confirmer had written', () => {
    const { pump, b, others, taskId } = hiddenGrant()
    const heir = first(taskId, others)
    passing(pump, MINUTE_MS)
    expect(heir.record(taskId).claim).toMatchObject({ holder: heir.boot, epoch: 1 })
    expect(heir.waitsFor(taskId)).toContain('claim on confirmation')
    expect(others.flatMap(node => starts(node, taskId))).toEqual([])
    expect(b.running.has(taskId)).toBe(true)
    pump.lose = () => false
    pump.mute.clear()
    passing(pump, 2000)
    expect(others.flatMap(node => starts(node, taskId))).toEqual([])
    expect(heir.record(taskId).claim).toMatchObject({ holder: b.boot, epoch: 1, cause: 'grant' })
    b.end(taskId)
    pump.settle()
    for (const node of [b, ...others]) expect(node.state(taskId)).toBe('completed')
  })

  test('and whose runner dies, too, is run by the reclaimer', () => {
    const { pump, b, others, taskId } = hiddenGrant()
    passing(pump, 2000)
    pump.crash(b)
    passing(pump, 2000)
    expect(others.flatMap(node => starts(node, taskId))).toEqual([1])
  })
})

describe('a completion that was on its way when its maker died', () => {
  test('is told to the reclaimer at once by whoever had confirmed the reclaim before it came', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    b.worker(1)
    pump.settle()
    expect(b.running.has(taskId)).toBe(true)
    passing(pump, 2000)
    const late: Message[] = []
    pump.lose = (from, _to, message) => {
      if (from === b.id && message.kind === 'batch') late.push(message)
      return from === b.id
    }
    b.end(taskId)
    pump.settle()
    passing(pump, 400)
    pump.crash(b)
    pump.settle()
    passing(pump, 400)
    const heir = first(taskId, [a, c])
    const confirmer = heir === a ? c : a
    expect(heir.record(taskId).claim).toMatchObject({ holder: heir.boot, cause: 'reclaim' })
    expect(heir.waitsFor(taskId)).not.toContain('claim on confirmation')
    expect(heir.state(taskId)).not.toBe('completed')
    expect(late).not.toEqual([])
    for (const message of late) confirmer.feed({ kind: 'message', from: b.id, message })
    pump.settle()
    expect(heir.state(taskId)).toBe('completed')
  })
})

describe('a grant that turns up after its epoch was reclaimed', () => {
  /** a has granted its task to b, died before anybody heard of it, and comes back when c runs it by a reclaim. */
  function overtaken(): { pump: Pump; nodes: PumpNode[]; heir: PumpNode; taskId: TaskId } {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const taskId = a.submit()
    pump.settle()
    pump.lose = from => from === 'a'
    pump.mute.add('a')
    const steal: Message = {
      kind: 'steal',
      request: 1,
      boot: b.boot,
      want: 1,
      handlers: ['work'],
      labels: {}
    }
    a.feed({ kind: 'worker', slots: 0, handlers: ['work'] })
    a.feed({ kind: 'message', from: 'b', message: steal })
    pump.settle()
    expect(a.record(taskId).claim).toMatchObject({ holder: b.boot, epoch: 1, cause: 'grant' })
    for (const node of [b, c]) node.worker(1)
    pump.crash(a)
    pump.lose = () => false
    pump.mute.clear()
    passing(pump, 2000)
    const heir = first(taskId, [b, c])
    expect(starts(heir, taskId)).toEqual([1])
    const again = pump.restart(a, bootOf('a', 2))
    return { pump, nodes: [b, c, again], heir, taskId }
  }

  test('is not started, but reclaimed anew, and the run that it overtakes is aborted', () => {
    const { pump, nodes, heir, taskId } = overtaken()
    const [b, c] = nodes as [PumpNode, PumpNode]
    passing(pump, 5000)
    expect(b.record(taskId).claim).toMatchObject({ holder: b.boot, epoch: 2, cause: 'reclaim' })
    expect(starts(b, taskId)).toEqual(heir === b ? [1, 2] : [2])
    expect(starts(c, taskId)).toEqual(heir === c ? [1] : [])
    expect(heir.of('abort')).toContainEqual({ kind: 'abort', taskId, epoch: 1 })
    expect(nodes.filter(node => node.running.has(taskId))).toEqual([b])
    b.end(taskId)
    pump.settle()
    for (const node of nodes) expect(node.state(taskId)).toBe('completed')
  })
})

describe('two that reclaim one epoch', () => {
  test('never both start it, also if one had started before it could know of the other', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const ids = Array.from({ length: 12 }, () => runningOn(pump, a))
    pump.crash(a)
    b.worker(ids.length)
    // It comes back on the other side of a cut: b takes it for dead, and it has to wait for b.
    const again = pump.restart(a, bootOf('a', 2))
    pump.link(again, b, false)
    again.worker(ids.length)
    passing(pump, 5000)
    expect(ids.flatMap(id => starts(b, id))).toEqual(ids.map(() => 1))
    expect(ids.flatMap(id => starts(again, id))).toEqual([])
    const theirs = ids.filter(id => rendezvousWeight(id, 'a') > rendezvousWeight(id, 'b'))
    expect(theirs.length).toBeGreaterThan(0)
    pump.link(again, b)
    passing(pump, 3000)
    for (const id of ids) {
      expect(starts(again, id)).toEqual(theirs.includes(id) ? [2] : [])
      expect(again.record(id)).toEqual(b.record(id))
      expect([again, b].filter(node => node.running.has(id))).toHaveLength(1)
    }
  })

  test('come to one holder everywhere, and it does run, once', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const ids = Array.from({ length: 12 }, () => runningOn(pump, a))
    pump.lose = (from, to, { kind }) => kind !== 'heartbeat' && from !== 'a' && to !== 'a'
    for (const node of ['b', 'c']) pump.mute.add(node)
    pump.crash(a)
    passing(pump, 2 * stepInMs)
    for (const id of ids) {
      expect(b.record(id).claim).toMatchObject({ holder: b.boot, epoch: 1 })
      expect(c.record(id).claim).toMatchObject({ holder: c.boot, epoch: 1 })
    }
    for (const node of [b, c]) node.worker(ids.length)
    pump.lose = () => false
    pump.mute.clear()
    passing(pump, 3000)
    for (const id of ids) {
      const { holder } = b.record(id).claim
      expect(c.record(id)).toEqual(b.record(id))
      const holderNode = holder === b.boot ? b : c
      const other = holder === b.boot ? c : b
      expect(starts(holderNode, id)).toEqual([1])
      expect(starts(other, id)).toEqual([])
    }
  })
})
