/** What may be forgotten, and what must not be yet. */
import { expect, test } from 'vitest'
import '../forbid.ts'
import { forgetsAlone } from '../../support/schedules.ts'

test('a task goes when its retention is over, also after a restart', () => {
  expect(forgetsAlone(false)).toBe(true)
})

test('a task that the vector does not cover is kept for ever by a node that stays alone', () => {
  expect(forgetsAlone(true)).toBe(false)
})
