/**
 * What a node can tell for diagnosis. Only facts: what they mean, and what to do, is for the caller, who also sees the
 * network.
 */
import { hlcMs } from '../../core/base/hlc.ts'
import { nodeOf, type NodeId } from '../../core/base/ids.ts'
import type { CoreView } from '../../core/view.ts'
import type { DiagnosisView, HoldsUp, NodeView } from '../api/node-api.ts'
import { unreadableOf } from './unreadable.ts'
import { missingOf } from './names.ts'
import type { ProcessFacts } from './process-facts.ts'
import type { UnansweredPeer } from '../../ports/ports.ts'
import type { NodeSettings } from '../settings.ts'

/**
 * Members follow the floor of others with their next heartbeat. Guess: some of them, so that nobody is blamed in
 * passing.
 */
const FLOOR_LATE_MS = 10_000

/** A copy that has been silent for longer has ended: it would speak every second. */
const COPY_ENDED_MS = 60_000

type Asked = Readonly<{
  core: CoreView
  nodes: readonly NodeView[]
  nameOf: (node: NodeId) => string
  settings: Pick<NodeSettings, 'cluster' | 'mdns' | 'fingerprintOf'>
  processFacts: Pick<ProcessFacts, 'diskFailure' | 'duplicates' | 'clockStep'>
  unanswered: readonly UnansweredPeer[]
  now: number
}>

export function diagnosisOf(asked: Asked, names: readonly string[]): DiagnosisView {
  const { core, nodes, nameOf, settings, processFacts, now } = asked
  const clockStep = processFacts.clockStep()
  const { cluster, mdns, fingerprintOf } = settings
  const self = core.self()
  const offsets = new Map(
    core.members(now).map(({ heartbeat, clockOffsetMs }) => [nodeOf(heartbeat.boot), clockOffsetMs])
  )
  offsets.set(nodeOf(self.boot), 0)
  return {
    v: 1,
    cluster,
    node: self.name,
    id: nodeOf(self.boot),
    version: self.version,
    fingerprints: Object.fromEntries([cluster, ...names].map(name => [name, fingerprintOf(name)])),
    mdns: mdns === false ? null : { interface: mdns === true ? null : mdns.interface },
    nodes: nodes.map(node => ({ ...node, clockOffsetMs: offsets.get(node.id ?? '') ?? null })),
    expected: core.roster(),
    unanswered: asked.unanswered.map(({ address, silentMs }) => ({
      address,
      silentMs: Math.round(silentMs)
    })),
    duplicates: duplicatesOf(core, processFacts.duplicates(), now).map(({ id, at }) => ({
      node: nameOf(id),
      id,
      at: new Date(core.wallMs(at)).toISOString()
    })),
    disk: processFacts.diskFailure(),
    clockSet:
      clockStep === null
        ? null
        : { at: new Date(clockStep.atMs).toISOString(), byMs: clockStep.byMs },
    unreadable: unreadableOf(core, nameOf),
    unconfirmed: unconfirmedOf(core, now),
    overfull: overfullOf(core, now)
  }
}

/** Nodes that run twice, and when that was seen last: a copy that has ended is none any more. */
export function duplicatesOf(
  core: Pick<CoreView, 'twinHeardAt'>,
  found: ReadonlyMap<NodeId, number>,
  now: number
): { id: NodeId; at: number }[] {
  return [...found]
    .map(([id, foundAt]) => ({ id, at: Math.max(foundAt, core.twinHeardAt(id) ?? foundAt) }))
    .filter(({ at }) => now - at < COPY_ENDED_MS)
}

/** Members that keep settled tasks from being pruned, if there are far too many. */
export function overfullOf(core: CoreView, now: number): DiagnosisView['overfull'] {
  const { kept, max, most } = core.room()
  if (kept <= most) return null
  const own = core.self().floor ?? 0
  const behind = core.members(now).flatMap(({ heartbeat, status, linked, synced }): HoldsUp[] => {
    if (status === 'left' || status === 'crashed') return []
    const { name: node, floor } = heartbeat
    // A member of the version before has no floor, and is not waited for.
    const isBelow = floor !== null && hlcMs(own) - hlcMs(floor) > FLOOR_LATE_MS
    if (!linked) return [{ node, why: 'away' }]
    if (isBelow) return [{ node, why: 'floor' }]
    return synced ? [] : [{ node, why: 'records' }]
  })
  return behind.length === 0 ? null : { kept, max, behind }
}

/** Starts that nobody is there to know of. */
function unconfirmedOf(core: CoreView, now: number): DiagnosisView['unconfirmed'] {
  const missing = missingOf(core, now)
  if (missing.length === 0) return null
  let tasks = 0
  for (const record of core.records()) if (core.readiness(record) === 'StartUnconfirmed') tasks++
  return tasks === 0 ? null : { tasks, missing }
}
