/** What is told of nodes, and of the cluster as a whole. */
import type { NodeId } from '../../core/base/ids.ts'
import type { TaskState } from '../../shared/names.ts'

/** How a member is: heard of lately, silent for a while, silent for long, proven dead, or gone on purpose. */
export type NodeStatus = 'alive' | 'suspect' | 'unreachable' | 'crashed' | 'left'

/** Slots of a node for some types of tasks. */
export type PoolView = {
  name: string
  slots: number
  running: number
  /** Types of tasks that it has handlers for. */
  types: string[]
  /** What tasks choose by: the labels of the node, and its own. */
  labels: Record<string, string>
  /** Whether a process of its own runs its tasks, which comes and goes. */
  external: boolean
}

/** A node as `hearsay nodes --json` shows it. */
export type NodeView = {
  v: 1
  /** `computer/instance`; for a peer that has not introduced itself yet: null. */
  name: string | null
  id: NodeId | null
  computer: string | null
  instance: string | null
  /** Null for a peer or roster entry that has never been heard of. */
  status: NodeStatus | null
  draining: boolean
  /** Why it begins nothing: its disk is full, it is cut off from the others, or what only a later version knows. */
  paused: 'disk' | 'alone' | 'waking' | 'other' | null
  self: boolean
  /** Whether an address of the member is known. */
  found: boolean
  /** There is an authenticated link in both directions. */
  connected: boolean
  /** Whether the member has all that this node has, and the other way round. */
  synced: boolean
  /** Of all its pools together, as are `running`, `queued` and `handlers`. */
  slots: number
  running: number
  queued: number
  /** By name; the one called `default` is that of all types that no other names. None where nothing is known. */
  pools: PoolView[]
  /** How late its event loop was at worst in the 15 s before its last heartbeat; 0 where nothing is known. */
  loopLagMs: number
  /** How many settled tasks the member is to keep; null where it has not said so. */
  settledMax: number | null
  handlers: string[]
  labels: Record<string, string>
  addresses: string[]
  heartbeatAgeMs: number | null
  boot: string | null
  version: string | null
}

/** The cluster in brief, as `hearsay status --json` shows it. */
export type StatusView = {
  v: 1
  cluster: string
  /** This node. */
  node: string
  id: NodeId
  version: string
  members: { alive: number; connected: number; synced: number; expected: number }
  tasks: Record<TaskState, number>
  /** Counts of tasks by type: the types with most tasks, and all others together as `(other)`. */
  types: Record<string, Record<TaskState, number>>
  slots: { total: number; running: number }
  /** Whether this node sees as many members as it takes to take over the work of those that have fallen silent. */
  quorum: boolean
  /**
   * Settled tasks that this node keeps, beside those that others depend on, and how many it is to keep: the least that
   * a member says (`NodeView.settledMax`). `differs`: not all say the same.
   */
  settled: { kept: number; max: number; differs: boolean }
  /**
   * Submissions that this node does not take yet, and what it has to do first: write to its disk, get copies to others,
   * or let go of settled tasks. Null: all are let in.
   */
  submitters: { waiting: number; heldBackBy: 'disk' | 'copies' | 'room' | null }
}

/** How a member is, or an expected instance; this node included. */
export type WorkerHealth = {
  /** `computer/instance`. */
  name: string
  id: NodeId | null
  /** Null if it has never been heard of. */
  status: NodeStatus | null
  draining: boolean
  connected: boolean
  /** Since it was heard last; null if it never was. */
  heartbeatAgeMs: number | null
  slots: number
  running: number
  queued: number
  /** Running and queued tasks per slot; 0 without slots. */
  load: number
}
