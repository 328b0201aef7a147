/**
 * The node's own word on when tasks ran: what was before this page, what all nodes remember of it, and in which slots.
 * Events tell the rest as it happens, so the node is asked rarely.
 */
import { effect, signal } from '@preact/signals'
import { get, RefusedError } from '../state/api.ts'
import { withNextPulse } from '../state/pulse.ts'
import { endOf, frame } from './frame.ts'
import { takeSpans, type Span } from './spans.ts'

type Told = Readonly<{
  spans: readonly Readonly<{
    task: string
    type: string
    node: string
    pool: string | null
    slot: number | null
    attempt: number
    from: string
    to: string | null
    outcome: string | null
    via: string | null
  }>[]
  missing?: readonly string[]
}>

const AGAIN_MS = 5000
/** What is asked for again: runs that have begun or ended since are in it. */
const RECENT_MS = 20_000
const SPANS_MAX = 5000

/** Nodes that did not answer the last question. */
export const unheard = signal<readonly string[]>([])

/** Asks for the spans of the time that is shown, and for those of lately again. Returns how to stop it. */
export function followTimeline(): () => void {
  const gone = new AbortController()
  const ask = (fromMs: number, toMs: number): void => {
    if (!isAnswered) return
    askFor(fromMs, toMs, gone.signal).catch((error: unknown) => {
      // A node of before does not know the question. That nobody answers is said above the view.
      if (error instanceof RefusedError && error.problem === 'InvalidOptionError')
        isAnswered = false
    })
  }
  let isAnswered = true
  let knownFromMs = Infinity
  const stopFrame = effect(() => {
    const toMs = endOf(frame.value, Date.now())
    const fromMs = toMs - frame.value.lengthMs
    if (fromMs >= knownFromMs) return
    ask(fromMs, Math.min(toMs, knownFromMs))
    knownFromMs = fromMs
  })
  const timer = setInterval(() => {
    if (!document.hidden) ask(Date.now() - RECENT_MS, Date.now())
  }, AGAIN_MS)
  return () => {
    gone.abort()
    stopFrame()
    clearInterval(timer)
  }
}

async function askFor(fromMs: number, toMs: number, signal: AbortSignal): Promise<void> {
  const query = {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    max: SPANS_MAX
  }
  const { spans, missing = [] } = await get<Told>('/v1/timeline', query, signal)
  withNextPulse(() => {
    unheard.value = missing
    takeSpans(spans.map(spanOf))
  })
}

function spanOf({ from, to, ...span }: Told['spans'][number]): Span {
  return {
    ...span,
    fromMs: Date.parse(from),
    toMs: to === null ? null : Date.parse(to),
    movedFrom: null
  }
}
