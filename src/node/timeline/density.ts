/**
 * How busy slots were, where there are too many spans to tell each: for each row and each of a number of equal stretches
 * of time, what part of it was taken, and how many runs ended in it.
 */
import { compareText } from '../../core/base/order.ts'
import type { SpanView, TimelineView } from '../api/lists-api.ts'

/** As many as a screen has room for. */
const BUCKETS_MAX = 240

type Density = NonNullable<TimelineView['density']>
type Row = Density['rows'][number]

/**
 * @param fromMs of the timeline, in ms since 1970, as is `toMs`
 * @param max numbers in all, about
 */
export function densityOf(
  spans: readonly SpanView[],
  fromMs: number,
  toMs: number,
  max: number
): Density {
  const byRow = Map.groupBy(spans, ({ node, pool, slot }) => JSON.stringify([node, pool, slot]))
  const buckets = Math.max(1, Math.min(BUCKETS_MAX, Math.floor(max / Math.max(1, byRow.size))))
  const bucketMs = Math.max(1, (toMs - fromMs) / buckets)
  const rows = [...byRow.values()].map((those): Row => {
    const { node, pool, slot } = those[0]!
    const row: Row = {
      node,
      pool,
      slot,
      busy: Array<number>(buckets).fill(0),
      ended: Array<number>(buckets).fill(0)
    }
    for (const span of those) add(row, span, { fromMs, toMs, bucketMs })
    // A clock that was set back makes two runs of one slot overlap.
    return { ...row, busy: row.busy.map(part => Math.min(1, Math.round(part * 1000) / 1000)) }
  })
  rows.sort((x, y) => compareText(x.node, y.node) || compareText(x.pool, y.pool) || x.slot - y.slot)
  return { bucketMs, rows }
}

function add(
  { busy, ended }: Row,
  span: SpanView,
  { fromMs, toMs, bucketMs }: { fromMs: number; toMs: number; bucketMs: number }
): void {
  const begin = Math.max(fromMs, Date.parse(span.from))
  const end = Math.min(toMs, span.to === null ? toMs : Date.parse(span.to))
  const bucketOf = (ms: number): number =>
    Math.max(0, Math.min(busy.length - 1, Math.floor((ms - fromMs) / bucketMs)))
  for (let bucket = bucketOf(begin); bucket <= bucketOf(end); bucket++) {
    const left = Math.max(begin, fromMs + bucket * bucketMs)
    const right = Math.min(end, fromMs + (bucket + 1) * bucketMs)
    busy[bucket]! += Math.max(0, right - left) / bucketMs
  }
  if (span.to !== null && Date.parse(span.to) <= toMs) ended[bucketOf(end)]!++
}
