/** Who left in good order is not called crashed when all that saw it go are started again. */
import { expect, test } from 'vitest'
import type { MemberView } from '../../../src/core/view.ts'
import { memberView } from '../../../src/node/queries/views.ts'
import { announce, cluster, passing } from '../../support/crashes.ts'
import type { Pump, PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'

const MINUTE_MS = 60_000

function memberOf(pump: Pump, of: PumpNode, id: string): MemberView | undefined {
  const members = of.core.view.members(pump.now)
  return members.find(({ heartbeat }) => heartbeat.name === `test/${id}`)
}

function statusOf(pump: Pump, of: PumpNode, id: string): string | undefined {
  return memberOf(pump, of, id)?.status
}

/** As users are shown it. */
function shownStatus(pump: Pump, of: PumpNode, id: string): string | null {
  return memberView(memberOf(pump, of, id)!, undefined).status
}

function crashesTold(of: PumpNode): string[] {
  return of
    .of('notify')
    .filter(({ event }) => event.name === 'node:crashed')
    .map(({ event }) => ('nodeName' in event ? event.nodeName : ''))
}

/** One says goodbye and ends. */
function leave(pump: Pump, node: PumpNode): void {
  node.feed({ kind: 'leave', abort: false })
  passing(pump, 3000)
  pump.crash(node)
  passing(pump, 1000)
}

function again(pump: Pump, node: PumpNode): PumpNode {
  const restarted = pump.restart(node, bootOf(node.id, 9_000_000))
  announce(pump, restarted)
  return restarted
}

test('by those that heard its goodbye', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  leave(pump, c)
  for (const node of [a, b]) expect(statusOf(pump, node, 'c')).toBe('left')
  pump.crash(a, b)
  passing(pump, MINUTE_MS)
  const both = [a, b].map(node => again(pump, node))
  passing(pump, MINUTE_MS)
  for (const node of both) {
    expect(statusOf(pump, node, 'c')).toBe('left')
    expect(crashesTold(node)).toEqual([])
  }
})

test('by one that was gone before, and is told of the departure', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  leave(pump, a)
  leave(pump, c)
  leave(pump, b)
  passing(pump, MINUTE_MS)
  const both = [b, a].map(node => again(pump, node))
  passing(pump, MINUTE_MS)
  for (const node of both) {
    expect(statusOf(pump, node, 'c')).toBe('left')
    expect(crashesTold(node)).toEqual([])
  }
})

test('by one that comes back first of all, before anybody can tell it', () => {
  const pump = cluster(3)
  const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
  for (const node of [a, c, b]) leave(pump, node)
  passing(pump, MINUTE_MS)
  const first = again(pump, a)
  passing(pump, MINUTE_MS)
  for (const id of ['b', 'c']) expect(shownStatus(pump, first, id)).toBe('unreachable')
  again(pump, b)
  passing(pump, MINUTE_MS)
  expect(shownStatus(pump, first, 'b')).toBe('alive')
  expect(shownStatus(pump, first, 'c')).toBe('left')
  expect(crashesTold(first)).toEqual([])
})

test('but who is heard, and dies, is', () => {
  const pump = cluster(3)
  const [a, , c] = pump.of as [PumpNode, PumpNode, PumpNode]
  pump.crash(c)
  passing(pump, MINUTE_MS)
  expect(shownStatus(pump, a, 'c')).toBe('crashed')
  expect(crashesTold(a)).toEqual(['test/c'])
})
