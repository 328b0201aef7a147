/** Who asks whom for how much, and who gives what. */
import { describe, expect, test } from 'vitest'
import { bootOf, can, entryOf, heartbeatOf, idOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { MessageSize } from '../../../src/core/log/message-size.ts'
import { newMember, type Member } from '../../../src/core/membership/member.ts'
import type { Heartbeat } from '../../../src/core/message.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { ReadyQueue } from '../../../src/core/queue/ready-queue.ts'
import { giveAway, share } from '../../../src/core/steal/victim.ts'
import { RuntimeEstimate } from '../../../src/core/scheduling/runtime-estimate.ts'
import { DrainPlacement } from '../../../src/core/steal/drain-placement.ts'
import { Thief } from '../../../src/core/steal/thief.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]
const { stealTimeoutMs, stealPauseMs, stealMax, stealAheadMsMin, stealAheadMsMax } = CORE_DEFAULTS

function thief(): Thief {
  return new Thief(A, CORE_DEFAULTS, { count: 0 })
}

describe('a thief', () => {
  test('asks the holder with the longest queue', () => {
    const question = thief().ask(0, [
      { holder: B, ready: 1 },
      { holder: C, ready: 2 }
    ])
    expect(question).toEqual({ request: 1, holder: C })
  })

  test('asks nobody if nobody has anything', () => {
    const asking = thief()
    expect(asking.ask(0, [])).toBeNull()
    expect(asking.mayAsk(0)).toBe(true)
  })

  test('has one question open, until it is answered or given up', () => {
    const asking = thief()
    const { request } = asking.ask(0, [{ holder: B, ready: 1 }])!
    expect(asking.mayAsk(stealTimeoutMs - 1)).toBe(false)
    expect(asking.mayAsk(stealTimeoutMs)).toBe(true)
    asking.answered(5, B, request, 1)
    expect(asking.mayAsk(5)).toBe(true)
  })

  test('takes no answer to another question, or from another holder, for the answer', () => {
    const asking = thief()
    const { request } = asking.ask(0, [{ holder: B, ready: 1 }])!
    asking.answered(1, B, request + 1, 0)
    asking.answered(1, C, request, 0)
    expect(asking.mayAsk(1)).toBe(false)
    asking.answered(1, B, request, 0)
    expect(asking.mayAsk(1)).toBe(true)
    asking.answered(2, B, request, 0)
    expect(asking.ask(1 + stealPauseMs, [{ holder: B, ready: 1 }])).not.toBeNull()
  })

  test('asks a holder that did not answer again after a while, however often it looked in between', () => {
    const asking = thief()
    const backlog = [{ holder: B, ready: 1 }]
    asking.ask(0, backlog)
    for (let now = stealTimeoutMs; now < stealTimeoutMs + stealPauseMs; now += 50) {
      expect(asking.ask(now, backlog)).toBeNull()
    }
    expect(asking.ask(stealTimeoutMs + stealPauseMs, backlog)).toEqual({ request: 2, holder: B })
  })

  test('asks another holder than the one that did not answer, although the queue of that one grows', () => {
    const asking = thief()
    expect(asking.ask(0, [{ holder: B, ready: 9 }])!.holder).toBe(B)
    const grown = { holder: B, ready: 10 }
    expect(asking.ask(stealTimeoutMs, [grown, { holder: C, ready: 1 }])!.holder).toBe(C)
  })

  test('leaves a holder that had nothing alone for a while', () => {
    const asking = thief()
    const backlog = [{ holder: B, ready: 3 }]
    asking.answered(0, B, asking.ask(0, backlog)!.request, 0)
    expect(asking.ask(stealPauseMs - 1, backlog)).toBeNull()
    expect(asking.ask(stealPauseMs - 1, [...backlog, { holder: C, ready: 1 }])!.holder).toBe(C)
  })

  test('asks it again when the while is over, or at once when its queue has grown', () => {
    const backlog = [{ holder: B, ready: 3 }]
    const later = thief()
    later.answered(0, B, later.ask(0, backlog)!.request, 0)
    expect(later.ask(stealPauseMs, backlog)).not.toBeNull()
    const grown = thief()
    grown.answered(0, B, grown.ask(0, backlog)!.request, 0)
    expect(grown.ask(1, [{ holder: B, ready: 4 }])).not.toBeNull()
  })

  test('does not pause after an answer with work', () => {
    const asking = thief()
    const backlog = [{ holder: B, ready: 3 }]
    asking.answered(0, B, asking.ask(0, backlog)!.request, 1)
    expect(asking.ask(0, backlog)).not.toBeNull()
  })

  test('spreads over holders of equal queues: not all thieves ask the same', () => {
    const backlogs = ['x', 'y', 'z'].map(node => ({ holder: bootOf(node), ready: 1 }))
    const asked = Array.from({ length: 30 }, (_, i) => {
      return new Thief(bootOf(`t${i}`), CORE_DEFAULTS, { count: 0 }).ask(0, backlogs)!.holder
    })
    expect(new Set(asked).size).toBe(3)
  })

  test('wants as much as it has slots for as long as it does not know how long a task runs', () => {
    expect(thief().wanted(3, undefined)).toBe(3)
  })

  test('wants the more ahead the shorter the tasks are, within a bound', () => {
    expect(thief().wanted(2, stealAheadMsMax)).toBe(2)
    expect(thief().wanted(2, stealAheadMsMin)).toBeGreaterThanOrEqual(4)
    expect(thief().wanted(2, stealAheadMsMin / 10)).toBeGreaterThanOrEqual(22)
    expect(thief().wanted(2, 0)).toBe(stealMax)
  })

  test('wants the more ahead the longer answers take, within bounds', () => {
    const after = (tripMs: number): number => {
      const asking = thief()
      for (let i = 0; i < 50; i++) {
        const { request, holder } = asking.ask(i * 1000, [{ holder: B, ready: 9 }])!
        asking.answered(i * 1000 + tripMs, holder, request, 1)
      }
      return asking.wanted(1, 1)
    }
    expect(after(0)).toBe(1 + stealAheadMsMin)
    expect(after(10)).toBeLessThan(after(20))
    expect(after(900)).toBe(1 + stealAheadMsMax)
  })

  test('with more slots than one grant may carry still wants to fill them', () => {
    const slots = stealMax * 4
    expect(thief().wanted(slots, 1000)).toBe(slots)
    expect(thief().wanted(slots, 0)).toBe(slots)
  })
})

describe('a fair share', () => {
  test.each([
    [0, 5, 2, 0],
    [1, 5, 2, 1],
    [10, 5, 2, 5],
    [10, 50, 2, 5],
    [10, 50, 3, 4],
    [10, 50, 0, 10],
    [10, 0, 2, 0]
  ])('of %i ready, %i wanted, between %i nodes is %i', (ready, want, sharers, expected) => {
    expect(share(ready, want, sharers)).toBe(expected)
  })
})

describe('giving away', () => {
  function queueOf(count: number, payload = 'null'): ReadyQueue {
    const queue = new ReadyQueue(A)
    for (let seq = 1; seq <= count; seq++) {
      queue.update(entryOf(taskOf(A, seq, { spec: { priority: seq % 10, payload } })), true)
    }
    return queue
  }

  test('begins with what is most urgent, and takes it out of the queue', () => {
    const queue = queueOf(9)
    const given = giveAway(queue, can(['work']), 2, 1_000_000, () => true)
    expect(given.map(({ record }) => record.spec.priority)).toEqual([9, 8])
    expect(queue.count(A, can(['work']))).toBe(7)
    expect(queue.peek(can(['work']))!.record.spec.priority).toBe(7)
  })

  test('passes over what has to stay, and leaves it in its place', () => {
    const queue = queueOf(3)
    const stays = idOf(A, 3)
    const given = giveAway(queue, can(['work']), 2, 1_000_000, ({ id }) => id !== stays)
    expect(given.map(({ id }) => id)).toEqual([idOf(A, 2), idOf(A, 1)])
    expect(queue.peek(can(['work']))!.id).toBe(stays)
  })

  test('ends at the bound on bytes, but gives at least one', () => {
    const queue = queueOf(50, `"${'x'.repeat(1000)}"`)
    const given = giveAway(queue, can(['work']), 50, 5000, () => true)
    const size = new MessageSize()
    for (const { record } of given.slice(0, -1)) size.add(record)
    expect(size.bytes).toBeLessThan(5000)
    expect(given.length).toBeGreaterThan(1)
    expect(given.length).toBeLessThan(10)
    expect(giveAway(queue, can(['work']), 50, 300, () => true)).toHaveLength(1)
  })

  test('of types that are not there gives nothing', () => {
    expect(giveAway(queueOf(3), can(['other']), 3, 1000, () => true)).toEqual([])
    expect(giveAway(queueOf(3), can([]), 3, 1000, () => true)).toEqual([])
  })
})

describe('the pace of a type', () => {
  test('is not known before it has run', () => {
    expect(new RuntimeEstimate().expectedMs(['work'])).toBeUndefined()
  })

  test('is that of its first run, then moves towards the newest', () => {
    const runtimeEstimate = new RuntimeEstimate()
    runtimeEstimate.ran('work', 100)
    expect(runtimeEstimate.expectedMs(['work'])).toBe(100)
    for (let i = 0; i < 30; i++) runtimeEstimate.ran('work', 10)
    expect(runtimeEstimate.expectedMs(['work'])).toBeCloseTo(10, 0)
  })

  test('of several types is that of the slowest, or unknown if one of them is', () => {
    const runtimeEstimate = new RuntimeEstimate()
    runtimeEstimate.ran('short', 1)
    runtimeEstimate.ran('long', 50)
    expect(runtimeEstimate.expectedMs(['short', 'long'])).toBe(50)
    expect(runtimeEstimate.expectedMs(['short', 'new'])).toBeUndefined()
  })
})

describe('placement', () => {
  function member(node: string, parts: Partial<Heartbeat> = {}): Member {
    return newMember(heartbeatOf(bootOf(node), parts))
  }

  function placed(members: readonly Member[], count: number): Record<string, number> {
    const placement = new DrainPlacement(members)
    const counts: Record<string, number> = {}
    for (let seq = 1; seq <= count; seq++) {
      const { node } = placement.place(entryOf(taskOf(A, seq)))!
      counts[node] = (counts[node] ?? 0) + 1
    }
    return counts
  }

  test('spreads evenly over equal members', () => {
    expect(placed([member('b'), member('c')], 10)).toEqual({ b: 5, c: 5 })
  })

  test('goes by load for each slot', () => {
    expect(placed([member('b', { slots: 3 }), member('c')], 8)).toEqual({ b: 6, c: 2 })
    expect(placed([member('b', { queued: 4, running: 2 }), member('c')], 6)).toEqual({ c: 6 })
  })

  test('prefers any member that can run the task to one that can only keep it', () => {
    const unable = [member('b', { handlers: [] }), member('d', { slots: 0 })]
    expect(placed([...unable, member('c', { queued: 99 })], 3)).toEqual({ c: 3 })
    expect(placed([unable[0]!], 1)).toEqual({ b: 1 })
  })

  test('never goes to one that is leaving itself', () => {
    expect(placed([member('b', { draining: true }), member('c')], 2)).toEqual({ c: 2 })
    const placement = new DrainPlacement([member('b', { draining: true })])
    expect(placement.place(entryOf(taskOf(A, 1)))).toBeUndefined()
  })
})
