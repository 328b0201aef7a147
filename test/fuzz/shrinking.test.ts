/** Making a list of messages short: down to what it takes, or as far as trials and time go. */
import { expect, test } from 'vitest'
import { shrink } from './shrinking.ts'

const items = Array.from({ length: 64 }, (_, n) => n)
/** It goes wrong with these two. */
const fails = (some: readonly number[]): boolean => some.includes(7) && some.includes(50)

test('what is left is what it takes', () => {
  const shrunk = shrink(items, fails, { runsMax: 1000 })
  expect(shrunk).toMatchObject({ items: [7, 50], isShortest: true })
})

test('when the trials are over, the shortest list so far has to do', () => {
  const { items: some, runs, isShortest } = shrink(items, fails, { runsMax: 6 })
  expect([runs, isShortest, fails(some)]).toEqual([6, false, true])
  expect(some.length).toBeLessThan(items.length)
})

test('the same when the time is over; no trial is begun then', () => {
  let now = 0
  let trials = 0
  const slow = (some: readonly number[]): boolean => {
    now += 10
    trials++
    return fails(some)
  }
  const shrunk = shrink(items, slow, { runsMax: 1000, hasTime: () => now < 35 })
  expect([trials, shrunk.runs, shrunk.isShortest]).toEqual([4, 4, false])
  expect(fails(shrunk.items)).toBe(true)
})
