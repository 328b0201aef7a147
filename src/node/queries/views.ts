/**
 * The core's state in the words and units that users meet: names instead of boots, RFC 3339 instead of clock stamps.
 */
import { shown } from '../../core/base/shape.ts'
import { hlcMs, type Hlc } from '../../core/base/hlc.ts'
import { bootName, nodeOf, type BootId, type NodeId } from '../../core/base/ids.ts'
import { poolsOf } from '../../core/claim/claim.ts'
import type { BusyPool } from '../../core/claim/pools.ts'
import { DEFAULT_POOL, type Heartbeat } from '../../core/message.ts'
import { SETTLED_MAX_MAX } from '../../core/options.ts'
import { isBlob, type Content } from '../../core/task/content.ts'
import { checkpointIn, isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView, MemberView } from '../../core/view.ts'
import { givenConditions, givenLabels } from '../own-labels.ts'
import { shownConditions } from '../tasks/label-options.ts'
import type { TaskRow } from '../api/lists-api.ts'
import type {
  Json,
  NodeView,
  PoolView,
  StatusView,
  TaskView,
  WorkerHealth
} from '../api/node-api.ts'
import type { PeerView } from '../../ports/ports.ts'
import { viaOf } from './via.ts'
import { TaskCounting } from '../lists/task-counts.ts'

/** What fits on a line. The whole message comes with the task. */
const ROW_MESSAGE_LENGTH_MAX = 200

/** A node id and its name are strings: `computer/instance` if it is known, else the id. */
export type NameOf = (boot: BootId) => string

export function taskView(
  record: TaskRecord,
  core: CoreView,
  nameOf: NameOf,
  reason: string | null
): Omit<TaskView, 'progress'> {
  const { spec, outcome } = record
  return {
    ...taskRow(record, core, nameOf, reason),
    payload: parse(spec.payload),
    result: isSettled(record) ? parse(outcome!.result) : null,
    error: outcome !== null && outcome.error !== null ? errorView(outcome.error) : null,
    dependsOn: [...spec.dependsOn],
    labels: {
      require: shownConditions(givenConditions(spec.labels.require)),
      prefer: shownConditions(spec.labels.prefer)
    },
    idempotencyKey: spec.idempotencyKey,
    traceparent: spec.traceparent,
    acks: core.copies(record),
    checkpoint: checkpointView(record)
  }
}

function checkpointView(record: TaskRecord): TaskView['checkpoint'] {
  const checkpoint = checkpointIn(record)
  return checkpoint === undefined ? null : { epoch: checkpoint.epoch, bytes: checkpoint.blob.bytes }
}

/** What a task's next attempt would go on from; empty: nothing. */
export function checkpointWords(record: TaskRecord): string {
  const view = checkpointView(record)
  if (view === null) return ''
  return `its next attempt goes on from a checkpoint of ${view.bytes} bytes, saved at epoch ${view.epoch}`
}

/** A task without what may be large. */
export function taskRow(
  record: TaskRecord,
  core: CoreView,
  nameOf: NameOf,
  reason: string | null
): Omit<TaskRow, 'progress'> {
  const { spec, claim, started, outcome } = record
  const settled = isSettled(record)
  const state = core.state(record)
  const error = outcome?.error ?? null
  return {
    v: 1,
    id: spec.id,
    type: spec.type,
    state,
    reason,
    priority: spec.priority,
    attempt: claim.attempt,
    maxRetries: spec.maxRetries,
    epoch: claim.epoch,
    holder: nameOf(claim.holder),
    submittedBy: nameOf(spec.submittedBy),
    submittedAt: time(spec.submittedAt),
    startedAt: started !== null && (settled || state === 'running') ? time(started.at) : null,
    ...placeOf(record, settled || state === 'running'),
    settledAt: settled ? time(outcome!.at) : null,
    durationMs: settled ? outcome!.durationMs : null,
    payloadBlob: isBlob(spec.payload) ? spec.payload : null,
    resultBlob: settled && isBlob(outcome!.result) ? outcome!.result : null,
    error: error === null ? null : { name: error.name, message: start(error.message) },
    tags: [...spec.tags],
    ref: spec.ref,
    lost: claim.lost.map(nameOf),
    retryOf: spec.retryOf,
    via: viaOf(claim)
  }
}

/** @param isShown whether it runs, or has settled */
function placeOf({ started }: TaskRecord, isShown: boolean): Pick<TaskView, 'pool' | 'slot'> {
  if (started === null || !isShown) return { pool: null, slot: null }
  return { pool: started.pool ?? DEFAULT_POOL, slot: started.slot ?? null }
}

/** @param peer what the network knows of the node, if anything */
export function memberView(member: MemberView, peer: PeerView | undefined): NodeView {
  const { heartbeat, status, linked, synced, heartbeatAgeMs } = member
  // What it said last is history: it has handed on its tasks, and runs nothing any more.
  const idle = { draining: false, paused: null, slots: 0, running: 0, queued: 0, pools: [] }
  return {
    ...heartbeatView(heartbeat),
    ...(status === 'left' ? idle : {}),
    // Not heard since this node was started: it has ended, and may have left in good order.
    status: status === 'crashed' && !Number.isFinite(heartbeatAgeMs) ? 'unreachable' : status,
    self: false,
    found: peer !== undefined,
    connected: linked,
    synced: linked && synced,
    heartbeatAgeMs: Math.round(heartbeatAgeMs)
  }
}

export function selfView(heartbeat: Heartbeat): NodeView {
  return {
    ...heartbeatView(heartbeat),
    status: 'alive',
    self: true,
    found: true,
    connected: true,
    synced: true,
    heartbeatAgeMs: 0
  }
}

/** A node of which nothing is known but its address, or its name in the roster. */
export function strangerView(
  id: NodeId | null,
  name: string | null,
  peer: PeerView | undefined
): NodeView {
  const [computer, instance] = name?.split('/') ?? []
  return {
    v: 1,
    name,
    id,
    computer: computer ?? null,
    instance: instance ?? null,
    status: null,
    draining: false,
    paused: null,
    self: false,
    found: peer !== undefined,
    connected: false,
    synced: false,
    slots: 0,
    running: 0,
    queued: 0,
    pools: [],
    loopLagMs: 0,
    settledMax: null,
    handlers: [],
    labels: {},
    addresses: [...(peer?.addresses ?? [])],
    heartbeatAgeMs: null,
    boot: null,
    version: null
  }
}

export function statusView(
  cluster: string,
  core: CoreView,
  nodes: readonly NodeView[],
  quorum: boolean
): Omit<StatusView, 'submitters'> {
  const self = core.self()
  const counting = new TaskCounting()
  for (const record of core.records()) counting.add(record.spec.type, core.state(record), '')
  const alive = nodes.filter(({ status }) => status === 'alive')
  const sum = (of: (node: NodeView) => number): number => alive.reduce((n, node) => n + of(node), 0)
  return {
    v: 1,
    cluster,
    node: self.name,
    id: nodeOf(self.boot),
    version: self.version,
    members: {
      alive: alive.length,
      connected: nodes.filter(({ connected }) => connected).length,
      synced: nodes.filter(({ synced }) => synced).length,
      expected: nodes.filter(({ status }) => status !== 'left').length
    },
    tasks: counting.states,
    types: counting.types,
    slots: { total: sum(({ slots }) => slots), running: sum(({ running }) => running) },
    quorum,
    settled: settledView(core, nodes)
  }
}

function settledView(core: CoreView, nodes: readonly NodeView[]): StatusView['settled'] {
  const { kept, max } = core.room()
  const isOver = new Set<NodeView['status']>(['left', 'crashed'])
  const said = nodes
    .filter(({ status, settledMax }) => settledMax !== null && !isOver.has(status))
    .map(({ settledMax }) => settledMax)
  return { kept, max, differs: new Set(said).size > 1 }
}

export function healthOf(node: NodeView): WorkerHealth {
  const { id, status, draining, connected, heartbeatAgeMs, slots, running, queued } = node
  const load = slots === 0 ? 0 : (running + queued) / slots
  const name = node.name!
  return { name, id, status, draining, connected, heartbeatAgeMs, slots, running, queued, load }
}

export function time(stamp: Hlc): string {
  return new Date(hlcMs(stamp)).toISOString()
}

function heartbeatView(
  heartbeat: Heartbeat
): Omit<NodeView, 'status' | 'self' | 'found' | 'connected' | 'synced' | 'heartbeatAgeMs'> {
  const { boot, name, draining, paused, loopLagMs, settledMax } = heartbeat
  const { labels, addresses, version } = heartbeat
  const pools = poolsOf(heartbeat)
  const sum = (of: (pool: BusyPool) => number): number => pools.reduce((n, x) => n + of(x), 0)
  const [computer, instance] = name.split('/')
  return {
    v: 1,
    name,
    id: nodeOf(boot),
    computer: computer ?? null,
    instance: instance ?? null,
    draining,
    paused: paused === undefined ? null : shown(paused),
    slots: sum(({ slots }) => slots),
    running: sum(({ running }) => running),
    queued: sum(({ queued }) => queued),
    pools: pools.map(poolView),
    loopLagMs,
    settledMax: settledMax === SETTLED_MAX_MAX ? null : settledMax,
    handlers: [...new Set(pools.flatMap(({ types }) => types))].sort(),
    labels: { ...givenLabels(labels) },
    addresses: [...addresses],
    boot: bootName(boot),
    version
  }
}

function poolView({ name, slots, running, types, labels, external }: BusyPool): PoolView {
  return { name, slots, running, types: [...types], labels: { ...givenLabels(labels) }, external }
}

/** As much of a message as a row has room for. */
function start(message: string): string {
  if (message.length <= ROW_MESSAGE_LENGTH_MAX) return message
  return `${message.slice(0, ROW_MESSAGE_LENGTH_MAX).toWellFormed()}…`
}

function errorView({
  name,
  message,
  stack
}: {
  name: string
  message: string
  stack: string | null
}): {
  name: string
  message: string
  stack?: string
} {
  return stack === null ? { name, message } : { name, message, stack }
}

/** A peer may have sent what is no JSON; then the text is shown as it is. */
export function parse(content: Content | null): Json {
  if (typeof content !== 'string') return null
  try {
    return JSON.parse(content) as Json
  } catch {
    return content
  }
}
