/**
 * When tasks ran, and where: one span for each attempt, of the last while. What the node tells is taken as it is; what
 * has happened since is added from its events, so that a picture of it is never older than these.
 */
import { signal } from '@preact/signals'
import type { NodeEvent } from '../../../node/api/node-api.ts'
import { textOf } from '../state/format.ts'

export type Span = Readonly<{
  task: string
  type: string
  node: string
  pool: string | null
  /** From 0; null where nobody has said so. */
  slot: number | null
  attempt: number
  fromMs: number
  /** Null: it runs. */
  toMs: number | null
  outcome: string | null
  /** How the task came to the node, and from which one if that is known. */
  via: string | null
  movedFrom: string | null
}>

/** More are drawn as how busy slots were, not one by one. */
export const SPANS_DRAWN_MAX = 5000
const SPANS_KEPT = 20_000

/** Of any order. */
export const spans = signal<ReadonlyMap<string, Span>>(new Map())

/** From which node a task came, until its run begins there. */
const moved = new Map<string, { from: string; via: string }>()
const MOVED_KEPT = 5000

export function keyOf({ task, attempt, node }: Pick<Span, 'task' | 'attempt' | 'node'>): string {
  return `${task} ${attempt} ${node}`
}

/** What runs on a node now, as far as it is known; by slot, then by age. */
export function runningOn(node: string): Span[] {
  const running = [...spans.value.values()].filter(span => span.node === node && span.toMs === null)
  return running.toSorted((x, y) => (x.slot ?? 0) - (y.slot ?? 0) || x.fromMs - y.fromMs)
}

/** Takes in what the node has told. What was known of where a task came from stays. */
export function takeSpans(told: readonly Span[]): void {
  const all = new Map(spans.value)
  for (const span of told) {
    const known = all.get(keyOf(span))
    // The answer may be older than the event of its end.
    const isOlder = span.toMs === null && known !== undefined && known.toMs !== null
    const end = isOlder ? { toMs: known.toMs, outcome: known.outcome } : {}
    all.set(keyOf(span), { ...span, ...end, movedFrom: known?.movedFrom ?? null })
  }
  spans.value = bounded(all)
}

/** Takes in what has happened. */
export function takeEvents(events: readonly NodeEvent[]): void {
  const all = new Map(spans.value)
  let isChanged = false
  for (const event of events) {
    isChanged = takeEvent(all, event) || isChanged
  }
  if (isChanged) spans.value = bounded(all)
}

/** Whether that has changed anything. */
function takeEvent(all: Map<string, Span>, event: NodeEvent): boolean {
  const task = textOf(event['taskId'])
  const atMs = Date.parse(event.at)
  if (event.event === 'task:stolen' || event.event === 'task:reclaimed') {
    moved.delete(task)
    moved.set(task, { from: textOf(event['from']), via: event.event.slice('task:'.length) })
    const [oldest] = moved.keys()
    if (moved.size > MOVED_KEPT) moved.delete(oldest!)
    return event.event === 'task:reclaimed' && close(all, task, atMs, 'lost')
  }
  if (event.event === 'task:started') {
    const span = spanOf(event, task, atMs)
    const known = all.get(keyOf(span))
    if (known !== undefined && known.toMs === null) return false
    // It runs here now, whatever has become of where it ran before.
    close(all, task, atMs, 'lost')
    all.set(keyOf(span), span)
    return true
  }
  if (!/^task:(completed|failed|cancelled|retrying)$/.test(event.event)) return false
  return close(all, task, atMs, event.event.slice('task:'.length))
}

function spanOf(event: NodeEvent, task: string, fromMs: number): Span {
  const node = textOf(event['node'])
  const from = moved.get(task)
  const isMoved = from !== undefined && from.from !== node
  const attempt = typeof event['attempt'] === 'number' ? event['attempt'] : 1
  const type = textOf(event['type'])
  const [pool, slot, toMs, outcome] = [null, null, null, null]
  const [via, movedFrom] = isMoved ? [from.via, from.from] : [null, null]
  return { task, type, node, pool, slot, attempt, fromMs, toMs, outcome, via, movedFrom }
}

function close(all: Map<string, Span>, task: string, atMs: number, outcome: string): boolean {
  let isChanged = false
  for (const [key, span] of all) {
    if (span.task !== task || span.toMs !== null) continue
    const end = outcome === 'retrying' ? 'failed' : outcome
    all.set(key, { ...span, toMs: Math.max(span.fromMs, atMs), outcome: end })
    isChanged = true
  }
  return isChanged
}

/** The oldest go. */
function bounded(all: Map<string, Span>): ReadonlyMap<string, Span> {
  if (all.size <= SPANS_KEPT) return all
  const kept = [...all].toSorted(([, x], [, y]) => y.fromMs - x.fromMs).slice(0, SPANS_KEPT)
  return new Map(kept)
}
