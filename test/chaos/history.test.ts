/** The checker of histories finds what it is there to find: each rule, broken by hand, is named. */
import { describe, expect, test } from 'vitest'
import type { TaskView } from '../../src/node/api/node-api.ts'
import { broken, runsOf, type HandlerRun, type History } from './history.ts'

const ID = 'task-1'

function view(of: Partial<TaskView> = {}): TaskView {
  const settled = { state: 'completed', reason: null, epoch: 1, attempt: 1, lost: [] } as const
  return { ...settled, id: ID, result: { run: 'r1' }, settledAt: 't', ...of } as TaskView
}

function run(of: Partial<HandlerRun> = {}): HandlerRun {
  return { run: 'r1', task: ID, epoch: 1, pid: 1, startedAt: 10, endedAt: 20, done: true, ...of }
}

function views(...each: (TaskView | null)[]): History['views'] {
  return new Map(
    each.map((task, i) => [`node-${i}`, new Map(task === null ? [] : [[task.id, task]])])
  )
}

const good: History = {
  accepted: new Set([ID]),
  runs: [run()],
  deaths: new Map(),
  disturbances: [],
  told: [{ task: ID, run: 'r1', at: 30 }],
  views: views(view(), view())
}

describe('a history', () => {
  test('in which all was kept has no fault', () => {
    expect(broken(good)).toEqual([])
  })

  test.each<[string, Partial<History>]>([
    ['a node lost an accepted task', { views: views(view(), null) }],
    ['a task did not complete', { views: views(...[1, 2].map(() => view({ state: 'queued' }))) }],
    ['nodes name two outcomes', { views: views(view(), view({ epoch: 2 })) }],
    ['a result was returned by no run', { runs: [run({ run: 'r2' })], told: [] }],
    ['a result is that of another task', { runs: [run({ task: 'task-2' })] }],
    ['a run is named that never ended', { runs: [run({ done: false, endedAt: null })] }],
    ['a caller was told something else', { told: [{ task: ID, run: 'r0', at: 30 }] }],
    ['a task ran again though its process lived', { runs: [run(), run({ startedAt: 50 })] }]
  ])('in which %s has a fault', (_, fault) => {
    expect(broken({ ...good, ...fault })).not.toEqual([])
  })

  const first = run({ run: 'r0', startedAt: 1, endedAt: null, done: false })
  test.each<[string, Partial<History>]>([
    ['its process died', { runs: [first, run({ pid: 2 })], deaths: new Map([[1, 5]]) }],
    ['nodes were cut off', { runs: [first, run()], disturbances: [{ from: 2, to: 8 }] }],
    ['the run had been aborted', { runs: [{ ...first, endedAt: 4 }, run()] }]
  ])('may have two runs of a task if %s', (_, reason) => {
    expect(broken({ ...good, ...reason })).toEqual([])
  })

  test('is read from the lines of handlers', () => {
    const line = (what: string, at: number): string =>
      JSON.stringify({ what, run: 'r1', task: ID, epoch: 1, pid: 1, at })
    expect(runsOf(`${line('started', 10)}\n${line('done', 20)}\n`)).toEqual([run()])
    expect(runsOf(`${line('started', 10)}\n`)).toEqual([run({ endedAt: null, done: false })])
  })
})
