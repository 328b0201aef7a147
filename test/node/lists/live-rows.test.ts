/** What one reader of the live view is told of tasks: each change once, some at a time, and what is beyond as a number. */
import { expect, test } from 'vitest'
import type { TaskId } from '../../../src/core/base/ids.ts'
import type { TaskRow } from '../../../src/node/api/lists-api.ts'
import { LINE_ROWS_MAX, LiveRows } from '../../../src/node/lists/live-rows.ts'
import { Replica } from './replica.ts'

function scene(count: number): { replica: Replica; rows: LiveRows; ids: TaskId[] } {
  const replica = new Replica()
  for (let n = 0; n < count; n++) replica.add({ atMs: n })
  const rows = new LiveRows({
    record: id => replica.core.record(id),
    row: ({ spec, outcome }) => ({ id: spec.id, state: outcome?.status ?? 'queued' }) as TaskRow
  })
  return { replica, rows, ids: replica.ids }
}

test('an event that changes nothing of a row is not told', () => {
  const { replica, rows, ids } = scene(1)
  rows.changed(ids[0]!)
  expect(rows.take()?.tasks).toHaveLength(1)
  rows.changed(ids[0]!)
  expect(rows.take()).toBeNull()
  replica.change(ids[0]!, { state: 'completed' })
  rows.changed(ids[0]!)
  expect(rows.take()?.tasks).toMatchObject([{ state: 'completed' }])
})

test('more than a line holds comes in the next ones, each once', () => {
  const { rows, ids } = scene(2 * LINE_ROWS_MAX + 1)
  for (const id of ids) rows.changed(id)
  const lines: TaskId[][] = []
  for (let line = rows.take(); line !== null; line = rows.take()) {
    lines.push(line.tasks.map(({ id }) => id))
    expect(rows.isUpToDate).toBe(lines.length === 3)
  }
  expect(lines.map(line => line.length)).toEqual([LINE_ROWS_MAX, LINE_ROWS_MAX, 1])
  expect(lines.flat()).toEqual(ids)
})

test('a task that was pruned is told as gone, once, and not as changed', () => {
  const { replica, rows, ids } = scene(2)
  for (const id of ids) rows.changed(id)
  replica.remove(ids[0]!)
  rows.pruned(ids[0]!)
  expect(rows.take()).toMatchObject({ gone: [ids[0]], tasks: [{ id: ids[1] }] })
  expect(rows.take()).toBeNull()
})

test('rows that were told are looked at again in turn, however many there are', () => {
  const { rows, ids } = scene(3 * LINE_ROWS_MAX)
  // They have come to another state without an event.
  for (const id of ids) rows.tell({ id, state: 'waiting' } as TaskRow)
  const seen = new Set<TaskId>()
  for (let n = 1; n <= 3; n++) {
    rows.review()
    for (const { id } of rows.take()!.tasks) seen.add(id)
    expect(seen.size).toBe(n * LINE_ROWS_MAX)
  }
})
