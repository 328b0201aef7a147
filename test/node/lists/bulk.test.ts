/** One word for many: what fits is what is changed, no more, or nothing at all. */
import { describe, expect, test } from 'vitest'
import type { TaskId } from '../../../src/core/base/ids.ts'
import type { TaskRow } from '../../../src/node/api/lists-api.ts'
import { Bulk } from '../../../src/node/lists/bulk.ts'
import { Scans } from '../../../src/node/lists/scans.ts'
import { Replica } from './replica.ts'

class Scene {
  readonly replica = new Replica()
  readonly cancelled: TaskId[] = []
  readonly retried: TaskId[] = []
  waitedFor: TaskId[] = []
  retrying = 0
  mostAtOnce = 0
  refuseRetryOf: TaskId | null = null
  readonly bulk: Bulk

  constructor() {
    const { replica } = this
    const { core, clock, lists } = replica
    this.bulk = new Bulk({
      core,
      scans: new Scans(core, clock),
      lists,
      row: ({ spec }) => ({ id: spec.id, type: spec.type }) as TaskRow,
      cancel: id => void this.cancelled.push(id),
      cancelled: async id => void this.waitedFor.push(id),
      retry: id => this.#retry(id)
    })
  }

  async #retry(id: TaskId): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.retrying)
    await new Promise(resolve => setImmediate(resolve))
    this.retrying--
    if (id === this.refuseRetryOf) throw new Error('its payload is nowhere')
    this.retried.push(id)
    this.replica.add({ retryOf: id, type: this.replica.core.record(id)!.spec.type })
  }
}

describe('cancel', () => {
  test('reaches what fits and has not settled, the newest first, and waits for the end of the last', async () => {
    const { replica, bulk, cancelled, waitedFor } = new Scene()
    const old = replica.add({ atMs: 1, type: 'a' })
    const running = replica.add({ atMs: 2, type: 'a', state: 'running' })
    for (const state of ['completed', 'failed'] as const) replica.add({ type: 'a', state })
    replica.add({ type: 'b' })
    const result = await bulk.run({ action: 'cancel', filter: { type: 'a' } })
    expect(result).toEqual({ v: 1, matched: 2, changed: 2, refused: [], refusedMore: 0 })
    expect(cancelled).toEqual([running, old])
    expect(waitedFor).toEqual([old])
  })

  test('says of each that is gone or has settled meanwhile why it was not cancelled', async () => {
    const { replica, bulk, cancelled } = new Scene()
    const ids = Array.from({ length: 100 }, (_, n) => replica.add({ atMs: n }))
    const done = bulk.run({ action: 'cancel', filter: {} })
    const until = async (enough: () => boolean): Promise<void> => {
      while (!enough()) await new Promise(resolve => setImmediate(resolve))
    }
    await until(() => cancelled.length > 0)
    replica.remove(ids[0]!)
    const { changed, refused } = await done
    expect(changed).toBe(99)
    expect(refused).toEqual([{ id: ids[0], why: 'it has been pruned' }])
  })
})

describe('retry', () => {
  test('submits copies of what failed, of each one, however often it is said', async () => {
    const { replica, bulk, retried } = new Scene()
    const failed = [1, 2, 3].map(atMs => replica.add({ atMs, state: 'failed' }))
    replica.add({ state: 'completed' })
    replica.add()
    const request = { action: 'retry', filter: {} } as const
    const results = await Promise.all([bulk.run(request), bulk.run(request)])
    expect(results.map(({ changed }) => changed)).toEqual([3, 0])
    expect(retried.toSorted()).toEqual(failed.toSorted())
  })

  test('goes on where one is refused, and says why', async () => {
    const scene = new Scene()
    const ids = Array.from({ length: 500 }, (_, atMs) =>
      scene.replica.add({ atMs, state: 'failed' })
    )
    scene.refuseRetryOf = ids[7]!
    const { changed, refused } = await scene.bulk.run({ action: 'retry', filter: {} })
    expect(changed).toBe(499)
    expect(refused).toEqual([{ id: ids[7], why: 'its payload is nowhere' }])
    expect(scene.mostAtOnce).toBeLessThanOrEqual(64)
  })

  test('leaves commands out where they may not be submitted', async () => {
    const { replica, bulk, retried } = new Scene()
    const command = replica.add({ state: 'failed', type: 'command' })
    const work = replica.add({ state: 'failed' })
    const request = { action: 'retry', filter: {}, allowCommands: false } as const
    const { matched, changed, refused } = await bulk.run(request)
    expect({ matched, changed }).toEqual({ matched: 2, changed: 1 })
    expect(refused).toEqual([{ id: command, why: expect.stringContaining('command') as string }])
    expect(retried).toEqual([work])
  })
})

describe('what is expected', () => {
  test('is told before: how many there are, and some of them', async () => {
    const { replica, bulk, cancelled } = new Scene()
    const ids = Array.from({ length: 30 }, (_, atMs) => replica.add({ atMs }))
    const { matched, sample } = await bulk.preview({ action: 'cancel', filter: {} })
    expect(matched).toBe(30)
    expect(sample.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 10))
    expect(cancelled).toEqual([])
  })

  test('has to be what there is: otherwise nothing is done', async () => {
    const { replica, bulk, cancelled } = new Scene()
    replica.add()
    const request = { action: 'cancel', filter: {}, expect: 2 } as const
    const refusal = { name: 'CountMismatchError', message: /^1 tasks fit, and not 2/ }
    await expect(bulk.run(request)).rejects.toMatchObject({ name: refusal.name })
    await expect(bulk.preview(request)).rejects.toThrow(refusal.message)
    expect(cancelled).toEqual([])
    expect(await bulk.run({ ...request, expect: 1 })).toMatchObject({ changed: 1 })
  })

  test('a filter that is none is refused', async () => {
    const { bulk } = new Scene()
    const request = { action: 'cancel', filter: { since: 'yesterday' } } as const
    await expect(bulk.run(request)).rejects.toMatchObject({ name: 'InvalidOptionError' })
  })

  test('whoever asked may give up: what is done by then stays done', async () => {
    const { replica, bulk, cancelled } = new Scene()
    for (let n = 0; n < 5000; n++) replica.add({ atMs: n })
    const gone = new AbortController()
    const done = bulk.run({ action: 'cancel', filter: {} }, gone.signal)
    const giveUp = (): void => {
      if (cancelled.length > 0) gone.abort(new Error('gone'))
      else setImmediate(giveUp)
    }
    giveUp()
    await expect(done).rejects.toThrow('gone')
    expect(cancelled.length).toBeLessThan(5000)
  })
})
