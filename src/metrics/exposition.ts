/**
 * The facts about a node as text for Prometheus.
 *
 * A registry is made for each answer and thrown away after it: what is counted lives in the core and is counted once,
 * and a node that nobody asks pays nothing. Names are a contract (base units, `_total`); no label names a task.
 */
import {
  Counter,
  Gauge,
  Registry,
  type MetricObjectWithValues,
  type MetricValue
} from '@prometheus-io/client'
import type { Histogram } from '../core/telemetry/histogram.ts'
import type { MetricsSnapshot } from '../node/queries/metrics-snapshot.ts'

/** Of the histogram's buckets, those shown: 1 ms, 4 ms, 16 ms, ... 4.7 h. */
const BUCKETS_SHOWN: readonly number[] = Array.from({ length: 13 }, (_, place) => place * 8)

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

export function exposition(metricsSnapshot: MetricsSnapshot): Promise<string> {
  const registry = new Registry()
  const counter = metricMaker(registry, Counter, (metric, labels, value) =>
    metric.inc(labels, value)
  )
  const gauge = metricMaker(registry, Gauge, (metric, labels, value) => metric.set(labels, value))
  addTasks(metricsSnapshot, counter, gauge)
  addSlots(metricsSnapshot, gauge)
  addWork(metricsSnapshot, registry, counter)
  addNodes(metricsSnapshot, gauge)
  addLog(metricsSnapshot, counter, gauge)
  return registry.metrics()
}

/** Adds a metric with these labels, and its samples. */
type Add = (
  name: string,
  help: string,
  labels: readonly string[],
  samples: readonly Sample[]
) => void

function addTasks({ tasks, counters, totals }: MetricsSnapshot, counter: Add, gauge: Add): void {
  const { submitted, settled, starts, duplicateStarts } = counters
  const retries = [...totals.values()].reduce((sum, { retried }) => sum + retried, 0)
  gauge(
    'hearsay_tasks',
    'Tasks of the cluster that are kept; the same on every node.',
    ['state', 'type'],
    tasks.map(({ state, type, count }) => [{ state, type }, count])
  )
  counter('hearsay_tasks_submitted_total', 'Tasks submitted to this node.', [], one(submitted))
  counter(
    'hearsay_tasks_settled_total',
    'Tasks that this node settled; the reason is empty for completed ones.',
    ['type', 'status', 'reason'],
    settled
      .all()
      .map(({ labels: [type, status, reason], count }) => [{ type, status, reason }, count])
  )
  counter('hearsay_task_starts_total', 'Handlers called by this node.', [], one(starts))
  counter(
    'hearsay_task_duplicate_starts_total',
    'Starts by this node of tasks that another node has started, too, not knowing how they ended.',
    [],
    one(duplicateStarts)
  )
  counter(
    'hearsay_task_retries_total',
    'Attempts at this node that were followed by another one.',
    [],
    one(retries)
  )
}

function addSlots({ slots, pools }: MetricsSnapshot, gauge: Add): void {
  gauge(
    'hearsay_slots',
    'Tasks that this node can run at once.',
    ['state'],
    [
      [{ state: 'busy' }, slots.busy],
      [{ state: 'free' }, slots.free]
    ]
  )
  gauge(
    'hearsay_pool_slots',
    'Tasks that this node can run at once, by pool.',
    ['pool', 'state'],
    [...pools].flatMap(([pool, { busy, free }]) => [
      [{ pool, state: 'busy' }, busy],
      [{ pool, state: 'free' }, free]
    ])
  )
}

function addWork({ counters }: MetricsSnapshot, registry: Registry, counter: Add): void {
  const { moves, steals, reclaims, claimConflicts, queueTimes, detectionTimes } = counters
  counter(
    'hearsay_steals_total',
    'Requests for work, made by this node (thief) or to it (holder).',
    ['role', 'result'],
    steals.all().map(({ labels: [role, result], count }) => [{ role, result }, count])
  )
  counter(
    'hearsay_task_moves_total',
    'Tasks that this node has given to another one.',
    [],
    one(moves)
  )
  counter(
    'hearsay_reclaims_total',
    'Tasks that this node took over, by what had become of their holder.',
    ['cause'],
    reclaims.all().map(({ labels: [cause], count }) => [{ cause }, count])
  )
  counter(
    'hearsay_claim_conflicts_total',
    'Claims of two nodes for one epoch that met here.',
    [],
    one(claimConflicts)
  )
  addHistogram(
    registry,
    'hearsay_task_run_seconds',
    'How long handlers ran here.',
    counters.runTimes()
  )
  addHistogram(
    registry,
    'hearsay_task_queue_seconds',
    'How long tasks had been ready when this node started them.',
    queueTimes
  )
  addHistogram(
    registry,
    'hearsay_detection_seconds',
    'From the last sign of life of a node until it was found to be gone.',
    detectionTimes
  )
}

function addNodes({ nodes, version }: MetricsSnapshot, gauge: Add): void {
  const byStatus = Map.groupBy(nodes, ({ status }) => status)
  const statuses = ['alive', 'suspect', 'unreachable', 'crashed', 'left', 'unseen'] as const
  gauge(
    'hearsay_nodes',
    'Members as this node sees them, itself and expected ones that were never seen included.',
    ['status'],
    statuses.map(status => [{ status }, byStatus.get(status)?.length ?? 0])
  )
  gauge(
    'hearsay_peer_heartbeat_age_seconds',
    'Since a member was last heard of.',
    ['peer'],
    nodes
      .filter(({ self, heartbeatAgeMs }) => !self && heartbeatAgeMs !== null)
      .map(({ name, heartbeatAgeMs }) => [{ peer: name }, heartbeatAgeMs! / 1000])
  )
  gauge('hearsay_build_info', 'Always 1; the version is a label.', ['version'], [[{ version }, 1]])
}

function addLog(metricsSnapshot: MetricsSnapshot, counter: Add, gauge: Add): void {
  const { counters, replica, lag, unreadable, net, loopLagMs } = metricsSnapshot
  gauge('hearsay_replica_entries', 'Tasks in the replica of this node.', [], one(replica.entries))
  gauge('hearsay_replica_bytes', 'Their size as messages, at most.', [], one(replica.bytes))
  gauge(
    'hearsay_replication_lag_entries',
    'Writes of a node that others have and this node lacks.',
    ['origin'],
    [...lag].map(([origin, entries]) => [{ origin }, entries])
  )
  gauge(
    'hearsay_replica_unreadable_entries',
    'Writes of a node that this node could not read, and asks for again when it is upgraded.',
    ['origin'],
    [...unreadable].map(([origin, entries]) => [{ origin }, entries])
  )
  counter(
    'hearsay_unreadable_entries_total',
    'Writes of other nodes that this node could not read when they came.',
    [],
    one(counters.unreadable)
  )
  counter(
    'hearsay_gossip_gaps_total',
    'News that came before something that they build on.',
    [],
    one(counters.gossipGaps)
  )
  counter(
    'hearsay_sync_bytes_total',
    'Bytes of answers to nodes that catch up, sent and received.',
    [],
    one(net.syncBytes)
  )
  gauge(
    'hearsay_event_loop_lag_seconds',
    'The longest delay of a tick in the last 15 s.',
    [],
    one(loopLagMs / 1000)
  )
}

function one(value: number): Sample[] {
  return [[{}, value]]
}

/** Makes metrics of one kind, with their samples. */
function metricMaker<M extends Counter | Gauge>(
  registry: Registry,
  Kind: new (options: {
    name: string
    help: string
    labelNames: string[]
    registers: Registry[]
  }) => M,
  fill: (metric: M, labels: Labels, value: number) => void
): Add {
  return (name, help, labels, samples) => {
    const metric = new Kind({ name, help, labelNames: [...labels], registers: [registry] })
    for (const [given, value] of samples) fill(metric, given, value)
  }
}

/** The client's own histograms want to see every single value. Ours are counted already. */
function addHistogram(registry: Registry, name: string, help: string, histogram: Histogram): void {
  const sample = (
    suffix: string,
    value: number,
    labels: Labels = {}
  ): MetricValue<string> & { metricName: string } => ({
    metricName: `${name}_${suffix}`,
    labels,
    value
  })
  const buckets = histogram
    .upTo(BUCKETS_SHOWN)
    .map(({ boundMs, count }) => sample('bucket', count, { le: String(boundMs / 1000) }))
  const values = [
    ...buckets,
    sample('bucket', histogram.count, { le: '+Inf' }),
    sample('sum', histogram.values().sumMs / 1000),
    sample('count', histogram.count)
  ]
  const object = { name, help, type: 'histogram', aggregator: 'sum', values }
  const metric = {
    name,
    help,
    get: () => Promise.resolve(object as unknown as MetricObjectWithValues<MetricValue<string>>)
  }
  registry.registerMetric(metric as unknown as Counter)
}
