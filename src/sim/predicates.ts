/**
 * Looking at a node from outside: what checkers ask it, and how they name what they found.
 */
import { compareText, compareValues } from '../core/base/order.ts'
import type { TaskId } from '../core/base/ids.ts'
import { covers, reachIn } from '../core/base/version-vector.ts'
import { canRunIn, demandOf } from '../core/claim/claim.ts'
import type { Pool } from '../core/claim/pools.ts'
import {
  isSettled,
  isStarted,
  type Dot,
  type SettledReason,
  type TaskRecord
} from '../core/task/record.ts'
import type { TaskSpec } from '../core/task/spec.ts'
import type { Network } from './world/network.ts'
import type { SimNode } from './world/sim-node.ts'

const WITHOUT_RUN: ReadonlySet<string | null> = new Set<SettledReason>([
  'DependencyFailed',
  'PayloadLost',
  'CancelledByUser',
  'DeadlineExceeded',
  'HolderLost'
])

/** A task whose submission was never acknowledged may have gone with its node, and others may wait for it. */
export function waitsForLost(node: SimNode, id: TaskId): boolean {
  const record = node.core.view.record(id)
  if (record === undefined) return true
  return !isSettled(record) && record.spec.dependsOn.some(next => waitsForLost(node, next))
}

/** Whether the node can run a task of this spec. */
export function isAble({ pools }: Readonly<{ pools: readonly Pool[] }>, spec: TaskSpec): boolean {
  return canRunIn(pools, demandOf(spec))
}

/** Whether the task has ended otherwise than a run of it did. */
export function endsWithoutRun({ outcome }: TaskRecord): boolean {
  return WITHOUT_RUN.has(outcome!.reason)
}

/** A task that the holder could give to a node for this pool, or start there if it is its own. */
export function readyFor(holder: SimNode, pool: Pool): string | undefined {
  for (const record of holder.core.view.records()) {
    const { spec, claim } = record
    if (claim.holder !== holder.options.boot || isStarted(record)) continue
    if (isAble({ pools: [pool] }, spec) && holder.core.view.isReady(spec.id)) {
      return show(holder, record)
    }
  }
  return undefined
}

/**
 * Tasks but for those that are kept only because a task that cannot run depends on them; or because they have a key,
 * and a node may come back that was given the same. One that left without being heard never does.
 */
export function lasting(node: SimNode): TaskRecord[] {
  const records = [...node.core.view.records()]
  const named = new Set(records.filter(r => !isSettled(r)).flatMap(r => r.spec.dependsOn))
  const isAwaited = node.core.view.members(node.now).some(({ status }) => status === 'crashed')
  const isKept = ({ spec }: TaskRecord): boolean =>
    named.has(spec.id) || (isAwaited && spec.idempotencyKey !== null)
  return records.filter(record => !isSettled(record) || !isKept(record))
}

/**
 * Whether there is no node that this one can talk to. One that has said goodbye is not there any more, if its link
 * still is.
 */
export function isAlone(node: SimNode): boolean {
  return !node.core.view.members(node.now).some(({ linked, status }) => linked && status !== 'left')
}

/** Whether all nodes can reach each other, and each sees each as the only process of its node, linked and alive. */
export function areTogether(nodes: readonly SimNode[], network: Network): boolean {
  if (new Set(nodes.map(({ id }) => id)).size < nodes.length) return false
  return nodes.every(node => {
    if (node.isBehind) return false
    const seen = new Map(
      node.core.view.members(node.now).map(member => [member.heartbeat.boot, member])
    )
    return nodes.every(other => {
      if (other === node) return true
      const member = seen.get(other.options.boot)
      return member?.status === 'alive' && member.linked && !network.isCut(node.id, other.id)
    })
  })
}

/** How many could keep a copy, as this node sees it: those that answer and stay. No node waits for others for ever. */
export function keepersSeenBy(node: SimNode): number {
  const others = node.core.view
    .members(node.now)
    .filter(({ linked, status, heartbeat }) => linked && status === 'alive' && !heartbeat.draining)
  return others.length + (node.core.view.self().draining ? 0 : 1)
}

/** A node that has crashed for good still counts: without a majority nothing is pruned. */
export function seesMajority(node: SimNode): boolean {
  const others = node.core.view.members(node.now).filter(({ status }) => status !== 'left')
  return (others.filter(({ linked }) => linked).length + 1) * 2 > others.length + 1
}

/**
 * Whether a node sees at least half of the instances that have not left: of two halves, the core decides which may act.
 * An instance that has lost its disk counts once, under whichever identity it is seen.
 */
export function seesHalf(node: SimNode): boolean {
  const seen = new Map([[node.options.name, true]])
  for (const { linked, status, heartbeat } of node.core.view.members(node.now)) {
    if (status === 'left') continue
    const isSeen = linked && status !== 'unreachable'
    seen.set(heartbeat.name, isSeen || seen.get(heartbeat.name) === true)
  }
  return [...seen.values()].filter(Boolean).length * 2 >= seen.size
}

/** A task that is more than kept at one node, and not there at the other. */
export function lacks(having: SimNode, other: SimNode): string | undefined {
  const lacking = lasting(having).find(({ spec }) => other.core.view.record(spec.id) === undefined)
  return lacking && show(having, lacking)
}

export function show(node: SimNode, { spec, claim, outcome }: TaskRecord): string {
  const { view } = node.core
  const open = spec.dependsOn.filter(id => view.record(id)?.outcome?.status !== 'completed')
  const details = [
    `epoch ${claim.epoch}`,
    `holder ${claim.holder}`,
    outcome?.status ?? (view.isReady(spec.id) ? 'ready' : 'open'),
    ...open.map(id => `waits for ${id}${view.record(id) === undefined ? ', unknown here' : ''}`)
  ]
  return `${spec.id}, ${spec.type}, on ${node.options.name} (${details.join(', ')})`
}

/** Whether the node has heard of a write, and could read it. */
export function hasRead({ core: { view } }: SimNode, dot: Dot): boolean {
  return covers(reachIn(view.mergedVector()), dot) && !view.isUnreadable(dot)
}

export function haveEqualVectors(x: SimNode, y: SimNode): boolean {
  const vector = (node: SimNode): unknown[] =>
    [...node.core.view.mergedVector()].sort(([a], [b]) => compareText(a, b))
  return compareValues(vector(x), vector(y)) === 0
}
