/** Runs as the node tells them, and as events add to them. */
import { beforeEach, expect, test } from 'vitest'
import type { NodeEvent } from '../../../src/node/api/node-api.ts'
import { place } from '../../../src/dashboard/page/stream/rows.ts'
import {
  runningOn,
  spans,
  takeEvents,
  takeSpans,
  type Span
} from '../../../src/dashboard/page/stream/spans.ts'

beforeEach(() => {
  spans.value = new Map()
})

function event(
  name: string,
  atMs: number,
  fields: Record<string, string | number> = {}
): NodeEvent {
  const at = new Date(atMs).toISOString()
  return { v: 1, at, event: `task:${name}`, cursor: 'a:1', taskId: 't', type: 'render', ...fields }
}

function span(change: Partial<Span>): Span {
  const from = { task: 't', type: 'render', node: 'a/1', pool: 'default', slot: 0, attempt: 1 }
  const how = { fromMs: 0, toMs: null, outcome: null, via: 'submitted', movedFrom: null }
  return { ...from, ...how, ...change }
}

const all = (): Span[] => [...spans.value.values()]

test('a start begins a run, and an end ends it', () => {
  takeEvents([event('started', 1000, { node: 'a/1', attempt: 1 })])
  expect(runningOn('a/1')).toMatchObject([{ task: 't', fromMs: 1000, toMs: null }])
  takeEvents([event('completed', 3000, { node: 'a/1' })])
  expect(all()).toMatchObject([{ toMs: 3000, outcome: 'completed' }])
  expect(runningOn('a/1')).toEqual([])
})

test('what was taken over was lost where it ran, and comes from there', () => {
  takeEvents([
    event('started', 1000, { node: 'b/2', attempt: 1 }),
    event('reclaimed', 4000, { node: 'a/1', from: 'b/2' }),
    event('started', 4100, { node: 'a/1', attempt: 1 })
  ])
  expect(all()).toMatchObject([
    { node: 'b/2', toMs: 4000, outcome: 'lost' },
    { node: 'a/1', toMs: null, via: 'reclaimed', movedFrom: 'b/2' }
  ])
})

test('what the node tells has the slot, and is not older than an event', () => {
  takeEvents([
    event('stolen', 900, { node: 'a/1', from: 'b/2' }),
    event('started', 1000, { node: 'a/1', attempt: 1 }),
    event('failed', 2000, { node: 'a/1' })
  ])
  takeSpans([span({ fromMs: 998, slot: 2, via: 'stolen' })])
  expect(all()).toMatchObject([{ slot: 2, toMs: 2000, outcome: 'failed', movedFrom: 'b/2' }])
})

test('runs that overlap are on rows of their own; a slot that is known is kept', () => {
  const slots = new Map([['a/1', 2]])
  const { placed, rows } = place(
    [
      span({ task: 'x', slot: null, fromMs: 0, toMs: 10 }),
      span({ task: 'y', slot: null, fromMs: 5, toMs: 20 }),
      span({ task: 'z', slot: null, fromMs: 12, toMs: 30 }),
      span({ task: 'k', slot: 3, fromMs: 0, toMs: 5 })
    ],
    slots
  )
  const rowOf = new Map(placed.map(({ task, row }) => [task, row]))
  expect(rowOf.get('k')).toBe(3)
  expect(rowOf.get('x')).not.toBe(rowOf.get('y'))
  expect(rowOf.get('y')).not.toBe(rowOf.get('z'))
  expect(rows.get('a/1')).toBe(4)
})

test('news that is late does not give a node more rows than it has slots', () => {
  const one = span({ task: 'x', slot: null, fromMs: 0, toMs: 100 })
  const next = span({ task: 'y', slot: null, fromMs: 90, toMs: 200 })
  expect(place([one, next], new Map([['a/1', 1]])).rows.get('a/1')).toBe(1)
})
