/** What a connected worker is to hear, on a clock of the test's own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Session } from '../../../src/run/external/session.ts'
import { runOf } from './runs.ts'

const PING_MS = 15_000
let lost = 0
let session: Session

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  lost = 0
  const offer = { name: 'w', types: ['any'], slots: 2, labels: {}, leaseMs: null }
  session = new Session('w', offer, {
    hand: ({ taskId }) => taskId,
    hasLeases: () => false,
    changed: () => {},
    lost: () => void lost++
  })
})
afterEach(() => {
  session.close()
  vi.useRealTimers()
})

function heard(): string[] {
  const kinds: string[] = []
  for (let next = session.next(); next !== null; next = session.next()) kinds.push(next.kind)
  return kinds
}

test('it hears now and then that there is nothing to hear, and not when it has heard something', () => {
  session.give(runOf(), { all: 0, withdrawn: 0 })
  expect(heard()).toEqual(['run'])
  vi.advanceTimersByTime(PING_MS)
  expect(heard()).toEqual([])
  vi.advanceTimersByTime(2 * PING_MS)
  expect(heard()).toEqual(['ping'])
})

test('one that does not read for long is lost, however open its connection is', () => {
  session.give(runOf(), { all: 0, withdrawn: 0 })
  vi.advanceTimersByTime(2 * PING_MS - 1)
  expect(lost).toBe(0)
  vi.advanceTimersByTime(PING_MS)
  expect(lost).toBe(1)
})

test('one that reads, however late, is not', () => {
  for (let n = 0; n < 10; n++) {
    session.give(runOf(), { all: 0, withdrawn: 0 })
    vi.advanceTimersByTime(PING_MS)
    expect(heard()).toContain('run')
  }
  expect(lost).toBe(0)
})
