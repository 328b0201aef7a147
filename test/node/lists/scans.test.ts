/** Looks at all tasks go one after the other, a few milliseconds at a time, and each ends by itself alone. */
import { describe, expect, test } from 'vitest'
import { Scans } from '../../../src/node/lists/scans.ts'
import type { TaskId } from '../../../src/core/base/ids.ts'
import { Replica } from './replica.ts'

/** The clock of a replica has each of them cut after 64 tasks. */
const TASKS = 200

function full(): { replica: Replica; scans: Scans } {
  const replica = new Replica()
  for (let n = 0; n < TASKS; n++) replica.add({ atMs: n })
  return { replica, scans: new Scans(replica.core, replica.clock) }
}

test('each task is looked at once, also one that came while it went on', async () => {
  const { replica, scans } = full()
  const seen: TaskId[] = []
  let added: TaskId | null = null
  await scans.each(({ spec }) => {
    seen.push(spec.id)
    if (seen.length === 100) added = replica.add({ atMs: TASKS })
  })
  expect(seen).toEqual(replica.ids)
  expect(seen.at(-1)).toBe(added)
})

test('the event loop goes round at each cut', async () => {
  const { scans } = full()
  let seen = 0
  const at: number[] = []
  let isOver = false
  const watch = (): void => {
    at.push(seen)
    if (!isOver) setImmediate(watch)
  }
  watch()
  await scans.each(() => seen++)
  isOver = true
  expect(new Set(at).size).toBeGreaterThanOrEqual(3)
  expect(Math.max(...at.slice(1).map((n, i) => n - at[i]!))).toBeLessThanOrEqual(64)
})

describe('of two at a time', () => {
  test('the second begins when the first is over', async () => {
    const { scans } = full()
    const order: string[] = []
    const both = ['first', 'second'].map(name => scans.each(() => order.push(name)))
    await Promise.all(both)
    expect(order.lastIndexOf('first')).toBeLessThan(order.indexOf('second'))
    expect(order).toHaveLength(2 * TASKS)
  })

  test('one that fails is the end of itself alone', async () => {
    const { scans } = full()
    const failing = scans.each(() => {
      throw new Error('it cannot be shown')
    })
    let seen = 0
    const other = scans.each(() => seen++)
    await expect(failing).rejects.toThrow('it cannot be shown')
    await other
    expect(seen).toBe(TASKS)
  })
})

test('it ends at the next cut when nobody wants it any more, with the reason', async () => {
  const { scans } = full()
  const over = new AbortController()
  let seen = 0
  const scan = scans.each(() => {
    if (++seen === 10) over.abort(new Error('the reader has gone'))
  }, over.signal)
  await expect(scan).rejects.toThrow('the reader has gone')
  expect(seen).toBe(64)
})
