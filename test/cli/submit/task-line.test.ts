/** The schema of a line of a file of tasks, and what is made of such a line, are one. */
import { describe, expect, test } from 'vitest'
import { readEachLine } from '../../../src/cli/submit/each-line.ts'
import { taskLine } from '../task-line.ts'

const ID = '01a20906-f693-8000-8000-00017cdaf76b'
const read = (line: unknown): unknown =>
  readEachLine(JSON.stringify(line), 1, {
    type: 'any',
    options: {},
    idempotencyPrefix: undefined
  })

describe('a line of a file of tasks', () => {
  test.each([
    {},
    { type: 'a', payload: { deep: [1, null, 'x'] }, priority: 10 },
    { ref: 'doc4', dependsOn: ['ref:doc 5', ID, '7cdaf76b'], onDependencyFailure: 'run' },
    { maxRetries: 0, maxLost: 15, backoff: { delay: '500ms', factor: 1.5, jitter: 0 } },
    { timeout: 500, deadline: '5h', delay: '1.5h', retention: '1d' },
    { runAt: '2126-01-31T12:00:00Z' },
    { labels: { require: { gpu: 1, zone: ['a', 'b'] }, prefer: { memory: '>=16' } } },
    { idempotencyKey: 'k', delivery: 'at-most-once', tags: ['x'], acks: 2 }
  ])('%j is one by its schema and when it is read', line => {
    expect(taskLine.safeParse(line).error).toBeUndefined()
    expect(() => read(line)).not.toThrow()
  })

  test.each([
    [],
    'a',
    { prio: 1 },
    { type: '' },
    { type: 'x'.repeat(129) },
    { ref: '' },
    { ref: 7 },
    { ref: 'x'.repeat(97) },
    { priority: 11 },
    { priority: '5' },
    { dependsOn: 'ref:a' },
    { dependsOn: [7] },
    { onDependencyFailure: 'ignore' },
    { maxRetries: 1001 },
    { backoff: { max: 1 } },
    { timeout: 'soon' },
    { labels: { must: {} } },
    { labels: { require: { 'a b': 1 } } },
    { tags: [''] },
    { delivery: 'once' }
  ])('%j is none, by either', line => {
    expect(taskLine.safeParse(line).success).toBe(false)
    expect(() => read(line)).toThrow()
  })
})
