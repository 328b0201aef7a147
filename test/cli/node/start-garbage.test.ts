import { constants, PerformanceObserver } from 'node:perf_hooks'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { giveBackSoon } from '../../../src/cli/node/start-garbage.ts'
import { until } from '../../support/until.ts'

afterEach(() => vi.useRealTimers())

test('young objects are collected once, and no thread finds what collects them', async () => {
  let forced = 0
  const observer = new PerformanceObserver(list => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = (entry as unknown as { detail: { kind: number; flags: number } })
        .detail
      const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0
      if (isForced && kind === constants.NODE_PERFORMANCE_GC_MINOR) forced++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  giveBackSoon()
  vi.runAllTimers()
  vi.useRealTimers()
  await until(() => forced > 0, 'a collection', 10_000)
  observer.disconnect()
  expect(forced).toBe(1)
  expect(runInNewContext('typeof gc')).toBe('undefined')
})
