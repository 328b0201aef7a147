/** What strangers do is told, and seldom. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Tally } from '../../src/net/tally.ts'
import { lineLog } from './cluster.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const minuteMs = 60_000

test('a flood is a line a minute, which names the loudest and what they do', async () => {
  const lines: string[] = []
  const tally = new Tally(lineLog(lines))
  for (let second = 0; second < 600; second++) {
    for (let i = 0; i < 200; i++) tally.count('announcements', '10.0.0.9')
    for (let i = 0; i < 100; i++) tally.count('packets', `10.0.1.${i}`)
    tally.count('connections', '10.0.0.8')
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(lines.length).toBeGreaterThan(5)
  expect(lines.length).toBeLessThan(13)
  expect(lines[0]).toContain('10.0.0.9 (2000 forged or foreign peers announced)')
  tally.stop()
})

test('a few who knock are nothing to tell, and once it is quiet the clock stands', async () => {
  const lines: string[] = []
  const tally = new Tally(lineLog(lines))
  for (let i = 0; i < 5; i++) tally.count('connections', '10.0.0.8')
  await vi.advanceTimersByTimeAsync(3 * minuteMs)
  expect(lines).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
