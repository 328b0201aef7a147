/** What becomes of a task that the process which ran it has not ended: lost with it, or given back. */
import { describe, expect, test } from 'vitest'
import { afterRun, isLost } from '../../../src/core/claim/rules.ts'
import { bootOf, taskOf } from '../../support/tasks.ts'

const self = bootOf('a')
const other = bootOf('b')
const ended = { at: 5000, now: 5, durationMs: 3, tail: null }

const running = (spec: object = {}): ReturnType<typeof taskOf> =>
  taskOf(self, 1, {
    spec,
    claim: {
      epoch: 2,
      holder: self,
      attempt: 3,
      hops: 1,
      lost: [other],
      notBefore: 4,
      cause: 'retry'
    },
    started: { epoch: 2, by: self, at: 4000 }
  })

describe('a task that may run again', () => {
  test('is the same attempt under the next epoch, and given back it counts nothing', () => {
    const patch = afterRun(self, running(), { status: 'returned', isLost: false }, ended)
    expect(patch).toEqual({
      claim: {
        epoch: 3,
        holder: self,
        attempt: 3,
        hops: 1,
        lost: [other],
        notBefore: 4,
        cause: 'retry'
      }
    })
  })

  test('that is lost counts this boot with the nodes that were lost', () => {
    const record = running({ maxLost: 1 })
    const { claim, outcome } = afterRun(self, record, { status: 'returned', isLost: true }, ended)
    expect(outcome).toBeUndefined()
    expect(claim?.lost).toEqual([other, self])
    expect(isLost({ ...record, claim: claim! })).toBe(true)
    expect(isLost({ ...running({ maxLost: 2 }), claim: claim! })).toBe(false)
  })
})

test.each([
  [true, 'the worker that ran it was lost'],
  [false, 'its worker gave it back']
])('a task that may run at most once has failed (lost: %s)', (isGone, words) => {
  const record = running({ delivery: 'at-most-once' })
  const patch = afterRun(self, record, { status: 'returned', isLost: isGone }, ended)
  expect(patch.claim).toBeUndefined()
  expect(patch.outcome).toMatchObject({ status: 'failed', reason: 'HolderLost', epoch: 2 })
  expect(patch.outcome?.error?.message).toContain(words)
})

test('a task that may run at most once, and that no worker took, has failed, and says that it has not run', () => {
  const record = running({ delivery: 'at-most-once' })
  const untaken = { status: 'returned', isLost: false, isUntaken: true } as const
  const { outcome } = afterRun(self, record, untaken, ended)
  expect(outcome).toMatchObject({ status: 'failed', reason: 'HolderLost', epoch: 2 })
  expect(outcome?.error?.message).toMatch(/no worker took it: it has not run/)
  const again = afterRun(self, running(), untaken, ended)
  expect(again.claim).toMatchObject({ epoch: 3, attempt: 3, lost: [other] })
})
