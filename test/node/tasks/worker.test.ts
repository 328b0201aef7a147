/** What a node tells its core that it can run: its own pools, and those of processes that work for it. */
import { describe, expect, test } from 'vitest'
import type { Input } from '../../../src/core/input.ts'
import { NODE_LIMITS } from '../../../src/core/options.ts'
import { Worker } from '../../../src/node/tasks/worker.ts'
import { checkPool, type PoolOptions } from '../../../src/pool-options.ts'
import type { Runner } from '../../../src/ports/ports.ts'
import { InvalidOptionError } from '../../../src/shared/errors.ts'

type Equipment = Extract<Input, { kind: 'worker' }>

function workerOf(
  pools: PoolOptions[],
  handlers: string[]
): {
  worker: Worker
  fed: Equipment[]
  warnings: string[]
} {
  const fed: Equipment[] = []
  const warnings: string[] = []
  const runner = { handlers, onHandlersChanged: () => {} } as Partial<Runner> as Runner
  const worker = new Worker({
    runner,
    concurrency: 4,
    pools: pools.map(checkPool),
    feed: input => void fed.push(input as Equipment),
    log: { warn: message => void warnings.push(message) }
  })
  return { worker, fed, warnings }
}

const model = { name: 'model', slots: 1, types: ['embed', 'rank'] }
const python = { name: 'python', slots: 2, types: ['embed'] }

describe('own pools', () => {
  test('have the types that they name and that have a handler; all others are in the default one', async () => {
    const { worker, fed, warnings } = workerOf([model], ['embed', 'quick'])
    await worker.start()
    expect(fed).toEqual([
      {
        kind: 'worker',
        slots: 4,
        handlers: ['quick'],
        pools: [{ name: 'model', slots: 1, types: ['embed'], labels: {}, external: false }]
      }
    ])
    expect(warnings).toEqual([
      'the pool model names the type rank, and nothing here handles that yet'
    ])
  })
})

describe('the pool of a process that works for the node', () => {
  test('comes, changes and goes, whether the node has begun to run tasks itself or not', async () => {
    const { worker, fed } = workerOf([], ['quick'])
    worker.addExternalPool(python)
    expect(fed.at(-1)).toMatchObject({
      slots: 0,
      handlers: [],
      pools: [{ ...python, external: true }]
    })
    await worker.start()
    expect(fed.at(-1)).toMatchObject({ slots: 4, handlers: ['quick'], pools: [python] })
    worker.resizeExternalPool('python', 5)
    expect(fed.at(-1)!.pools).toMatchObject([{ slots: 5 }])
    worker.removeExternalPool('python')
    expect(fed.at(-1)!.pools).toEqual([])
    const count = fed.length
    worker.removeExternalPool('python')
    expect(fed).toHaveLength(count)
  })

  test('may share types with own ones, which keep them', async () => {
    const { worker, fed } = workerOf([model], ['embed', 'rank'])
    await worker.start()
    worker.addExternalPool(python)
    const types = fed.at(-1)!.pools!.map(pool => [pool.name, pool.types])
    expect(types).toEqual([
      ['model', ['embed', 'rank']],
      ['python', ['embed']]
    ])
  })

  test.each([
    [{ ...python, name: 'model' }, /there are two pools of the name model/],
    [{ ...python, types: ['command'] }, /run by nodes that were started with --commands/],
    [{ ...python, slots: 0 }, /cannot have 0 slots: allowed is a whole number from 1 to 1024/],
    [{ ...python, name: 'default' }, /no pool can be called default/]
  ])('is refused, and nothing changes: %j', (pool, words) => {
    const { worker, fed } = workerOf([model], [])
    expect(() => worker.addExternalPool(pool)).toThrow(words)
    expect(() => worker.addExternalPool(pool)).toThrow(InvalidOptionError)
    expect(fed).toEqual([])
  })

  test('is refused where all of them are more than a heartbeat carries', () => {
    const { worker, fed } = workerOf([], [])
    for (let i = 0; i < NODE_LIMITS.poolsMax; i++)
      worker.addExternalPool({ ...python, name: `p${i}` })
    expect(() => worker.addExternalPool(python)).toThrow('65 pools are too many for one node')
    expect(fed.at(-1)!.pools).toHaveLength(NODE_LIMITS.poolsMax)
    worker.resizeExternalPool('p0', 3)
    worker.removeExternalPool('p1')
    worker.addExternalPool(python)
    expect(fed.at(-1)!.pools).toHaveLength(NODE_LIMITS.poolsMax)
  })
})
