/** What a node keeps of its runs: those that run, and no more than a bound of those that have ended. */
import { describe, expect, test } from 'vitest'
import type { Run } from '../../../src/core/effect.ts'
import type { RunResult } from '../../../src/core/input.ts'
import type { RunSpan } from '../../../src/core/message.ts'
import type { Claim, TaskRecord } from '../../../src/core/task/record.ts'
import { RunSpans } from '../../../src/node/timeline/run-spans.ts'
import { bootOf, idOf, taskOf } from '../../support/tasks.ts'

const A = bootOf('a')
const COMPLETED: RunResult = { status: 'completed', result: '1' }

class Scene {
  now = 1000
  records = new Map<string, TaskRecord>()
  readonly spans: RunSpans

  constructor(keptMax?: number) {
    this.spans = new RunSpans({
      core: { record: id => this.records.get(id) },
      now: () => this.now,
      ...(keptMax === undefined ? {} : { keptMax })
    })
  }

  begin(
    seq: number,
    claim: Partial<Claim> = {},
    parts: Partial<TaskRecord> = {},
    place: Pick<Run, 'pool' | 'slot'> = { pool: 'default', slot: 0 }
  ): Run {
    const record = taskOf(A, seq)
    this.records.set(record.spec.id, { ...record, claim: { ...record.claim, ...claim }, ...parts })
    const run = {
      taskId: record.spec.id,
      epoch: 0,
      attempt: 1,
      type: 'work',
      payload: 'null',
      timeoutMs: null,
      traceparent: null,
      dependencies: new Map(),
      ...place
    }
    this.spans.began(run)
    return run
  }

  run(seq: number, ms: number, result: RunResult = COMPLETED): void {
    const { taskId, epoch } = this.begin(seq)
    this.now += ms
    this.spans.ended(taskId, epoch, result)
  }

  told(fromMs = 0, toMs = 1e9): { spans: RunSpan[]; reachesToMs: number | null } {
    const spans: RunSpan[] = []
    for (const part of this.spans.answer({ kind: 'between', fromMs, toMs })) {
      if (part.kind === 'end') return { spans, reachesToMs: part.reachesToMs }
      expect(part.spans.length).toBeLessThanOrEqual(128)
      spans.push(...part.spans)
    }
    throw new Error('there is no end')
  }
}

describe('a run', () => {
  test('is told while it runs, and as it ended', () => {
    const scene = new Scene()
    const { taskId } = scene.begin(1)
    expect(scene.told().spans).toMatchObject([
      { taskId, type: 'work', attempt: 1, fromMs: 1000, toMs: null, outcome: null }
    ])
    scene.now = 1500
    scene.spans.ended(taskId, 0, COMPLETED)
    expect(scene.told().spans).toMatchObject([{ taskId, toMs: 1500, outcome: 'completed' }])
  })

  test('says in which slot it was, and how it came here', () => {
    const scene = new Scene()
    const place = { pool: 'gpu', slot: 3 }
    const vias = [
      [{ cause: 'submit' }, 'submitted'],
      [{ cause: 'grant' }, 'stolen'],
      [{ cause: 'grant', unasked: 'placed' }, 'placed'],
      [{ cause: 'grant', unasked: 'handed-on' }, 'handed-on'],
      [{ cause: 'grant', unasked: 'other:7' }, 'stolen'],
      [{ cause: 'reclaim' }, 'reclaimed'],
      [{ cause: 'retry' }, 'retried'],
      [{ cause: 'retry-after' }, 'retried']
    ] as const
    for (const [seq, [claim]] of vias.entries()) scene.begin(seq + 1, claim, {}, place)
    expect(scene.told().spans.map(({ pool, slot, via }) => ({ pool, slot, via }))).toEqual(
      vias.map(([, via]) => ({ ...place, via }))
    )
  })

  test('that was ended was cancelled, if somebody wanted that; that asked for another time is postponed', () => {
    const scene = new Scene()
    const aborted = scene.begin(1)
    const cancelled = scene.begin(2, {}, { cancelRequest: { at: 1, by: A } })
    for (const { taskId, epoch } of [aborted, cancelled]) scene.spans.aborted(taskId, epoch)
    const error = { name: 'Error', message: '', stack: null }
    scene.run(3, 1, { status: 'failed', reason: 'HandlerError', error })
    scene.run(4, 1, { status: 'failed', reason: 'HandlerError', error, retryAfterMs: 5 })
    expect(scene.told().spans.map(({ outcome }) => outcome)).toEqual([
      'aborted',
      'cancelled',
      'failed',
      'postponed'
    ])
  })

  test('is not told where it does not touch what is asked for', () => {
    const scene = new Scene()
    for (let seq = 1; seq <= 5; seq++) scene.run(seq, 100)
    const ids = (fromMs: number, toMs: number): string[] =>
      scene.told(fromMs, toMs).spans.map(({ taskId }) => taskId)
    expect(ids(1150, 1250)).toEqual([idOf(A, 2), idOf(A, 3)])
    expect(ids(2000, 3000)).toEqual([])
    expect(ids(0, 999)).toEqual([])
  })
})

test('of more runs than are kept the oldest go, and it is said how far back it reaches', () => {
  const scene = new Scene(300)
  for (let seq = 1; seq <= 300; seq++) scene.run(seq, 10)
  expect(scene.told()).toMatchObject({ reachesToMs: null, spans: { length: 300 } })
  for (let seq = 301; seq <= 450; seq++) scene.run(seq, 10)
  const { spans, reachesToMs } = scene.told()
  expect(spans.map(({ taskId }) => taskId)).toEqual(
    Array.from({ length: 300 }, (_, n) => idOf(A, 151 + n))
  )
  expect(reachesToMs).toBe(1000 + 150 * 10)
})
