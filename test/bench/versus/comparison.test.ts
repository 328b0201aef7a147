/** Ratios and figures, out of samples that are given. */
import { describe, expect, test } from 'vitest'
import type { Load, Sample } from '../loads/load.ts'
import { compare, linesOf, markdownOf } from './comparison.ts'

const load: Load = {
  title: 'work',
  rows: { cold: ['tasks/s', 'ms'], met: ['ms'] },
  own: ['met'],
  measure: () => Promise.reject(new Error('nothing is measured here'))
}

function sample(rate: number | null, ms: number | null): Sample {
  return { cold: { 'tasks/s': rate, ms } }
}

function compared(theirs: readonly Sample[], ours: readonly Sample[]) {
  return compare(
    [
      {
        load,
        samples: new Map([
          ['ours', ours],
          ['theirs', theirs]
        ])
      }
    ],
    'theirs'
  )
}

describe('ratios', () => {
  test('say how many times as much we have, within each round', () => {
    const { ratios } = compared(
      [sample(100, 10), sample(200, 10), sample(50, 10)],
      [sample(200, 5), sample(300, 10), sample(50, 40)]
    )
    expect(ratios).toEqual([
      { what: 'work, cold: tasks/s', better: 'more', values: [{ median: 1.5, min: 1, max: 2 }] },
      { what: 'work, cold: ms', better: 'less', values: [{ median: 1, min: 0.5, max: 4 }] }
    ])
  })

  test('there is none where a figure is missing or not above zero', () => {
    const missing = [sample(null, 10), sample(0, -3)]
    const { ratios } = compared([sample(100, 10), sample(100, 10)], missing)
    expect(ratios.map(({ values }) => values)).toEqual([[null], [{ median: 1, min: 1, max: 1 }]])
    expect(compared(missing, missing).ratios[0]!.values).toEqual([null])
  })
})

test('figures are of the other one first, and missing where it has none', () => {
  const { figures } = compared([sample(100, null), sample(300, null)], [sample(7, 1), sample(7, 2)])
  expect(figures.map(({ values }) => values)).toEqual([
    [
      { median: 200, min: 100, max: 300 },
      { median: 7, min: 7, max: 7 }
    ],
    [null, { median: 1.5, min: 1, max: 2 }]
  ])
})

test('the table has a line for each figure that both may have, in the order of the loads', () => {
  const { ratios } = compared([sample(100, 10)], [sample(150, null)])
  expect(markdownOf(['ours'], ratios).split('\n')).toEqual([
    '| what | better | ours |',
    '| --- | --- | ---: |',
    '| work, cold: tasks/s | more | 1.50 (1.50 to 1.50) |',
    '| work, cold: ms | less | - |'
  ])
  expect(linesOf([load])).toEqual(ratios.map(({ what }) => what))
})
