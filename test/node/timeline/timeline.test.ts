/** The timeline of a cluster: all are asked, who does not answer is named, and what is too much is told as density. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  TIMELINE_LIMITS,
  type RunSpan,
  type TimelineAnswer,
  type TimelineRequest
} from '../../../src/core/message.ts'
import type { CoreView, MemberView } from '../../../src/core/view.ts'
import type { SpanView } from '../../../src/node/api/lists-api.ts'
import { densityOf } from '../../../src/node/timeline/density.ts'
import { RunSpans } from '../../../src/node/timeline/run-spans.ts'
import { Timeline } from '../../../src/node/timeline/timeline.ts'
import { bootOf, heartbeatOf, idOf } from '../../support/tasks.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)

function spanOf(seq: number, parts: Partial<RunSpan> = {}): RunSpan {
  return {
    taskId: idOf(bootOf('b'), seq),
    type: 'work',
    epoch: 0,
    attempt: 1,
    pool: 'default',
    slot: 0,
    fromMs: NOW - 1000 * seq,
    toMs: NOW - 1000 * seq + 500,
    outcome: 'completed',
    via: 'stolen',
    ...parts
  }
}

type Said = (request: TimelineRequest) => Iterable<TimelineAnswer>

function timelineOf(
  members: Readonly<Record<string, Said>>,
  statuses: Readonly<Record<string, MemberView['status']>> = {}
): Timeline {
  const views = Object.keys(members).map(node => ({
    heartbeat: heartbeatOf(bootOf(node)),
    status: statuses[node] ?? 'alive'
  }))
  const core = { members: () => views, record: () => undefined } as unknown as CoreView
  return new Timeline({
    core,
    clock: { now: () => NOW, aheadMs: () => 0 },
    spans: new RunSpans({ core, now: () => NOW }),
    nameOf: node => `computer-${node}/1`,
    transport: {
      id: 'a',
      // oxlint-disable-next-line typescript/require-await -- a real one comes over the network
      async *askTimeline(node, request) {
        yield* members[node]!(request)
      }
    }
  })
}

const end: TimelineAnswer = { kind: 'end', reachesToMs: null }
const says =
  (...spans: RunSpan[]): Said =>
  () => [{ kind: 'spans', spans }, end]

describe('the answer', () => {
  test('has the spans of all nodes in the order of time, with names and times that people read', async () => {
    const timeline = timelineOf({
      b: says(spanOf(1)),
      c: says(spanOf(2, { pool: 'gpu', slot: 4 }))
    })
    const view = await timeline.view({})
    expect(view).toMatchObject({
      v: 1,
      from: new Date(NOW - 600_000).toISOString(),
      to: new Date(NOW).toISOString(),
      density: null,
      missing: [],
      lost: []
    })
    expect(view.spans).toEqual([
      {
        task: idOf(bootOf('b'), 2),
        type: 'work',
        node: 'computer-c/1',
        pool: 'gpu',
        slot: 4,
        attempt: 1,
        from: new Date(NOW - 2000).toISOString(),
        to: new Date(NOW - 1500).toISOString(),
        outcome: 'completed',
        via: 'stolen'
      },
      expect.objectContaining({ node: 'computer-b/1', pool: 'default', slot: 0 })
    ])
  })

  test('names who cannot be asked, breaks off, never ends, or says more than it can have', async () => {
    const tooMany = Array.from({ length: TIMELINE_LIMITS.spansMax + 1 }, () => spanOf(1))
    const timeline = timelineOf(
      {
        b: says(spanOf(1)),
        c: () => {
          throw new Error('no connection')
        },
        d: () => [{ kind: 'spans', spans: [spanOf(1)] }],
        e: says(...tooMany),
        f: says(spanOf(2))
      },
      { f: 'left' }
    )
    const { spans, missing } = await timeline.view({})
    expect(missing).toEqual(['computer-c/1', 'computer-d/1', 'computer-e/1'])
    // Who has left is asked for nothing, and not missed.
    expect(spans.map(({ node }) => node)).toEqual(['computer-b/1'])
  })

  test('leaves out what was not asked for, and names who has let go of something in that time', async () => {
    const timeline = timelineOf({
      b: () => [
        { kind: 'spans', spans: [spanOf(1), spanOf(500, { toMs: null, outcome: null })] },
        { kind: 'spans', spans: [spanOf(900)] },
        { kind: 'end', reachesToMs: NOW - 100_000 }
      ],
      c: () => [{ kind: 'end', reachesToMs: NOW - 800_000 }]
    })
    const view = await timeline.view({})
    expect(view.spans).toHaveLength(2)
    expect(view.lost).toEqual(['computer-b/1'])
  })

  test.each([
    [{ from: 'noon' }, /^from must be a date and time/],
    [{ to: '2026-01-02' }, /^to must be a date and time/],
    [{ from: '2027-01-01T00:00:00Z' }, /^from cannot be after to/]
  ])('to %o is a refusal', async (query, words) => {
    await expect(timelineOf({}).view(query)).rejects.toThrow(words)
  })

  test('above the bound is a density in place of spans, of at most about as many numbers', async () => {
    const spans = Array.from({ length: 128 }, (_, n) => spanOf(n + 1, { slot: n % 4 }))
    const view = await timelineOf({ b: says(...spans) }).view({ max: 100 })
    expect(view.spans).toEqual([])
    const { rows } = view.density!
    expect(rows.map(({ node, pool, slot }) => `${node} ${pool} ${slot}`)).toEqual(
      [0, 1, 2, 3].map(slot => `computer-b/1 default ${slot}`)
    )
    expect(rows.flatMap(({ busy }) => busy)).toHaveLength(100)
    const ended = rows.flatMap(row => row.ended).reduce((x, y) => x + y)
    expect(ended).toBe(128)
  })
})

const SPAN: SpanView = {
  task: 't',
  type: 'work',
  node: 'a',
  pool: 'default',
  slot: 0,
  attempt: 1,
  from: '',
  to: null,
  outcome: 'completed',
  via: 'placed'
}

test('density: of slots that run one thing at a time, what was taken is what the spans take', () => {
  const stretch = fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 300 }))
  fc.assert(
    fc.property(
      fc.array(stretch, { maxLength: 20 }),
      fc.integer({ min: 1, max: 60 }),
      (some, max) => {
        // One after the other in one slot.
        let at = 0
        const spans = some.map(([pause, length]): SpanView => {
          const from = at + pause
          at = from + length
          return { ...SPAN, from: iso(from), to: iso(at) }
        })
        const { bucketMs, rows } = densityOf(spans, 0, Math.max(1, at), max)
        const taken = (rows[0]?.busy ?? []).reduce((sum, part) => sum + part * bucketMs, 0)
        const length = some.reduce((sum, [, ms]) => sum + ms, 0)
        // Each number is rounded.
        expect(Math.abs(taken - length)).toBeLessThanOrEqual(0.001 * bucketMs * max + 1)
        expect((rows[0]?.ended ?? []).reduce((x, y) => x + y, 0)).toBe(some.length)
      }
    )
  )
})

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
