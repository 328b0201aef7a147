/** Which settled tasks have been kept long enough, and that nothing of them stays behind. */
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Entry } from '../../../src/core/log/entry.ts'
import { Retention } from '../../../src/core/gc/retention.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'

const A = bootOf('a')
const FOREVER_MS = 1e12

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function settledTask(seq: number): Entry {
  return new Entry({ ...taskOf(A, seq), outcome: outcomeBy(A) })
}

describe('what has been forgotten is let go of', () => {
  test.each([
    ['its time was over', { retentionMs: 0, floor: 0 }],
    ['it was below the floor', { retentionMs: FOREVER_MS, floor: FOREVER_MS }]
  ])('when %s', async (_, { retentionMs, floor }) => {
    const retention = new Retention({
      retainCompletedMs: retentionMs,
      retainFailedMs: retentionMs
    })
    const refs: WeakRef<Entry>[] = []
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < 500; n++) {
        const entry = settledTask(1 + round * 500 + n)
        refs.push(new WeakRef(entry))
        retention.settled(entry)
      }
      const due = [...retention.due(FOREVER_MS / 2, floor)]
      expect(due).toHaveLength(500)
      for (const entry of due) retention.forget(entry)
    }
    // What a weak reference was made for is kept until the turn is over.
    await turn()
    collectGarbage()
    const kept = refs.filter(ref => ref.deref() !== undefined).length
    expect(kept).toBeLessThan(refs.length / 4)
    // It is still in use.
    expect(retention.due(FOREVER_MS / 2).size).toBe(0)
  })
})

test('what is claimed anew is not due, and is when it has settled again', () => {
  const retention = new Retention({ retainCompletedMs: 10, retainFailedMs: 10 })
  const entry = settledTask(1)
  retention.settled(entry)
  retention.forget(entry)
  expect([...retention.due(FOREVER_MS)]).toEqual([])
  retention.settled(entry)
  expect([...retention.due(FOREVER_MS)]).toEqual([entry])
})
