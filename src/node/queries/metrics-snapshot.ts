/** What can be measured of a node, looked up when it is asked for and at no other time. */
import { nodeOf, type NodeId } from '../../core/base/ids.ts'
import { poolsOf } from '../../core/claim/claim.ts'
import type { BusyPool } from '../../core/claim/pools.ts'
import type { Counters } from '../../core/telemetry/counters.ts'
import type { TypeTotals } from '../../core/telemetry/counts-gossip.ts'
import type { CoreView } from '../../core/view.ts'
import type { NodeStatus, NodeView, TaskState } from '../api/node-api.ts'
import type { NetCounters } from '../../ports/ports.ts'

/** Names of types are up to users: tasks of those beyond are counted together. */
const TYPES_MAX = 100
const OTHER_TYPES = '(other)'

/** Of a pool, or of all together. */
type Slots = Readonly<{ busy: number; free: number }>

export type MetricsSnapshot = Readonly<{
  version: string
  /** Tasks of the cluster, by state and type: the same on all nodes that are in sync. */
  tasks: readonly Readonly<{ state: TaskState; type: string; count: number }>[]
  counters: Counters
  /** Totals of this node, by type of task. */
  totals: ReadonlyMap<string, TypeTotals>
  slots: Slots
  /** Those of each pool, by name. */
  pools: ReadonlyMap<string, Slots>
  /** States of members and expected instances; `unseen`: never heard of. */
  nodes: readonly Readonly<{
    name: string
    status: NodeStatus | 'unseen'
    heartbeatAgeMs: number | null
    self: boolean
  }>[]
  replica: Readonly<{ entries: number; bytes: number }>
  /** By name of a node: how many of its writes others have on disk and this node has not merged. */
  lag: ReadonlyMap<string, number>
  /** By name of a node: how many of its writes could not be read here. */
  unreadable: ReadonlyMap<string, number>
  net: NetCounters
  loopLagMs: number
}>

export function metricsSnapshotOf(
  core: CoreView,
  nodes: readonly NodeView[],
  net: NetCounters,
  loopLagMs: number
): MetricsSnapshot {
  const self = core.self()
  const { version } = self
  const pools = new Map(poolsOf(self).map(pool => [pool.name, slotsOf(pool)]))
  const unreadable = new Map<NodeId, number>()
  for (const { origin, after, upTo } of core.unreadable()) {
    const node = nodeOf(origin)
    unreadable.set(node, (unreadable.get(node) ?? 0) + upTo - after)
  }
  return {
    version,
    tasks: tasksOf(core),
    counters: core.counters,
    totals: core.totals('node'),
    slots: [...pools.values()].reduce((sum, { busy, free }) => {
      return { busy: sum.busy + busy, free: sum.free + free }
    }),
    pools,
    nodes: nodes.map(({ name, id, status, heartbeatAgeMs, self }) => ({
      name: name ?? id ?? '',
      status: status ?? 'unseen',
      heartbeatAgeMs,
      self
    })),
    replica: core.replicaSize(),
    lag: byName(core.lag(), nodes),
    unreadable: byName(unreadable, nodes),
    net,
    loopLagMs
  }
}

/** Of a pool that has become smaller more may run than it has slots. */
function slotsOf({ slots, running }: BusyPool): Slots {
  return { busy: Math.min(running, slots), free: Math.max(0, slots - running) }
}

function tasksOf(core: CoreView): MetricsSnapshot['tasks'] {
  const byType = new Map<string, Map<TaskState, number>>()
  for (const record of core.records()) {
    const { type } = record.spec
    let states = byType.get(type)
    if (states === undefined) byType.set(type, (states = new Map()))
    const state = core.state(record)
    states.set(state, (states.get(state) ?? 0) + 1)
  }
  // Sorted, so that every node leaves out the same ones.
  const types = [...byType.keys()].sort()
  const others = new Map<TaskState, number>()
  for (const type of types.splice(TYPES_MAX)) {
    for (const [state, count] of byType.get(type)!) {
      others.set(state, (others.get(state) ?? 0) + count)
    }
  }
  const shown: [string, Map<TaskState, number>][] = types.map(type => [type, byType.get(type)!])
  return [...shown, [OTHER_TYPES, others] as const].flatMap(([type, states]) =>
    [...states].map(([state, count]) => ({ state, type, count }))
  )
}

/** Only of nodes that are still known by name: a forgotten one writes nothing more. */
function byName(
  lag: ReadonlyMap<NodeId, number>,
  nodes: readonly NodeView[]
): ReadonlyMap<string, number> {
  return new Map(
    nodes
      .filter(({ name, id, self }) => name !== null && id !== null && !self)
      .map(({ name, id }) => [name!, lag.get(nodeOf(id!)) ?? 0])
  )
}
