/** The task stream as pixels: from rows, spans and a scale, without any state of its own. */
import { colourOf } from '../state/colours.ts'
import { duration, localTime } from '../state/format.ts'
import { busyBoxes, type BusyPicture } from './density.ts'
import { AXIS_HEIGHT, laneOf, SLOT_HEIGHT, type NodeRows, type Placed } from './rows.ts'
import { FOLD_WIDTH, ticksOf } from './scale.ts'

export type Palette = Readonly<{
  text: string
  muted: string
  line: string
  lane: string
  surface: string
  accent: string
  failed: string
}>

export type Picture = BusyPicture &
  Readonly<{
    palette: Palette
    /** Draw how busy slots were, in place of what they ran. */
    isDense: boolean
    /** The task under the pointer. */
    chosen: string | null
  }>

const TICK_SPACING = 90
const FONT = '12px system-ui, sans-serif'

export function draw(context: CanvasRenderingContext2D, picture: Picture): void {
  const { rows, scale, gutter, palette } = picture
  context.clearRect(0, 0, gutter + scale.width, rows.height)
  context.font = FONT
  context.textBaseline = 'middle'
  drawLanes(context, picture)
  context.save()
  context.beginPath()
  context.rect(gutter, 0, scale.width, rows.height)
  context.clip()
  drawAxis(context, picture)
  if (picture.isDense) drawDensity(context, picture)
  else for (const span of picture.placed) drawSpan(context, picture, span)
  if (!picture.isDense) drawArrows(context, picture)
  for (const fold of scale.folds) drawFold(context, picture, fold.x, fold.toMs - fold.fromMs)
  const nowX = gutter + scale.x(picture.nowMs)
  context.fillStyle = palette.accent
  context.fillRect(nowX - 1, AXIS_HEIGHT - 4, 1.5, rows.height)
  context.restore()
}

function drawLanes(
  context: CanvasRenderingContext2D,
  { rows, scale, gutter, palette }: Picture
): void {
  for (const { computer, y, nodes } of rows.computers) {
    context.fillStyle = palette.muted
    context.font = `600 ${FONT}`
    context.fillText(computer, 0, y + 11, gutter - 8)
    context.font = FONT
    for (const { node, y: top, slots, mark } of nodes) {
      const isGone = mark !== 'alive' && mark !== 'draining'
      const name = node.slice(computer.length + 1)
      context.fillStyle = isGone ? palette.muted : palette.text
      context.fillText(
        isGone && mark !== null ? `${name} ${mark}` : name,
        10,
        top + SLOT_HEIGHT / 2,
        gutter - 16
      )
      for (let slot = 0; slot < slots; slot++) {
        context.fillStyle = palette.lane
        context.fillRect(gutter, top + slot * SLOT_HEIGHT + 1, scale.width, SLOT_HEIGHT - 2)
      }
    }
  }
}

function drawAxis(
  context: CanvasRenderingContext2D,
  { rows, scale, gutter, palette }: Picture
): void {
  for (const ms of ticksOf(scale, TICK_SPACING)) {
    const x = Math.round(gutter + scale.x(ms)) + 0.5
    context.fillStyle = palette.line
    context.fillRect(x, AXIS_HEIGHT - 6, 1, rows.height)
    context.fillStyle = palette.muted
    const isAtEdge = x > gutter + scale.width - TICK_SPACING / 3
    context.textAlign = isAtEdge ? 'right' : 'center'
    const isFine = scale.toMs - scale.fromMs < 10_000
    const text = localTime(ms)
    context.fillText(
      isFine ? `${text}.${String(ms % 1000).padStart(3, '0')}` : text,
      isAtEdge ? gutter + scale.width : x,
      9
    )
    context.textAlign = 'start'
  }
}

/** Where a span is, within the canvas. */
export function boxOf(
  { rows, scale, gutter, nowMs }: Pick<Picture, 'rows' | 'scale' | 'gutter' | 'nowMs'>,
  span: Placed
): { x: number; y: number; width: number; height: number } | null {
  const lane = laneOf(rows, span.node)
  if (lane === null) return null
  const x = gutter + scale.x(span.fromMs)
  const end = gutter + scale.x(span.toMs ?? Math.max(nowMs, span.fromMs))
  const y = lane.y + span.row * SLOT_HEIGHT + 2
  return { x, y, width: Math.max(2, end - x), height: SLOT_HEIGHT - 4 }
}

function drawSpan(context: CanvasRenderingContext2D, picture: Picture, span: Placed): void {
  const box = boxOf(picture, span)
  if (box === null || box.x + box.width < picture.gutter) return
  const { x, y, width, height } = box
  const { palette } = picture
  const isFailed = span.outcome === 'failed' || span.outcome === 'lost'
  context.globalAlpha = picture.chosen !== null && picture.chosen !== span.task ? 0.45 : 1
  context.fillStyle = colourOf(span.type)
  context.beginPath()
  context.roundRect(x, y, width - (width > 4 ? 1 : 0), height, Math.min(3, width / 2))
  context.fill()
  if (isFailed || span.outcome === 'cancelled') {
    // Failure is told by more than a colour: a bar through it, and a cross at its end.
    context.fillStyle = isFailed ? palette.failed : palette.muted
    context.fillRect(x, y + height - 4, width - 1, 4)
    if (width > 16) drawCross(context, x + width - 9, y + 5)
  }
  if (span.toMs === null && width > 6) {
    context.fillStyle = palette.surface
    context.globalAlpha *= 0.55
    for (let at = x + width - 9; at < x + width - 2; at += 3)
      context.fillRect(at, y + 2, 1.2, height - 4)
  }
  if (width > 54) {
    context.globalAlpha = 1
    context.fillStyle = '#fff'
    context.font = `500 11px system-ui, sans-serif`
    context.save()
    context.beginPath()
    context.rect(x, y, width - 14, height)
    context.clip()
    context.fillText(span.type.slice(0, 40), x + 5, y + height / 2 + 0.5)
    context.restore()
    context.font = FONT
  }
  context.globalAlpha = 1
}

function drawCross(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.strokeStyle = '#fff'
  context.lineWidth = 1.6
  context.beginPath()
  context.moveTo(x - 2.5, y - 2.5)
  context.lineTo(x + 2.5, y + 2.5)
  context.moveTo(x + 2.5, y - 2.5)
  context.lineTo(x - 2.5, y + 2.5)
  context.stroke()
}

/**
 * From the node that held a task to where it ran: solid for steals and the like, dashed for what was taken over. Where
 * there are many, only the heads are drawn, and the whole arrow of the task that is looked at.
 */
function drawArrows(context: CanvasRenderingContext2D, picture: Picture): void {
  const moved = picture.placed.filter(({ via }) => via !== null && MOVES.has(via))
  const areFew = moved.length <= ARROWS_MAX
  for (const span of moved) {
    const box = boxOf(picture, span)
    if (box === null || box.x < picture.gutter || box.width < 5) continue
    const isChosen = picture.chosen === span.task
    const from =
      span.movedFrom !== null && (areFew || isChosen) ? laneOf(picture.rows, span.movedFrom) : null
    const isReclaim = span.via === 'reclaimed'
    context.strokeStyle = isReclaim ? picture.palette.failed : picture.palette.text
    context.fillStyle = context.strokeStyle
    context.globalAlpha = isChosen ? 0.9 : isReclaim ? 0.75 : 0.4
    context.setLineDash(isReclaim ? [3, 2] : [])
    drawArrow(context, box.x, box.y + box.height / 2, from)
    context.globalAlpha = 1
  }
}

/** Ways of a task to a node that are worth an arrow: not being given out at the start. */
const MOVES = new Set(['stolen', 'handed-on', 'reclaimed'])
const ARROWS_MAX = 40

/** @param from the rows of the node that it came from; null: a head with a short tail */
function drawArrow(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  from: NodeRows | null
): void {
  context.lineWidth = 1.2
  context.beginPath()
  if (from === null) {
    context.moveTo(x - 8, y)
    context.lineTo(x - 3, y)
  } else {
    const start = from.y + from.height / 2
    context.moveTo(x - 14, start)
    context.bezierCurveTo(x - 2, start, x - 16, y, x - 3, y)
  }
  context.stroke()
  context.setLineDash([])
  context.beginPath()
  context.moveTo(x + 1, y)
  context.lineTo(x - 4, y - 3)
  context.lineTo(x - 4, y + 3)
  context.fill()
}

function drawDensity(context: CanvasRenderingContext2D, picture: Picture): void {
  context.fillStyle = picture.palette.accent
  for (const { x, y, width, height, part } of busyBoxes(picture)) {
    context.globalAlpha = 0.15 + 0.85 * part
    context.fillRect(x, y, width, height)
  }
  context.globalAlpha = 1
}

function drawFold(
  context: CanvasRenderingContext2D,
  picture: Picture,
  at: number,
  ms: number
): void {
  const { gutter, palette, rows } = picture
  const x = gutter + at
  context.fillStyle = palette.surface
  context.fillRect(x + 2, AXIS_HEIGHT, FOLD_WIDTH - 4, rows.height)
  context.strokeStyle = palette.line
  context.lineWidth = 1.5
  context.beginPath()
  for (let y = AXIS_HEIGHT; y < rows.height; y += 8) {
    context.lineTo(x + FOLD_WIDTH / 2 + ((y / 8) % 2 < 1 ? -3 : 3), y)
  }
  context.stroke()
  context.save()
  context.translate(x + FOLD_WIDTH / 2, rows.height / 2)
  context.rotate(-Math.PI / 2)
  context.fillStyle = palette.surface
  const words = `${duration(ms)} idle`
  const { width } = context.measureText(words)
  context.fillRect(-width / 2 - 4, -8, width + 8, 16)
  context.fillStyle = palette.muted
  context.textAlign = 'center'
  context.fillText(words, 0, 0)
  context.restore()
}
