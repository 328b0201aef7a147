/**
 * Who ran what, and when, in the whole cluster: each node is asked for what it ran, since no other knows it as exactly.
 *
 * What does not answer in time, or says what it may not, is named, so that nobody takes a gap for idleness; and so are
 * nodes that no longer have all that they ran in that time.
 */
import { compareText } from '../../core/base/order.ts'
import { nodeOf, type NodeId } from '../../core/base/ids.ts'
import {
  TIMELINE_LIMITS,
  type RunSpan,
  type TimelineAnswer,
  type TimelineRequest
} from '../../core/message.ts'
import type { CoreView } from '../../core/view.ts'
import type { Clock, Transport } from '../../ports/ports.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { SpanView, TimelineQuery, TimelineView } from '../api/lists-api.ts'
import { timeMs } from '../lists/task-filter.ts'
import { wallMsOf } from '../runtime/clock.ts'
import { densityOf } from './density.ts'
import type { RunSpans } from './run-spans.ts'

/** Time that a node has to answer. */
const PATIENCE_MS = 1500
/** How much is told if nobody says since when. */
const STRETCH_MS = 600_000
/** As many spans as a page can draw one by one. */
const SPANS_MAX = 5000
export type TimelineParts = Readonly<{
  core: CoreView
  transport: Pick<Transport, 'id' | 'askTimeline'>
  clock: Pick<Clock, 'now' | 'aheadMs'>
  spans: RunSpans
  nameOf: (node: NodeId) => string
}>

/** What a node has answered; null: nothing that could be used. */
type Answered = Readonly<{
  name: string
  spans: readonly RunSpan[]
  reachesToMs: number | null
}> | null

export class Timeline {
  readonly #parts: TimelineParts

  constructor(parts: TimelineParts) {
    this.#parts = parts
  }

  /** @throws InvalidOptionError */
  async view({ from, to, max = SPANS_MAX }: TimelineQuery): Promise<TimelineView> {
    const { clock, nameOf } = this.#parts
    const toMs = to === undefined ? Math.floor(wallMsOf(clock)) : timeMs('to', to)
    const fromMs = from === undefined ? Math.max(0, toMs - STRETCH_MS) : timeMs('from', from)
    if (fromMs > toMs) {
      throw new InvalidOptionError(`from cannot be after to: ${from} is later than ${iso(toMs)}`)
    }
    const request: TimelineRequest = { kind: 'between', fromMs: Math.max(0, fromMs), toMs }
    const nodes = this.#nodes()
    const answers = await Promise.all(nodes.map(node => this.#ask(node, request)))
    const missing = nodes.filter((_, index) => answers[index] === null).map(nameOf)
    const known = answers.filter(answer => answer !== null)
    const spans = known.flatMap(answer => answer.spans.map(span => spanView(span, answer.name)))
    spans.sort((x, y) => compareText(x.from, y.from) || compareText(x.task, y.task))
    const isTooMuch = spans.length > max
    return {
      v: 1,
      from: iso(fromMs),
      to: iso(toMs),
      spans: isTooMuch ? [] : spans,
      density: isTooMuch ? densityOf(spans, fromMs, toMs, max) : null,
      missing: missing.sort(compareText),
      lost: known
        .filter(({ reachesToMs }) => reachesToMs !== null && reachesToMs >= fromMs)
        .map(({ name }) => name)
        .sort(compareText)
    }
  }

  /** This node, and all members that have not left: what those ran that have crashed is missing, too. */
  #nodes(): NodeId[] {
    const { core, clock, transport } = this.#parts
    const members = core.members(clock.now()).filter(({ status }) => status !== 'left')
    return [transport.id, ...members.map(({ heartbeat }) => nodeOf(heartbeat.boot))]
  }

  async #ask(node: NodeId, request: TimelineRequest): Promise<Answered> {
    const name = this.#parts.nameOf(node)
    const spans: RunSpan[] = []
    try {
      for await (const answer of this.#answers(node, request)) {
        if (answer.kind === 'end') return { name, spans, reachesToMs: answer.reachesToMs }
        spans.push(...answer.spans.filter(span => isBetween(span, request)))
        if (spans.length > TIMELINE_LIMITS.spansMax) return null
      }
      return null
    } catch {
      return null
    }
  }

  #answers(
    node: NodeId,
    request: TimelineRequest
  ): AsyncIterable<TimelineAnswer> | Iterable<TimelineAnswer> {
    const { transport, spans } = this.#parts
    if (node === transport.id) return spans.answer(request)
    return transport.askTimeline(node, request, AbortSignal.timeout(PATIENCE_MS))
  }
}

/** What was not asked for is not told, whoever says it. */
function isBetween(span: RunSpan, { fromMs, toMs }: TimelineRequest): boolean {
  return span.fromMs <= toMs && (span.toMs === null || span.toMs >= fromMs)
}

function spanView(span: RunSpan, node: string): SpanView {
  const { taskId: task, type, pool, slot, attempt, fromMs, toMs, outcome, via } = span
  const to = toMs === null ? null : iso(toMs)
  return { task, type, node, pool, slot, attempt, from: iso(fromMs), to, outcome, via }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
