/** Beyond 5,000 runs the task stream draws how busy slots were: all of that time, and each piece of it once. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  busyBoxes,
  isDense,
  type BusyBox,
  type BusyPicture,
  type Density
} from '../../../src/dashboard/page/stream/density.ts'
import { rowsOf, SLOT_HEIGHT } from '../../../src/dashboard/page/stream/rows.ts'
import { scaleOf } from '../../../src/dashboard/page/stream/scale.ts'
import { SPANS_DRAWN_MAX, type Span } from '../../../src/dashboard/page/stream/spans.ts'
import type { NodeView } from '../../../src/node/api/node-api.ts'

const NAME = 'computer-a/1'
const NODE = { name: NAME, slots: 2, status: 'alive', paused: null } as unknown as NodeView
const WIDTH = 400
const TO_MS = 100_000
const GUTTER = 50

function runOf(slot: number, fromMs: number, toMs: number | null): Span {
  const who = { task: `t${slot} ${fromMs}`, type: 'render', node: NAME, pool: 'default', slot }
  const how = { outcome: 'completed', via: 'submitted', movedFrom: null }
  return { ...who, ...how, attempt: 1, fromMs, toMs }
}

function pictured(runs: readonly Span[], told: Density | null = null): BusyPicture {
  return {
    rows: rowsOf([NODE], new Map([[NAME, 2]])),
    placed: runs.map(run => ({ ...run, row: run.slot! })),
    scale: scaleOf(0, TO_MS, WIDTH),
    gutter: GUTTER,
    nowMs: TO_MS,
    told
  }
}

/** Milliseconds that are drawn as busy in a slot. */
function drawnMs(boxes: readonly BusyBox[], slot: number): number {
  const own = boxes.filter(({ y }) => Math.floor((y - lanesTop()) / SLOT_HEIGHT) === slot)
  return own.reduce((sum, { width, part }) => sum + width * part, 0) * (TO_MS / WIDTH)
}

const lanesTop = (): number => rowsOf([NODE], new Map()).computers[0]!.nodes[0]!.y

/** Of one slot, none of which overlap. */
const gaps = fc.array(
  fc.record({ idleMs: fc.integer({ min: 0, max: 9000 }), ms: fc.integer({ min: 1, max: 9000 }) }),
  { maxLength: 30 }
)

function runsOf(slot: number, all: readonly { idleMs: number; ms: number }[]): Span[] {
  const runs: Span[] = []
  let at = -5000
  for (const { idleMs, ms } of all) {
    runs.push(runOf(slot, at + idleMs, at + idleMs + ms))
    at += idleMs + ms
  }
  return runs
}

function withinMs(runs: readonly Span[], fromMs: number, toMs: number): number {
  return runs.reduce(
    (sum, run) => sum + Math.max(0, Math.min(toMs, run.toMs!) - Math.max(fromMs, run.fromMs)),
    0
  )
}

test('of each slot as much is drawn as it was busy', () => {
  fc.assert(
    fc.property(gaps, gaps, (first, second) => {
      const slots = [runsOf(0, first), runsOf(1, second)]
      const boxes = [...busyBoxes(pictured(slots.flat()))]
      for (const [slot, runs] of slots.entries()) {
        expect(drawnMs(boxes, slot)).toBeCloseTo(withinMs(runs, 0, TO_MS), -2)
      }
      expect(boxes.every(({ part }) => part > 0 && part <= 1.000001)).toBe(true)
    })
  )
})

test('what the node has told as density is drawn once, and runs only after it', () => {
  fc.assert(
    fc.property(
      gaps,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
      (all, busy) => {
        const runs = runsOf(0, all)
        const told = {
          fromMs: 0,
          toMs: 50_000,
          bucketMs: 10_000,
          rows: [{ node: NAME, pool: 'default', slot: 0, busy, ended: busy.map(() => 0) }]
        }
        const boxes = [...busyBoxes(pictured(runs, told))]
        const toldMs = busy.reduce((sum, part) => sum + part * 10_000, 0)
        const expected = toldMs + withinMs(runs, 50_000, TO_MS)
        expect(drawnMs(boxes, 0)).toBeCloseTo(expected, -2)
        const sorted = boxes.toSorted((x, y) => x.x - y.x)
        for (const [n, box] of sorted.entries()) {
          if (n > 0)
            expect(box.x).toBeGreaterThanOrEqual(sorted[n - 1]!.x + sorted[n - 1]!.width - 0.001)
        }
      }
    )
  )
})

test('a run that goes on is busy until now, and what a node has no row for is left out', () => {
  const boxes = [...busyBoxes(pictured([runOf(0, 60_000, null), runOf(7, 0, 50_000)]))]
  expect(drawnMs(boxes, 0)).toBeCloseTo(40_000, -2)
  expect(boxes.every(({ y }) => y >= lanesTop() && y < lanesTop() + 2 * SLOT_HEIGHT)).toBe(true)
  expect(boxes.every(({ x }) => x >= GUTTER)).toBe(true)
})

test('runs are drawn one by one up to 5,000 of them, unless the node has told their density', () => {
  expect(isDense(null, SPANS_DRAWN_MAX)).toBe(false)
  expect(isDense(null, SPANS_DRAWN_MAX + 1)).toBe(true)
  expect(isDense({ fromMs: 0, toMs: TO_MS, bucketMs: 1000, rows: [] }, 0)).toBe(true)
})
