/** The way of a task, out of what is remembered of it. */
import { expect, test } from 'vitest'
import type { NodeEvent, TaskView } from '../../../src/node/api/node-api.ts'
import { legsOf } from '../../../src/dashboard/page/task/legs.ts'

const at = (ms: number): string => new Date(ms).toISOString()

function task(change: Partial<TaskView>): TaskView {
  const base = {
    submittedAt: at(0),
    submittedBy: 'a/1',
    holder: 'b/2',
    state: 'completed',
    attempt: 1
  }
  return { ...base, startedAt: at(2000), settledAt: at(5000), ...change } as TaskView
}

function event(name: string, ms: number, fields: Record<string, string | number>): NodeEvent {
  return { v: 1, at: at(ms), event: `task:${name}`, cursor: 'a:1', ...fields }
}

test('it waited, was stolen, failed, waited again, and ran to its end', () => {
  const history = [
    event('submitted', 0, { node: 'a/1' }),
    event('stolen', 1000, { node: 'b/2', from: 'a/1' }),
    event('started', 1500, { node: 'b/2', attempt: 1 }),
    event('retrying', 2000, { node: 'b/2', attempt: 2 }),
    event('started', 3000, { node: 'b/2', attempt: 2 }),
    event('completed', 5000, { node: 'b/2' })
  ]
  const legs = legsOf(task({ startedAt: at(3000) }), history)
  expect(
    legs.map(({ kind, fromMs, toMs, node, end, via }) => [kind, fromMs, toMs, node, end, via])
  ).toEqual([
    ['waited', 0, 1000, 'a/1', null, null],
    ['waited', 1000, 1500, 'b/2', null, 'stolen'],
    ['ran', 1500, 2000, 'b/2', 'failed', null],
    ['waited', 2000, 3000, 'b/2', null, null],
    ['ran', 3000, 5000, 'b/2', 'completed', null]
  ])
})

test('what the node has forgotten is filled in by the task', () => {
  expect(legsOf(task({}), [])).toMatchObject([
    { kind: 'waited', fromMs: 0, toMs: 2000 },
    { kind: 'ran', fromMs: 2000, toMs: 5000, node: 'b/2', end: 'completed' }
  ])
})

test('what goes on has no end, and what never ran none of an attempt', () => {
  expect(legsOf(task({ state: 'running', settledAt: null }), []).at(-1)).toMatchObject({
    kind: 'ran',
    toMs: null
  })
  expect(legsOf(task({ state: 'cancelled', startedAt: null }), [])).toMatchObject([
    { kind: 'waited', toMs: 5000, end: 'cancelled' }
  ])
})

test('a run that was taken over was lost', () => {
  const history = [
    event('started', 1000, { node: 'b/2', attempt: 1 }),
    event('reclaimed', 3000, { node: 'a/1', from: 'b/2' }),
    event('started', 3500, { node: 'a/1', attempt: 1 })
  ]
  const legs = legsOf(task({ startedAt: at(3500), holder: 'a/1' }), history)
  expect(legs.map(({ kind, end }) => [kind, end])).toEqual([
    ['waited', null],
    ['ran', 'lost'],
    ['waited', null],
    ['ran', 'completed']
  ])
})
