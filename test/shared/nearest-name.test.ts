/** Whoever misspells a name is told the nearest right one. */
import { expect, test } from 'vitest'
import { nearestName } from '../../src/shared/nearest-name.ts'

test.each([
  ['prio', 'priority'],
  ['max', 'maxLost'],
  ['rev', 'ref'],
  ['priorty', 'priority'],
  ['', 'ref']
])('%j is taken for %j', (given, meant) => {
  expect(nearestName(given, ['maxRetries', 'maxLost', 'priority', 'ref'])).toBe(meant)
})
