/** How samples are taken and summed up. */
import { describe, expect, test } from 'vitest'
import { figure, tableOf } from '../figures.ts'
import { Stage, type System } from '../systems/system.ts'
import { spreadOf } from './balance.ts'
import type { Load } from './load.ts'
import { coldAndWarm } from './phases.ts'
import { rounds, rowsOf } from './rounds.ts'

const nobody = new Stage({
  workers: [],
  broker: null,
  submitter: () => {
    throw new Error('nobody')
  },
  clean: () => Promise.resolve()
})
const systems: System[] = ['a', 'b', 'c'].map(name => ({ name, start: async () => nobody }))

describe('rounds', () => {
  test('each system has its turn in each round, and another one is the first', async () => {
    const order: string[] = []
    const load: Load = {
      title: 'x',
      rows: { row: ['ms'] },
      measure: async ({ name }, round) => {
        order.push(`${name}${round}`)
        return { row: { ms: order.length } }
      }
    }
    const samples = await rounds(load, systems, 3, () => {})
    expect(order).toEqual(['a0', 'b0', 'c0', 'b1', 'c1', 'a1', 'c2', 'a2', 'b2'])
    // As many of each as there were rounds, in their order.
    expect(samples.get('a')).toEqual([{ row: { ms: 1 } }, { row: { ms: 6 } }, { row: { ms: 8 } }])
  })

  test('a row for each system and part, with its median and range; none where there is no figure', () => {
    const load: Load = {
      title: 'x',
      rows: { cold: ['ms'], warm: ['ms', 'CPU ms'] },
      measure: () => Promise.reject(new Error('nothing is measured here'))
    }
    const list = [1, 9, 2].map(ms => ({ cold: { ms }, warm: { ms: 2 * ms, 'CPU ms': null } }))
    const rows = rowsOf(load, new Map([['a', list]]))
    expect(rows).toEqual([
      { handlers: 'a', row: 'cold', ms: { median: 2, min: 1, max: 9 }, 'CPU ms': null },
      { handlers: 'a', row: 'warm', ms: { median: 4, min: 2, max: 18 }, 'CPU ms': null }
    ])
  })
})

test('cold is the first run, warm the last one after others', async () => {
  const runs: number[] = []
  expect(await coldAndWarm(async nth => runs.push(nth))).toEqual({ cold: 1, warm: 3 })
  expect(runs).toEqual([0, 1, 2])
})

describe('balance', () => {
  test('the ideal has all slots busy to the end, or is the longest task', () => {
    const ran = { ms: 30, ranMs: [10, 10, 10, 10] }
    expect(spreadOf(ran.ranMs, ran, 2)).toEqual({ 'over the ideal': 1.5, 'over the floor': 1.5 })
    const long = { ms: 40, ranMs: [10, 40] }
    expect(spreadOf(long.ranMs, long, 2)).toMatchObject({ 'over the ideal': 1 })
  })

  test('the floor is what pulling in order takes, of tasks as long as they really were', () => {
    // Behind a short one on each of two workers comes the long one: 10 + 30.
    const ran = { ms: 80, ranMs: [20, 20, 60] }
    const lengthsMs = [10, 10, 30]
    expect(spreadOf(lengthsMs, ran, 2)).toEqual({
      'over the ideal': 80 / 30,
      'over the floor': 1
    })
  })
})

describe('figures', () => {
  test('the median of an even number is between the two in the middle', () => {
    expect(figure([4, 1, 3, 100])).toEqual({ median: 3.5, min: 1, max: 100 })
    expect(figure([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
  })

  test('a table shows three digits, or all before the point', () => {
    const row = { a: 12_345.6, b: -1234, c: 0.012345, d: null, e: figure([1, 2]) }
    expect(tableOf([row]).split('\n')[1]!.trim()).toBe('12346  -1234  0.0123  -  1.50 (1.00-2.00)')
  })
})
