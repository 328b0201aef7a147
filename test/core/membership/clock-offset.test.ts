/** Clocks that differ: who is off is told by the middle one of all, from the promptest of the last heartbeats. */
import { describe, expect, test } from 'vitest'
import {
  clockOffsetOf,
  correctionOf,
  noteClock,
  skewed,
  type OwnTime
} from '../../../src/core/membership/clock-offset.ts'
import { newMember, type Member } from '../../../src/core/membership/member.ts'
import type { Input } from '../../../src/core/input.ts'
import type { CoreOptions } from '../../../src/core/options.ts'
import { announce, passing, starts } from '../../support/crashes.ts'
import { Pump, pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf } from '../../support/tasks.ts'
import '../forbid.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

function member(node: string, ...offsets: number[]): Member {
  const made = newMember(heartbeatOf(bootOf(node)))
  for (const offset of offsets) noteClock(made, { ...made.heartbeat, clockMs: 1e6 + offset }, 1e6)
  return made
}

const names = (members: readonly Member[]): string[] => members.map(({ node }) => node)

describe('the clock of a member', () => {
  test('is unknown until it has spoken itself', () => {
    expect(clockOffsetOf(member('b'))).toBe(null)
  })

  test('is told by the heartbeat that came with the least delay, of the last five', () => {
    expect(clockOffsetOf(member('b', -3000, 5, -800))).toBe(5)
    expect(clockOffsetOf(member('b', 9000, 1, 2, 3, 4, 0))).toBe(4)
  })

  test('is wrong where it is a minute from the middle one', () => {
    const [right, wrong] = [member('b', 10), member('c', 2 * MINUTE_MS)]
    expect(names(skewed([right, wrong]))).toEqual(['c'])
    expect(names(skewed([member('b', 50_000), right]))).toEqual([])
  })

  test('is right where ours is the wrong one', () => {
    const ahead = ['b', 'c', 'd'].map(node => member(node, 5 * MINUTE_MS))
    expect(skewed(ahead)).toEqual([])
  })

  test('may be the wrong one of two, if they are far apart', () => {
    expect(names(skewed([member('b', 3 * MINUTE_MS)]))).toEqual(['b'])
  })
})

describe('our own clock', () => {
  const hourAhead = ['b', 'c', 'd'].map(node => member(node, HOUR_MS))
  const at = (currentMs: number): OwnTime => ({ ownMs: 1e6, currentMs })

  test('is corrected where it is a minute from the middle one', () => {
    expect(correctionOf(hourAhead, at(0))).toBe(HOUR_MS)
    expect(correctionOf([member('b', 50_000), member('c', 50_000)], at(0))).toBe(0)
    expect(correctionOf([member('b', HOUR_MS), member('c', 10)], at(0))).toBe(0)
  })

  test('is left alone beside one other: either may be wrong', () => {
    expect(correctionOf([member('b', HOUR_MS)], at(0))).toBe(0)
    expect(correctionOf([], at(HOUR_MS))).toBe(HOUR_MS)
  })

  test('is not corrected by words that seem to be behind because they have waited here', () => {
    const behind = (ms: number): Member[] => ['b', 'c', 'd'].map(node => member(node, -ms))
    const prompt: OwnTime = { ownMs: 1e9, currentMs: 0 }
    const late: OwnTime = { ...prompt, lateMs: 2 * MINUTE_MS }
    expect(correctionOf(behind(2 * MINUTE_MS), prompt)).toBe(-2 * MINUTE_MS)
    expect(correctionOf(behind(2 * MINUTE_MS), late)).toBe(0)
    expect(correctionOf(behind(HOUR_MS), late)).toBe(-HOUR_MS)
    expect(correctionOf(hourAhead, late)).toBe(HOUR_MS)
    // Its own clock has been set back by an hour just then.
    const set = { ...late, steadyMs: HOUR_MS }
    expect(correctionOf(behind(MINUTE_MS - HOUR_MS), set)).toBe(HOUR_MS)
  })

  test('goes on as before where half of the clocks show one time, and half another', () => {
    const halves = [member('b', 5), member('c', HOUR_MS), member('d', HOUR_MS - 5)]
    expect(correctionOf(halves, at(0))).toBe(0)
    expect(correctionOf(halves, at(HOUR_MS))).toBe(HOUR_MS)
    expect(correctionOf(halves, { ...at(0), steadyMs: HOUR_MS })).toBe(HOUR_MS)
  })

  test('does not waver with the middle one', () => {
    const later = ['b', 'c', 'd'].map(node => member(node, HOUR_MS - 300))
    expect(correctionOf(later, at(HOUR_MS))).toBe(HOUR_MS)
  })
})

/** Three nodes that have been up for a while, and the third one's clock is wrong. */
function withWrongClock(
  skewMs: number,
  options: Partial<CoreOptions> = {}
): { pump: Pump; right: PumpNode; wrong: PumpNode } {
  const pump = new Pump()
  pump.now = 10 * HOUR_MS
  const nodes = ['a', 'b', 'c'].map(name => pump.add(bootOf(name), options))
  const [a, b, c] = nodes as [PumpNode, PumpNode, PumpNode]
  c.skewMs = skewMs
  pump.link(a, b)
  pump.link(b, c)
  pump.link(a, c)
  for (const node of nodes) announce(pump, node)
  passing(pump, 3000)
  return { pump, right: a, wrong: c }
}

describe.each([
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS]
])('a node whose clock is an hour %s', (_, skewMs) => {
  test('starts what is to wait when it is time for the others', () => {
    const { pump, wrong } = withWrongClock(skewMs)
    wrong.worker(1)
    const id = wrong.submit({ notBefore: pump.now + 10_000 })
    passing(pump, 9000)
    expect(wrong.state(id)).toBe('delayed')
    passing(pump, 2000)
    expect(starts(wrong, id)).toEqual([0])
  })

  test('stamps what the others would, and ends by their deadline what was submitted here and there', () => {
    const { pump, right, wrong } = withWrongClock(skewMs)
    const ids = [right.submit({ deadlineMs: 5000 }), wrong.submit({ deadlineMs: 5000 })]
    pump.settle()
    for (const id of ids) {
      expect(Math.abs(right.record(id).spec.submittedAt / 1000 - pump.now)).toBeLessThan(1000)
    }
    passing(pump, 4000)
    expect(ids.map(id => right.state(id))).toEqual(['queued', 'queued'])
    passing(pump, 2000)
    expect(ids.map(id => right.state(id))).toEqual(['failed', 'failed'])
  })

  test('knows for as long as the others which keys have had their task', () => {
    const { pump, right, wrong } = withWrongClock(skewMs, {
      settledMax: 0,
      roomMs: 0,
      roomPressedMs: 0,
      retainCompletedMs: HOUR_MS / 2
    })
    wrong.worker(1)
    const submitted = { idempotencyKey: 'order 66' }
    const id = wrong.submit(submitted)
    passing(pump, 3000)
    wrong.end(id)
    passing(pump, 3000)
    for (const node of [right, wrong]) {
      expect(node.state(id)).toBe('unknown')
      node.submit(submitted)
      pump.settle()
      expect(node.of('accepted').at(-1)).toMatchObject({ deduplicated: 'forgotten' })
    }
    pump.pass(HOUR_MS / 2)
    for (const node of [right, wrong]) expect(node.core.view.isForgotten(id)).toBe(false)
  })

  test('and that stood still goes by the time that it knew, while it hears what was said meanwhile', () => {
    const { pump, wrong } = withWrongClock(skewMs)
    const late: Input[] = []
    pump.lose = (from, to, message) => {
      if (to !== wrong.id || message.kind !== 'heartbeat') return false
      late.push({ kind: 'message', from, message })
      return true
    }
    wrong.gone = true
    passing(pump, 20_000)
    wrong.gone = false
    expect(late.length).toBeGreaterThan(10)
    for (const input of late) {
      wrong.feed(input)
      wrong.feed({ kind: 'tick' })
      const offMs = wrong.core.view.wallMs(pump.now + wrong.skewMs) - pump.now
      expect(Math.abs(offMs)).toBeLessThan(1000)
    }
  })

  test('says so itself, once', () => {
    const { pump, wrong } = withWrongClock(skewMs)
    passing(pump, 10_000)
    const events = wrong.of('notify').map(({ event }) => event)
    expect(events.filter(({ name }) => name === 'node:clock-skew')).toMatchObject([{ node: 'c' }])
  })
})

test('a node whose clock was set back while it was away is heard, and stamps by the new time', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b', HOUR_MS * 1000)])
  for (const node of pump.nodes) announce(pump, node)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  pump.crash(b)
  passing(pump, 1000)
  expect(pump.now).toBeLessThan(HOUR_MS)
  // As the data folder has it: after the last start, whatever the clock says now.
  const again = pump.restart(b, bootOf('b', HOUR_MS * 1000 + 1))
  announce(pump, again)
  passing(pump, 3000)
  expect(a.core.view.member('b')?.heartbeat).toMatchObject({ boot: again.boot, vector: new Map() })
  again.worker(1)
  passing(pump, 2000)
  expect(a.core.view.member('b')?.heartbeat.slots).toBe(1)
  const id = again.submit()
  expect(Math.abs(again.record(id).spec.submittedAt / 1000 - pump.now)).toBeLessThan(1000)
})

/** As a whole: `c` has a clock of its own, of which it stamps nothing that the others adopt. */
test('a member whose clock is two minutes ahead is told of once, by each of the others', () => {
  const pump: Pump = pumpOf(['a', 'b', 'c'].map(name => bootOf(name)))
  for (const node of pump.nodes) announce(pump, node)
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  const ahead = (): void => {
    const clockMs = pump.now + 2 * MINUTE_MS
    for (const node of [a, b]) {
      const heartbeat = heartbeatOf(c.boot, { at: pump.now * 1000, clockMs })
      node.feed({ kind: 'message', from: c.id, message: heartbeat })
    }
  }
  for (let second = 0; second < 5; second++) {
    ahead()
    passing(pump, 1000)
  }
  for (const node of [a, b]) {
    const events = node.of('notify').map(({ event }) => event)
    const skews = events.filter(({ name }) => name === 'node:clock-skew')
    expect(skews).toMatchObject([{ node: 'c', nodeName: 'test/c' }])
  }
})
