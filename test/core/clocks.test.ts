/** Clocks that differ: who is off is told by the middle one of all, from the promptest of the last heartbeats. */
import { describe, expect, test } from 'vitest'
import { clockOffsetOf, noteClock, skewed } from '../../src/core/members/clocks.ts'
import { newMember, type Member } from '../../src/core/members/member.ts'
import { announce, passing } from '../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../support/pump.ts'
import { bootOf, heartbeatOf } from '../support/tasks.ts'
import './forbid.ts'

const MINUTE_MS = 60_000

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
