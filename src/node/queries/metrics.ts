/** What has been counted, as programs see it: counts and processing times, by type of task and in all. */
import type { TypeTotals } from '../../core/telemetry/counts-gossip.ts'
import { Histogram } from '../../core/telemetry/telemetry.ts'
import type { CoreView } from '../../core/view.ts'
import type { MetricsView, TaskCounts } from '../api/node-api.ts'

const DIGITS = 3

export function metricsView(core: CoreView): MetricsView {
  return { v: 1, node: countsOf(core.totals('node')), cluster: countsOf(core.totals('cluster')) }
}

function countsOf(byType: ReadonlyMap<string, TypeTotals>): MetricsView['node'] {
  const all = { completed: 0, failed: 0, cancelled: 0, retried: 0, runs: new Histogram() }
  for (const { completed, failed, cancelled, retried, runs } of byType.values()) {
    all.completed += completed
    all.failed += failed
    all.cancelled += cancelled
    all.retried += retried
    all.runs.merge(runs.values())
  }
  const types = [...byType].map(([type, totals]): [string, TaskCounts] => [type, viewOf(totals)])
  return { ...viewOf(all), byType: Object.fromEntries(types) }
}

function viewOf({ completed, failed, cancelled, retried, runs }: TypeTotals): TaskCounts {
  return {
    completed,
    failed,
    cancelled,
    retried,
    processing: {
      count: runs.count,
      meanMs: rounded(runs.meanMs),
      p50Ms: rounded(runs.quantileMs(0.5)),
      p95Ms: rounded(runs.quantileMs(0.95)),
      p99Ms: rounded(runs.quantileMs(0.99))
    }
  }
}

/** A quantile is known to a tenth of it, and of a mean three digits are as many as anybody compares. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Number(ms.toPrecision(DIGITS))
}
