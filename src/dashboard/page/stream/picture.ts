/** What the task stream shows at a moment: spans, rows and scale, out of what the page knows. */
import type { NodeView } from '../../../node/api/node-api.ts'
import { isDense } from './density.ts'
import type { Palette, Picture } from './draw.ts'
import { endOf, foldsIdle, frame } from './frame.ts'
import { place, rowsOf } from './rows.ts'
import { foldsOf, scaleOf } from './scale.ts'
import { spans } from './spans.ts'
import { density } from './timeline.ts'

const GUTTER_WIDE = 118
const GUTTER_NARROW = 76
const NARROW = 520

/** @param width of the canvas, in pixels of the page */
export function pictureOf(
  nodes: readonly NodeView[],
  width: number,
  nowMs: number,
  palette: Palette,
  chosen: string | null
): Picture {
  const toMs = endOf(frame.value, nowMs)
  const fromMs = toMs - frame.value.lengthMs
  const { placed, rows: needed } = place(
    [...spans.value.values()],
    new Map(nodes.map(({ name, slots }) => [name ?? '', slots]))
  )
  const shown = placed.filter(span => span.fromMs <= toMs && (span.toMs ?? nowMs) >= fromMs)
  const { value } = density
  const told = value !== null && value.toMs > fromMs && value.fromMs < toMs ? value : null
  const gutter = width < NARROW ? GUTTER_NARROW : GUTTER_WIDE
  const folds = foldsIdle.value ? foldsOf(shown, fromMs, toMs) : []
  return {
    rows: rowsOf(nodes, needed),
    placed: shown,
    scale: scaleOf(fromMs, toMs, Math.max(40, width - gutter), folds),
    gutter,
    nowMs,
    palette,
    isDense: isDense(told, shown.length),
    told,
    chosen
  }
}

/** The colours of the style sheet, which a canvas does not see by itself. */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element)
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return {
    text: colour('text'),
    muted: colour('muted'),
    line: colour('line'),
    lane: colour('lane'),
    surface: colour('surface'),
    accent: colour('accent'),
    failed: colour('failed')
  }
}
