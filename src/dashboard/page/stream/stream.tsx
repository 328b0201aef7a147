/** The task stream: what each slot of each node has run, and runs, along the time. */
import type { JSX } from 'preact'
import { effect, useSignal, type Signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Text } from '../parts/small.tsx'
import { link, nodes } from '../state/cluster.ts'
import { duration, localTime } from '../state/format.ts'
import { isDark } from '../state/preferences.ts'
import { go, pathOfTask } from '../state/route.ts'
import { boxOf, draw, type Picture } from './draw.ts'
import { foldsIdle, follow, frame, pan, zoom } from './frame.ts'
import { paletteOf, pictureOf } from './picture.ts'
import { followPointers } from './pointer.ts'
import type { Placed } from './rows.ts'
import { followTimeline, unheard } from './timeline.ts'
import { Twin } from './twin.tsx'

/** As often as anything is repainted; rarer where movement is not wanted. */
const REPAINT_MS = 250
const CALM_REPAINT_MS = 2000

const calm = matchMedia('(prefers-reduced-motion: reduce)')

type Hover = Readonly<{ span: Placed; x: number; y: number }>

export function TaskStream(): JSX.Element {
  const ref = useRef<HTMLCanvasElement>(null)
  const shown = useSignal<Picture | null>(null)
  const hover = useSignal<Hover | null>(null)
  useEffect(followTimeline, [])
  useEffect(() => paint(ref.current!, shown, hover), [])
  const { endMs, lengthMs } = frame.value
  return (
    <section class="panel stream" aria-labelledby="stream-title">
      <header>
        <h2 id="stream-title">Task stream</h2>
        <Tools />
      </header>
      <div class="stream-box">
        <canvas
          ref={ref}
          tabIndex={0}
          role="img"
          data-runs={shown.value?.placed.length}
          aria-label={`What each slot ran in the last ${duration(lengthMs)}; as a table below`}
          onKeyDown={onKey}
        />
        {hover.value !== null && <Tip hover={hover.value} />}
      </div>
      <p class="muted small stream-words">
        {endMs === null
          ? `the last ${duration(lengthMs)}`
          : `${duration(lengthMs)}, up to ${localTime(endMs)}`}
        ;{' '}
        {shown.value?.isDense
          ? 'too many runs to draw each: how busy each slot was'
          : 'an arrow is a task that came from another node, a dashed one was taken over from one that is gone'}
        {unheard.value.length > 0 && `; without ${unheard.value.join(', ')}, which did not answer`}
      </p>
      <Twin picture={shown} />
    </section>
  )
}

function Tools(): JSX.Element {
  const nowMs = Date.now()
  return (
    <div class="tools">
      <button type="button" class="quiet" onClick={() => zoom(0.5, nowMs)} aria-label="zoom in">
        +
      </button>
      <button type="button" class="quiet" onClick={() => zoom(2, nowMs)} aria-label="zoom out">
        −
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={foldsIdle.value}
        onClick={() => (foldsIdle.value = !foldsIdle.value)}
      >
        fold idle
      </button>
      <button
        type="button"
        class="quiet"
        aria-pressed={frame.value.endMs === null}
        onClick={follow}
      >
        follow
      </button>
    </div>
  )
}

function Tip({ hover: { span, x, y } }: Readonly<{ hover: Hover }>): JSX.Element {
  const end = span.toMs ?? Date.now()
  return (
    <div class="tip" style={{ left: `${x}px`, top: `${y}px` }}>
      <b>
        <Text>{span.type}</Text>
      </b>
      <span>
        {span.outcome ?? 'running'}, {duration(end - span.fromMs)}, attempt {span.attempt}
      </span>
      <span>
        on {span.node}
        {span.via !== null && `, ${span.via}`}
        {span.movedFrom !== null && ` from ${span.movedFrom}`}
      </span>
    </div>
  )
}

/** Repaints when something has changed, and as the time goes on. Returns how to stop it. */
function paint(
  canvas: HTMLCanvasElement,
  shown: Signal<Picture | null>,
  hover: Signal<Hover | null>
): () => void {
  const context = canvas.getContext('2d')!
  let request = 0
  const repaint = (): void => {
    request = 0
    const { clientWidth: width } = canvas.parentElement!
    // While nothing is heard, the time stands still: what goes on is not known.
    const { state, asOfMs } = link.peek()
    const nowMs = state === 'cut' ? (asOfMs ?? Date.now()) : Date.now()
    const chosen = hover.peek()?.span.task ?? null
    const picture = pictureOf(nodes.peek(), width, nowMs, paletteOf(canvas), chosen)
    const ratio = devicePixelRatio || 1
    const { height } = picture.rows
    if (
      canvas.width !== Math.round(width * ratio) ||
      canvas.height !== Math.round(height * ratio)
    ) {
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
      canvas.style.height = `${height}px`
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    draw(context, picture)
    shown.value = picture
  }
  const ask = (): void => {
    if (request === 0 && !document.hidden) request = requestAnimationFrame(repaint)
  }
  const stopEffect = effect(() => {
    void [frame.value, foldsIdle.value, isDark.value, hover.value]
    ask()
  })
  const timer = setInterval(ask, calm.matches ? CALM_REPAINT_MS : REPAINT_MS)
  const resized = new ResizeObserver(ask)
  resized.observe(canvas.parentElement!)
  const stopPointers = followPointers(canvas, {
    timeBox: () => ({ left: shown.peek()?.gutter ?? 0, width: shown.peek()?.scale.width ?? 1 }),
    onClick: place => {
      const span = spanAt(shown.peek(), place)
      if (span !== null) go(pathOfTask(span.task))
    },
    onHover: place => {
      const span = place === null ? null : spanAt(shown.peek(), place)
      if (span === null || place === null) hover.value = null
      else if (hover.value?.span.task !== span.task) hover.value = { span, ...place }
      canvas.style.cursor = span === null ? 'grab' : 'pointer'
    }
  })
  return () => {
    stopEffect()
    clearInterval(timer)
    cancelAnimationFrame(request)
    resized.disconnect()
    stopPointers()
  }
}

function spanAt(picture: Picture | null, { x, y }: { x: number; y: number }): Placed | null {
  if (picture === null || picture.isDense) return null
  const found = picture.placed.findLast(span => {
    const box = boxOf(picture, span)
    return (
      box !== null &&
      x >= Math.max(picture.gutter, box.x - 1) &&
      x <= box.x + box.width + 1 &&
      y >= box.y - 2 &&
      y <= box.y + box.height + 2
    )
  })
  return found ?? null
}

function onKey(event: KeyboardEvent): void {
  const nowMs = Date.now()
  const acts: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => pan(-0.2, nowMs),
    ArrowRight: () => pan(0.2, nowMs),
    '+': () => zoom(0.5, nowMs),
    '=': () => zoom(0.5, nowMs),
    '-': () => zoom(2, nowMs),
    f: follow
  }
  const act = acts[event.key]
  if (act === undefined) return
  act()
  event.preventDefault()
}
