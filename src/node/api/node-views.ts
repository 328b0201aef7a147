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

/** What a node can tell for diagnosis, such as by "hearsay doctor". */
export type DiagnosisView = {
  v: 1
  cluster: string
  /** This node. */
  node: string
  id: NodeId
  version: string
  /** Fingerprints of its key, by the name that a cluster may have: nodes show it with that name on the network. */
  fingerprints: Record<string, string>
  /** How it looks for others: on one interface, on whichever the system chooses (`null`), or not at all. */
  mdns: { interface: string | null } | null
  nodes: (NodeView & {
    /** How far its clock is ahead of this node's; null if it has not spoken yet. */
    clockOffsetMs: number | null
  })[]
  /** Names of the instances that are expected (`roster`, `registerWorker`), seen or not. */
  expected: string[]
  /** Addresses of `--peer` at which no node has answered for some seconds, and for how long. */
  unanswered: { address: string; silentMs: number }[]
  /** Nodes that run twice at a time, as far as this one has seen within the last minute, and when it did so last. */
  duplicates: { node: string; id: NodeId; at: string }[]
  /** Why its disk cannot be written to; null if it can. */
  disk: string | null
  /** When its computer's clock was last set since its start, and by how much forward; null if it was not. */
  clockSet: { at: string; byMs: number } | null
  /** What others wrote and this node could not read, by who wrote it. */
  unreadable: UnreadableView[]
  /** Tasks whose start another node must know of first, while none is connected, and who is waited for; or null. */
  unconfirmed: { tasks: number; missing: string[] } | null
  /**
   * Members that keep far too many settled tasks from being pruned here; null if there are not too many, or no such
   * members.
   */
  overfull: { kept: number; max: number; behind: HoldsUp[] } | null
}

/**
 * A member that keeps settled tasks from being pruned: it cannot be reached, it has not raised the time before which
 * nothing is kept (`floor`), or it and this node do not have all of each other's records.
 */
export type HoldsUp = { node: string; why: 'away' | 'floor' | 'records' }

/** Records of one node that another one could not read. */
export type UnreadableView = {
  node: string
  id: NodeId
  /** How many writes could not be read. */
  writes: number
  /** Versions of hearsay that could not read them here; none: they were not to be had. */
  readers: string[]
  /** The version that wrote them, if it is known: that of the node, as long as it has not been started anew. */
  writer: string | null
  /** The bound on what is kept of unreadable writes is reached: nothing more of that node is taken in. */
  stuck: boolean
}
