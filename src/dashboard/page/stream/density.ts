/**
 * Where there are more runs than can be told apart: which part of each piece of time a slot was busy. As the node has told
 * it, and for the time after that as the runs say.
 */
import type { TimelineView } from '../state/contract.ts'
import { laneOf, SLOT_HEIGHT, type Placed, type Rows } from './rows.ts'
import type { Scale } from './scale.ts'
import { SPANS_DRAWN_MAX } from './spans.ts'

/** In place of spans that are too many: which part of each piece of time a slot was taken. */
export type Density = Readonly<{
  fromMs: number
  toMs: number
  bucketMs: number
  rows: NonNullable<TimelineView['density']>['rows']
}>

export type BusyPicture = Readonly<{
  rows: Rows
  placed: readonly Placed[]
  scale: Scale
  /** Width of the names on the left. */
  gutter: number
  nowMs: number
  /** What the node has told of a time whose runs it does not tell one by one. */
  told: Density | null
}>

/** In pixels of the page. */
export type BusyBox = Readonly<{
  x: number
  y: number
  width: number
  height: number
  /** Up to 1: busy all the time. */
  part: number
}>

/** Pixels. */
const STEP = 4

/** @param shown runs in the time that is shown */
export function isDense(told: Density | null, shown: number): boolean {
  return told !== null || shown > SPANS_DRAWN_MAX
}

export function* busyBoxes(picture: BusyPicture): Generator<BusyBox> {
  const { scale, told } = picture
  if (told !== null) yield* toldBoxes(picture, told)
  const sinceX = told === null ? 0 : scale.x(told.toMs)
  for (const [node, rows] of partsOf(picture, sinceX)) {
    for (const [row, parts] of rows) {
      for (const [n, part] of parts.entries()) {
        // The first piece may be cut by the end of what was told.
        const from = Math.max(n * STEP, sinceX)
        const to = (n + 1) * STEP
        if (part > 0) yield* boxOf(picture, node, row, from, to, (part * STEP) / (to - from))
      }
    }
  }
}

function* toldBoxes(picture: BusyPicture, told: Density): Generator<BusyBox> {
  const { scale } = picture
  for (const { node, slot, busy } of told.rows) {
    for (const [n, part] of busy.entries()) {
      const fromMs = told.fromMs + n * told.bucketMs
      const toMs = Math.min(fromMs + told.bucketMs, told.toMs)
      yield* boxOf(picture, node, slot ?? 0, scale.x(fromMs), scale.x(toMs), part)
    }
  }
}

function* boxOf(
  { rows, gutter }: BusyPicture,
  node: string,
  row: number,
  from: number,
  to: number,
  part: number
): Generator<BusyBox> {
  const lane = laneOf(rows, node)
  if (lane === null || part <= 0 || row >= lane.slots) return
  const [y, height] = [lane.y + row * SLOT_HEIGHT + 2, SLOT_HEIGHT - 4]
  yield { x: gutter + from, y, width: to - from, height, part: Math.min(1, part) }
}

/** By node and row: which part of each few pixels it was busy, from a place on. */
function partsOf(
  { scale, placed, nowMs }: BusyPicture,
  sinceX: number
): Map<string, Map<number, Float32Array>> {
  const pieces = Math.ceil(scale.width / STEP)
  const nodes = new Map<string, Map<number, Float32Array>>()
  for (const span of placed) {
    const rows = nodes.get(span.node) ?? new Map<number, Float32Array>()
    nodes.set(span.node, rows)
    const parts = rows.get(span.row) ?? new Float32Array(pieces)
    rows.set(span.row, parts)
    const from = Math.max(0, sinceX, scale.x(span.fromMs)) / STEP
    const to = Math.min(pieces, scale.x(span.toMs ?? nowMs) / STEP)
    for (let n = Math.floor(from); n < to; n++) {
      parts[n]! += Math.min(n + 1, to) - Math.max(n, from)
    }
  }
  return nodes
}
