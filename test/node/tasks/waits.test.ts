/** Callers that wait for tasks to settle: what is kept for them, and for how long. */
import { expect, test } from 'vitest'
import type { TaskRecord } from '../../../src/core/task/record.ts'
import { Waits } from '../../../src/node/tasks/waits.ts'

const recordOf = (id: string): TaskRecord => ({ spec: { id } }) as TaskRecord

/** Waits of somebody who goes away with a signal, and what came of them. */
function reader(waits: Waits) {
  const gone = new AbortController()
  const heard: string[] = []
  const follow = (id: string): void =>
    waits.addUntil(gone.signal, id, {
      resolve: ({ spec }) => void heard.push(spec.id),
      reject: () => void heard.push(`no ${id}`)
    })
  return { gone, heard, follow }
}

test('of whoever goes away nothing is kept, however many tasks it waited for; others wait on', () => {
  const waits = new Waits()
  const [leaver, other] = [reader(waits), reader(waits)]
  const ids = Array.from({ length: 1000 }, (_, i) => `task ${i}`)
  for (const id of ids) leaver.follow(id)
  other.follow('task 7')
  expect(waits.size).toBe(ids.length)
  leaver.gone.abort()
  expect(waits.size).toBe(1)
  leaver.follow('task 8')
  expect(waits.size).toBe(1)
  for (const id of ids) waits.release(recordOf(id))
  expect([leaver.heard, other.heard]).toEqual([[], ['task 7']])
})

test('who stays is told of each task once, also when it goes away afterwards', () => {
  const waits = new Waits()
  const { gone, heard, follow } = reader(waits)
  for (const id of ['a', 'b']) follow(id)
  waits.release(recordOf('a'))
  waits.pruned('b')
  follow('a')
  gone.abort()
  waits.release(recordOf('a'))
  expect(heard).toEqual(['a', 'no b'])
})
