/**
 * The node's own word on when tasks ran: what was before this page, what all nodes remember of it, and in which slots.
 * Events tell the rest as it happens, so the node is asked rarely.
 */
import { effect, signal } from '@preact/signals'
import { get } from '../state/api.ts'
import type { TimelineView } from '../state/contract.ts'
import { withNextPulse } from '../state/pulse.ts'
import type { Density } from './density.ts'
import { endOf, frame } from './frame.ts'
import { takeSpans, type Span } from './spans.ts'

const AGAIN_MS = 5000
/** What is asked for again: runs that have begun or ended since are in it. */
const RECENT_MS = 20_000
/** A frame that is being moved is not asked for before it stands still. */
const STILL_MS = 250
/** More is asked for than is shown, so that small moves need no question. */
const MARGIN = 0.5
const SPANS_MAX = 5000

export const density = signal<Density | null>(null)
/** Nodes that did not answer the last question. */
export const unheard = signal<readonly string[]>([])

/** Asks for the spans of the time that is shown, and for those of lately again. Returns how to stop it. */
export function followTimeline(): () => void {
  const gone = new AbortController()
  let moving: ReturnType<typeof setTimeout> | undefined
  let known: Readonly<{ fromMs: number; lengthMs: number }> | null = null
  const ask = (fromMs: number, toMs: number, isWhole: boolean): void => {
    if (document.hidden) return
    askFor(fromMs, toMs, isWhole, gone.signal).catch(() => {
      // That nobody answers is said above the view.
    })
  }
  const look = (): void => {
    const { lengthMs } = frame.value
    const toMs = endOf(frame.value, Date.now())
    const fromMs = toMs - lengthMs
    // What is far less than was asked for may be told run by run.
    const isKnown = known !== null && fromMs >= known.fromMs
    if (isKnown && (density.peek() === null || lengthMs > known!.lengthMs / 4)) return
    clearTimeout(moving)
    const wanted = { fromMs: fromMs - lengthMs * MARGIN, lengthMs }
    const askNow = (): void => {
      known = wanted
      ask(wanted.fromMs, toMs, true)
    }
    if (known === null) askNow()
    else moving = setTimeout(askNow, STILL_MS)
  }
  // What happened while nobody looked is asked for anew.
  const onSeen = (): void => {
    known = null
    if (!document.hidden) look()
  }
  const stopFrame = effect(look)
  document.addEventListener('visibilitychange', onSeen)
  const timer = setInterval(() => ask(Date.now() - RECENT_MS, Date.now(), false), AGAIN_MS)
  return () => {
    gone.abort()
    stopFrame()
    document.removeEventListener('visibilitychange', onSeen)
    clearTimeout(moving)
    clearInterval(timer)
  }
}

/** @param isWhole all of what is shown, in place of what was known of it */
async function askFor(
  fromMs: number,
  toMs: number,
  isWhole: boolean,
  gone: AbortSignal
): Promise<void> {
  const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]
  const told = await get<TimelineView>('/v1/timeline', { from, to, max: SPANS_MAX }, gone)
  withNextPulse(() => {
    unheard.value = told.missing
    takeSpans(told.spans.map(spanOf))
    if (isWhole) density.value = densityOf(told)
  })
}

function densityOf({ from, to, density: told }: TimelineView): Density | null {
  if (told === null) return null
  return { fromMs: Date.parse(from), toMs: Date.parse(to), ...told }
}

function spanOf({ from, to, ...span }: TimelineView['spans'][number]): Span {
  return {
    ...span,
    fromMs: Date.parse(from),
    toMs: to === null ? null : Date.parse(to),
    movedFrom: null
  }
}
